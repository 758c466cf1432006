import type { Cell } from '../model/output.ts'
import { SUSPECTS_BYTES_MAX, valueBytes } from '../model/output-bounds.ts'

/** Different suspects that one alert counts. */
const SUSPECTS_MAX = 10_000
/** Of an entry as commits keep it, beside its value. */
const COUNT_BYTES = 12

/** Value -> events, over the union of the windows in which an alert's condition held. */
export class Suspects extends Map<Cell, number> {
  /** There was no room for some value. */
  isCut = false
  #bytes = 0

  static of(pairs: readonly (readonly [Cell, number])[]): Suspects {
    const suspects = new Suspects()
    for (const [value, events] of pairs) {
      suspects.set(value, events)
      suspects.#bytes += valueBytes(value) + COUNT_BYTES
    }
    return suspects
  }

  /** One event more. False, and nothing is counted, where the value is new and there is no room. */
  count(value: Cell): boolean {
    const before = this.get(value)
    if (before === undefined) {
      const bytes = valueBytes(value) + COUNT_BYTES
      if (this.size >= SUSPECTS_MAX || this.#bytes + bytes > SUSPECTS_BYTES_MAX) {
        this.isCut = true
        return false
      }
      this.#bytes += bytes
    }
    this.set(value, (before ?? 0) + 1)
    return true
  }
}
