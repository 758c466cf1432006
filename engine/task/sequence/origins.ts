import { own } from '../../kit/own.ts'
import type { RuleSet, SequenceRule } from '../../model/rule.ts'

/** How a sequence's state began. */
export interface Origin {
  /** Position of the log record that brought it; -1 = it was there before the first. */
  readonly position: number
  /** Event type -> its events are known from after this stream time on; null = from the beginning. */
  readonly sinceMs: Readonly<Record<string, number | null>>
}

/**
 * From where on each sequence knows its events: kept with every commit, for a sequence that stays in force goes on
 * knowing what no window holds any more.
 */
export class SequenceOrigins {
  #byId = new Map<string, Origin>()

  /** Another rule set comes into force. `sinceMs`: since when events of a type are held, -Infinity = from the beginning. */
  install(set: RuleSet, position: number, sinceMs: (type: string) => number): void {
    this.#byId = new Map(
      set.sequences.map((rule) => {
        const fresh = (): Origin => ({
          position,
          sinceMs: Object.fromEntries(rule.on.map((type) => [type, orNull(sinceMs(type))])),
        })
        return [sequenceKey(rule), this.#byId.get(sequenceKey(rule)) ?? fresh()]
      }),
    )
  }

  of(rule: SequenceRule): Origin {
    return this.#byId.get(sequenceKey(rule)) ?? { position: -1, sinceMs: {} }
  }

  /** Stream time from which all events of the sequence are known; -Infinity = from the beginning. */
  sinceMs(rule: SequenceRule): number {
    const { sinceMs } = this.of(rule)
    return Math.max(...rule.on.map((type) => own(sinceMs, type) ?? Number.NEGATIVE_INFINITY))
  }

  /** True when the event, in the record at `position`, was not held any more as the sequence came into force after it. */
  wasUnknown(rule: SequenceRule, position: number, type: string, timeMs: number): boolean {
    const origin = this.of(rule)
    return position < origin.position && timeMs <= (own(origin.sinceMs, type) ?? Number.NEGATIVE_INFINITY)
  }

  toJson(): Record<string, Origin> {
    return Object.fromEntries(this.#byId)
  }

  restore(saved: Readonly<Record<string, Origin>>): void {
    this.#byId = new Map(Object.entries(saved))
  }
}

/** The same for the same text. */
export function sequenceKey(rule: SequenceRule): string {
  return `${rule.id}@${rule.version}/${rule.hash}`
}

function orNull(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}
