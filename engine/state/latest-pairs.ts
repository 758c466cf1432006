import type { Budget } from './budget.ts'
import { HashPages, HOME_SHIFT } from './hash-pages.ts'
import type { Memory } from './memory.ts'
import { hashPair } from './pair-counts.ts'
import type { RowMarks } from './row-marks.ts'

const STRIDE = 4 // key slot + 1 (0 = free), value, row modulo 2^32, milliseconds since the origin
const VALUE = 1
const ROW = 2
const SINCE = 3
const SINCE_MAX = 0xffff_ffff

/** What `arrive` says where there is no room for a new pair. */
const REFUSED = Number.NaN

/**
 * The newest event of each (key slot, value code), for distinct counts over any number of sliding windows: a value is
 * in a window as long as its newest event is. An event with a newer one of its pair is marked, and counts nothing as it
 * leaves: only arrivals look a pair up, whatever the number of windows.
 *
 * Order   newest by event time; of equal times either may be, as they leave together
 * Life    a pair whose newest event has left the longest window is not there; its entry goes when its page has no room
 * Room    a pair that finds none in the budget is refused; the owner gives room back as a newest event leaves
 * Span    windows of up to 31 days; the origin moves, through all entries, when times are 49 days from it
 * Memory  26 to 64 bytes a pair, those that lately left included
 */
export class LatestPairs {
  readonly #table: HashPages
  readonly #hashKey: Int32Array
  readonly #budget: Budget
  readonly #marks: RowMarks
  readonly #kind: number
  /** Events of this time and before have left the longest window. */
  #throughMs = Number.NEGATIVE_INFINITY
  /** All events in the longest window are after it; null before the first. */
  #originMs: number | null = null

  /** `kind`: which of the marks are its own. */
  constructor(init: { memory: Memory; budget: Budget; marks: RowMarks; kind: number }) {
    this.#hashKey = init.memory.hashKey
    this.#budget = init.budget
    this.#marks = init.marks
    this.#kind = init.kind
    this.#table = new HashPages(init.memory, {
      stride: STRIDE,
      flag: 0,
      hashOf: (page, at) => hashPair(page[at] - 1, page[at + VALUE], init.memory.hashKey),
      isStale: (page, at) => this.#timeOf(page, at) <= this.#throughMs,
    })
    init.memory.root(
      () => this.#originMs,
      (originMs) => {
        this.#originMs = originMs
      },
    )
  }

  /**
   * The event in `row` enters the longest window, from which all of `throughMs` and before has left. Returns the time of
   * the pair's newest event up to now, or -Infinity; Infinity when that is newer than this one; or REFUSED.
   */
  arrive(slot: number, value: number, timeMs: number, row: number, throughMs: number): number {
    this.#throughMs = throughMs
    if (this.#originMs === null) this.#originMs = throughMs
    else if (timeMs - this.#originMs > SINCE_MAX) this.#moveOrigin(throughMs)
    const hash = hashPair(slot, value, this.#hashKey)
    const table = this.#table.tableOf(hash)
    const mask = this.#table.maskOf(table)
    let place = (hash >>> HOME_SHIFT) & mask
    let at = place * STRIDE
    while (table[at] !== 0 && (table[at] !== slot + 1 || table[at + VALUE] !== value)) {
      place = (place + 1) & mask
      at = place * STRIDE
    }
    const isNew = table[at] === 0
    let newestMs = isNew ? Number.NEGATIVE_INFINITY : this.#timeOf(table, at)
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
    table[at + SINCE] = timeMs - this.#originMs!
    if (isNew) this.#table.added(hash)
    return newestMs
  }

  #timeOf(table: Int32Array, at: number): number {
    return (this.#originMs as number) + (table[at + SINCE] >>> 0)
  }

  #moveOrigin(originMs: number): void {
    this.#table.forEach((page, at) => {
      page[at + SINCE] = Math.max(0, this.#timeOf(page, at) - originMs)
    })
    this.#originMs = originMs
  }
}
