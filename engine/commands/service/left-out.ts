import type { Counters } from '../../model/counters.ts'
import type { Logger } from '../../model/telemetry.ts'

/** Fewer tell nothing. */
const EVENTS_MIN = 20

/**
 * What a service leaves out by the times of its events. Asked from time to time, it warns where most events since the
 * last warning were late, or had a time that is none, or too far ahead: then times are in another unit or zone than is
 * configured, or a clock is wrong.
 */
export class LeftOut {
  #taken = 0
  #late = 0
  #untimely = 0

  readonly #counters: Counters
  readonly #logger: Logger

  constructor(counters: Counters, logger: Logger) {
    this.#counters = counters
    this.#logger = logger
  }

  look(): void {
    const taken = this.#counters.total('events_total')
    const late = this.#counters.total('late_total')
    const untimely = this.#untimelyNow()
    const [newTaken, newLate, newUntimely] = [taken - this.#taken, late - this.#late, untimely - this.#untimely]
    const all = newTaken + newLate + newUntimely
    if (all < EVENTS_MIN) return
    this.#taken = taken
    this.#late = late
    this.#untimely = untimely
    if (2 * (newLate + newUntimely) <= all) return
    const fields = { late: newLate, untimely: newUntimely, events: all }
    if (newLate >= newUntimely) this.#logger.warn(fields, MOST_LATE)
    else this.#logger.warn(fields, MOST_UNTIMELY)
  }

  #untimelyNow(): number {
    let count = 0
    for (const { name, labels, value } of this.#counters.all())
      if (name === 'dead_letters_total' && (labels.reason === 'FUTURE_TIME' || labels.reason === 'NO_TIME'))
        count += value
    return count
  }
}

const MOST_LATE =
  "most events are late and dropped: are time_format, zone and lateness of their stream right, and the producers' clocks?"
const MOST_UNTIMELY =
  "most events have no time that is believed, or one far ahead: are time_format and zone of their stream right, and the producers' clocks?"
