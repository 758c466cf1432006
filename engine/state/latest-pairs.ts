import type { Budget } from './budget.ts'
import { HashPages, HOME_SHIFT } from './hash-pages.ts'
import type { Memory } from './memory.ts'
import { hashPair } from './pair-counts.ts'
import type { RowMarks } from './row-marks.ts'

const STRIDE = 5 // key slot + 1 (0 = free), value, row modulo 2^32, time in two halves
const VALUE = 1
const ROW = 2
const TIME_LOW = 3
const TIME_HIGH = 4
const TWO_32 = 0x1_0000_0000

/** What `arrive` says where there is no room for a new pair. */
export const REFUSED = Number.NaN

/**
 * The newest event of each (key slot, value code), for distinct counts over any number of sliding windows: a value is
 * in a window as long as its newest event is. An event with a newer one of its pair is marked, and counts nothing as it
 * leaves: only arrivals look a pair up, whatever the number of windows.
 *
 * Order   newest by event time; of equal times either may be, as they leave together
 * Life    a pair whose newest event has left the longest window is not there; its entry goes when its page has no room
 * Room    a pair that finds none in the budget is refused; the owner gives room back as a newest event leaves
 * Memory  32 to 80 bytes a pair, those that lately left included
 */
export class LatestPairs {
  readonly #table: HashPages
  readonly #budget: Budget
  readonly #marks: RowMarks
  readonly #kind: number
  /** Events of this time and before have left the longest window. */
  #throughMs = Number.NEGATIVE_INFINITY

  /** `kind`: which of the marks are its own. */
  constructor(init: { memory: Memory; budget: Budget; marks: RowMarks; kind: number }) {
    this.#budget = init.budget
    this.#marks = init.marks
    this.#kind = init.kind
    this.#table = new HashPages(init.memory, {
      stride: STRIDE,
      flag: 0,
      hashOf: (page, at) => hashPair(page[at] - 1, page[at + VALUE]),
      isStale: (page, at) => timeOf(page, at) <= this.#throughMs,
    })
  }

  /**
   * The event in `row` enters the longest window, from which all of `throughMs` and before has left. Returns the time of
   * the pair's newest event up to now, or -Infinity; Infinity when that is newer than this one; or REFUSED.
   */
  arrive(slot: number, value: number, timeMs: number, row: number, throughMs: number): number {
    this.#throughMs = throughMs
    const hash = hashPair(slot, value)
    const table = this.#table.tableOf(hash)
    const mask = this.#table.maskOf(table)
    let place = (hash >>> HOME_SHIFT) & mask
    let at = place * STRIDE
    while (table[at] !== 0 && (table[at] !== slot + 1 || table[at + VALUE] !== value)) {
      place = (place + 1) & mask
      at = place * STRIDE
    }
    const isNew = table[at] === 0
    let newestMs = isNew ? Number.NEGATIVE_INFINITY : timeOf(table, at)
    if (newestMs > throughMs) {
      if (newestMs > timeMs) {
        this.#marks.set(row, this.#kind)
        return Number.POSITIVE_INFINITY
      }
      this.#marks.set(row - ((row - table[at + ROW]) | 0), this.#kind)
    } else {
      if (this.#budget.used >= this.#budget.max) {
        this.#marks.set(row, this.#kind)
        return REFUSED
      }
      this.#budget.used++
      newestMs = Number.NEGATIVE_INFINITY
    }
    this.#table.write(hash)
    table[at] = slot + 1
    table[at + VALUE] = value
    table[at + ROW] = row
    table[at + TIME_LOW] = timeMs
    table[at + TIME_HIGH] = Math.floor(timeMs / TWO_32)
    if (isNew) this.#table.added(hash)
    return newestMs
  }
}

function timeOf(table: Int32Array, at: number): number {
  return table[at + TIME_HIGH] * TWO_32 + (table[at + TIME_LOW] >>> 0)
}
