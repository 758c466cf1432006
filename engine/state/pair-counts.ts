import { Budget } from './budget.ts'
import { HashPages, HOME_SHIFT } from './hash-pages.ts'
import type { Memory } from './memory.ts'

const VALUE = 1
const LOW = 2
const HIGH = 3
const NARROW = 3
const WIDE = 4

/**
 * A whole number for each (key slot, value code) that has one; pairs at zero are forgotten.
 *
 * Shape   hash pages of slot + 1 (0 = free), value, count: 32 bits, or (`wide`) low and high half
 * Room    a pair that finds none in the budget stays at zero
 * Units   counts are whole, below 2^31 in size; wide ones below 2^53
 * Cost    one place in memory per call; a growth rehashes one page only
 * Memory  19 to 38 bytes a pair; wide 26 to 51
 */
export class PairCounts {
  readonly #table: HashPages
  readonly #hashKey: Int32Array
  readonly #stride: number
  readonly #budget: Budget

  constructor(memory: Memory, wide: boolean, budget = new Budget(memory, Number.POSITIVE_INFINITY)) {
    this.#budget = budget
    this.#hashKey = memory.hashKey
    this.#stride = wide ? WIDE : NARROW
    const hashOf = (page: Int32Array, at: number): number => hashPair(page[at] - 1, page[at + VALUE], memory.hashKey)
    this.#table = new HashPages(memory, { stride: this.#stride, flag: 0, hashOf })
  }

  get size(): number {
    return this.#table.size
  }

  /** Adds `delta` and returns the count after it: 0 where there is no room for a new pair. */
  add(slot: number, value: number, delta: number): number {
    const hash = hashPair(slot, value, this.#hashKey)
    const table = this.#table.tableOf(hash)
    const stride = this.#stride
    const mask = this.#table.maskOf(table)
    let place = (hash >>> HOME_SHIFT) & mask
    let at = place * stride
    while (table[at] !== 0) {
      if (table[at] === slot + 1 && table[at + VALUE] === value) {
        const before = stride === NARROW ? table[at + LOW] : table[at + HIGH] * 0x1_0000_0000 + (table[at + LOW] >>> 0)
        const after = before + delta
        if (after === 0) {
          this.#table.remove(hash, place)
          this.#budget.used--
        } else this.#setCount(this.#table.write(hash), at, after)
        return after
      }
      place = (place + 1) & mask
      at = place * stride
    }
    if (delta === 0 || this.#budget.used >= this.#budget.max) return 0
    this.#budget.used++
    this.#table.write(hash)
    table[at] = slot + 1
    table[at + VALUE] = value
    this.#setCount(table, at, delta)
    this.#table.added(hash)
    return delta
  }

  #setCount(page: Int32Array, at: number, count: number): void {
    page[at + LOW] = count | 0
    if (this.#stride === WIDE) page[at + HIGH] = Math.floor(count / 0x1_0000_0000)
  }
}

/** Two rounds of MurmurHash3's mixing, keyed: who sends all values knows their codes. */
export function hashPair(slot: number, value: number, key: Int32Array): number {
  let h = Math.imul(slot ^ key[0], 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15) ^ value ^ key[1], 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f)
  return h ^ (h >>> 16)
}
