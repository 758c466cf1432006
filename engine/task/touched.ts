import { processKey } from '../kit/keyed-hash.ts'
import { scramble } from '../state/hash-pages.ts'

const SLOTS_MIN = 16

/** Keys of one class to be looked at when a moment is over: each once, in the order in which they were added. */
export class TouchedKeys {
  size = 0
  /** The first `size` of them. */
  slots = new Int32Array(SLOTS_MIN >> 1)
  /** The event of each key that left first. */
  rows = new Float64Array(SLOTS_MIN >> 1)
  /** Open addressing; a place is taken if it bears the stamp of now. */
  #places = new Int32Array(SLOTS_MIN)
  #stamps = new Uint32Array(SLOTS_MIN)
  #stamp = 1

  add(slot: number, row: number): void {
    if (this.#isKnown(slot)) return
    this.slots[this.size] = slot
    this.rows[this.size++] = row
    if (this.size === this.slots.length) this.#grow()
  }

  clear(): void {
    this.size = 0
    this.#stamp = (this.#stamp + 1) >>> 0
    if (this.#stamp === 0) {
      this.#stamps.fill(0)
      this.#stamp = 1
    }
  }

  /** Known from now on. */
  #isKnown(slot: number): boolean {
    const mask = this.#places.length - 1
    let place = scramble(slot ^ processKey[0]) & mask
    for (; this.#stamps[place] === this.#stamp; place = (place + 1) & mask) {
      if (this.#places[place] === slot) return true
    }
    this.#stamps[place] = this.#stamp
    this.#places[place] = slot
    return false
  }

  #grow(): void {
    const places = this.#places.length * 2
    const { slots, rows } = this
    this.slots = new Int32Array(places >> 1)
    this.slots.set(slots)
    this.rows = new Float64Array(places >> 1)
    this.rows.set(rows)
    this.#places = new Int32Array(places)
    this.#stamps = new Uint32Array(places)
    for (const slot of slots) this.#isKnown(slot)
  }
}
