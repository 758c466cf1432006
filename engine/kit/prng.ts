/** Four 32-bit words: all that a Prng knows. */
export type PrngState = readonly [number, number, number, number]

/**
 * Repeatable chance: sfc32 (Chris Doty-Humphrey, PractRand), seeded by splitmix32. The same seed gives the same numbers on
 * every machine, except where logarithms enter (`exponential`, `logNormal`): there the last bit is the platform's.
 */
export class Prng {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: number | PrngState) {
    if (typeof seed !== 'number') [this.#a, this.#b, this.#c, this.#d] = seed
    else {
      let mixed = seed | 0
      const word = () => {
        mixed = (mixed + 0x9e3779b9) | 0
        let z = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
        z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
        return z ^ (z >>> 15)
      }
      this.#a = word()
      this.#b = word()
      this.#c = word()
      this.#d = 1
      for (let i = 0; i < 12; i++) this.next()
    }
  }

  state(): PrngState {
    return [this.#a, this.#b, this.#c, this.#d]
  }

  /** In [0, 1), a multiple of 2^-32. */
  next(): number {
    const sum = (this.#a + this.#b + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return (sum >>> 0) / 0x1_0000_0000
  }

  /** A whole number in [0, below). */
  int(below: number): number {
    return Math.floor(this.next() * below)
  }

  /** In [from, to). */
  between(from: number, to: number): number {
    return from + this.next() * (to - from)
  }

  /** Time to the next of events that come at random, `mean` apart. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }

  /** Half of the values are below `median`; `spread` is the standard deviation of the logarithm. */
  logNormal(median: number, spread: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()))
    return median * Math.exp(spread * radius * Math.cos(2 * Math.PI * this.next()))
  }
}
