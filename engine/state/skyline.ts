const CHUNK_BITS = 12
const CHUNK = 1 << CHUNK_BITS

/**
 * Greatest (or least) value of each key's window, exact while events leave and late ones come in.
 *
 * Shape   per key a list, oldest first, of the values that no younger one beats; its ends are two cells (node + 1)
 * Equal   of two events of one time the greater value stays; of equal values the younger one
 * Cost    add: O(1) amortised, plus the list's part younger than a late event; expire: O(1) amortised
 * Memory  24 bytes a listed value; nodes are used again
 */
export class Skyline {
  readonly #sign: 1 | -1
  readonly #times: Float64Array[] = []
  readonly #values: Float64Array[] = []
  readonly #links: Int32Array[] = [] // older, younger, as node + 1
  readonly #free: number[] = []
  #nodes = 0

  constructor(kind: 'min' | 'max') {
    this.#sign = kind === 'max' ? 1 : -1
  }

  add(cells: Float64Array, at: number, timeMs: number, value: number): void {
    const ranked = this.#sign * value
    let older = cells[at + 1]
    let younger = 0
    while (older !== 0 && this.#time(older) > timeMs) {
      younger = older
      older = this.#older(older)
    }
    if (younger !== 0 && this.#value(younger) >= ranked) return
    if (older !== 0 && this.#time(older) === timeMs && this.#value(older) > ranked) return
    while (older !== 0 && this.#value(older) <= ranked) {
      const gone = older
      older = this.#older(older)
      this.#free.push(gone)
    }
    const node = this.#newNode(timeMs, ranked)
    this.#link(cells, at, older, node)
    this.#link(cells, at, node, younger)
  }

  /** Takes out what is of `throughMs` or older. */
  expire(cells: Float64Array, at: number, throughMs: number): void {
    let oldest = cells[at]
    if (oldest === 0 || this.#time(oldest) > throughMs) return
    while (oldest !== 0 && this.#time(oldest) <= throughMs) {
      this.#free.push(oldest)
      oldest = this.#younger(oldest)
    }
    this.#link(cells, at, 0, oldest)
  }

  /** The extreme value; only while the list is not empty (cells[at] is not 0). */
  best(cells: Float64Array, at: number): number {
    return this.#sign * this.#value(cells[at])
  }

  #newNode(timeMs: number, ranked: number): number {
    const node = this.#free.length > 0 ? (this.#free.pop() as number) : ++this.#nodes
    const chunk = (node - 1) >> CHUNK_BITS
    if (chunk === this.#times.length) {
      this.#times.push(new Float64Array(CHUNK))
      this.#values.push(new Float64Array(CHUNK))
      this.#links.push(new Int32Array(CHUNK * 2))
    }
    this.#times[chunk][(node - 1) & (CHUNK - 1)] = timeMs
    this.#values[chunk][(node - 1) & (CHUNK - 1)] = ranked
    return node
  }

  /** Makes `younger` follow `older`; 0 stands for the end of the list. */
  #link(cells: Float64Array, at: number, older: number, younger: number): void {
    if (older === 0) cells[at] = younger
    else this.#links[(older - 1) >> CHUNK_BITS][((older - 1) & (CHUNK - 1)) * 2 + 1] = younger
    if (younger === 0) cells[at + 1] = older
    else this.#links[(younger - 1) >> CHUNK_BITS][((younger - 1) & (CHUNK - 1)) * 2] = older
  }

  #time(node: number): number {
    return this.#times[(node - 1) >> CHUNK_BITS][(node - 1) & (CHUNK - 1)]
  }
  #value(node: number): number {
    return this.#values[(node - 1) >> CHUNK_BITS][(node - 1) & (CHUNK - 1)]
  }
  #older(node: number): number {
    return this.#links[(node - 1) >> CHUNK_BITS][((node - 1) & (CHUNK - 1)) * 2]
  }
  #younger(node: number): number {
    return this.#links[(node - 1) >> CHUNK_BITS][((node - 1) & (CHUNK - 1)) * 2 + 1]
  }
}
