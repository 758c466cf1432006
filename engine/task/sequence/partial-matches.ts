import type { Memory } from '../../state/memory.ts'
import { Slab } from '../../state/slab.ts'

/** Cells of a record: link to the next one of the key + 1 (0 = none), events taken, `blocked`; then 3 an event. */
const NEXT = 0
const COUNT = 1
const BLOCKED = 2
const EVENTS = 3
const EVENT_CELLS = 3

/** One event of a partial match. */
export interface Part {
  readonly timeMs: number
  readonly source: number
  readonly offset: number
}

/** Partial matches of one sequence: records in a slab, those of one key and name linked, oldest first. */
export class PartialMatches {
  readonly #slab: Slab

  /** `orderMax`: steps in the longest order. */
  constructor(memory: Memory, orderMax: number) {
    this.#slab = new Slab(memory, EVENTS + EVENT_CELLS * orderMax)
  }

  /** One without events, linked to nothing. */
  add(): number {
    const record = this.#slab.take()
    this.#slab.write(record)[this.#slab.baseOf(record) + BLOCKED] = Number.POSITIVE_INFINITY
    return record
  }

  free(record: number): void {
    this.#slab.free(record)
  }

  /** The next younger one, -1 = none. */
  next(record: number): number {
    return this.#cell(record, NEXT) - 1
  }

  link(record: number, next: number): void {
    this.#slab.write(record)[this.#slab.baseOf(record) + NEXT] = next + 1
  }

  count(record: number): number {
    return this.#cell(record, COUNT)
  }

  /** Time of the first `without` event after the first one; Infinity = none. */
  blockedMs(record: number): number {
    return this.#cell(record, BLOCKED)
  }

  block(record: number, timeMs: number): void {
    this.#slab.write(record)[this.#slab.baseOf(record) + BLOCKED] = timeMs
  }

  firstMs(record: number): number {
    return this.#cell(record, EVENTS)
  }

  lastMs(record: number): number {
    return this.#cell(record, EVENTS + EVENT_CELLS * (this.count(record) - 1))
  }

  take(record: number, timeMs: number, source: number, offset: number): void {
    const page = this.#slab.write(record)
    const base = this.#slab.baseOf(record)
    const at = base + EVENTS + EVENT_CELLS * page[base + COUNT]++
    page[at] = timeMs
    page[at + 1] = source
    page[at + 2] = offset
  }

  parts(record: number): Part[] {
    return Array.from({ length: this.count(record) }, (_, i) => ({
      timeMs: this.#cell(record, EVENTS + EVENT_CELLS * i),
      source: this.#cell(record, EVENTS + EVENT_CELLS * i + 1),
      offset: this.#cell(record, EVENTS + EVENT_CELLS * i + 2),
    }))
  }

  #cell(record: number, cell: number): number {
    return this.#slab.read(record)[this.#slab.baseOf(record) + cell]
  }
}
