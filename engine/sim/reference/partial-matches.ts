import type { SequenceMatch } from '../../model/rule.ts'
import type { TakenEvent } from './taken.ts'

const PARTIALS_MAX = 16

/** An event in its place in a match. */
export interface StepEvent {
  readonly step: string
  readonly taken: TakenEvent
}

interface Partial {
  readonly events: readonly StepEvent[]
  /** Time of the earliest forbidden event after the first one. */
  readonly blockedMs: number
}

/** All partial matches of one name, by key, oldest first. */
export class PartialMatches {
  readonly match: SequenceMatch
  readonly #dropped: () => void
  readonly #byKey = new Map<string, Partial[]>()

  constructor(match: SequenceMatch, dropped: () => void) {
    this.match = match
    this.#dropped = dropped
  }

  /** An event that is an occurrence of `steps` enters at clock `t`. The events of the match that it completes. */
  enter(taken: TakenEvent, steps: readonly string[], t: number): readonly StepEvent[] | null {
    const { order, without, withinMs } = this.match
    const x = taken.event.timeMs
    const firstOf = (partial: Partial) => partial.events[0]!.taken.event.timeMs
    // 1.
    let partials = (this.#byKey.get(taken.keyText) ?? []).filter((p) => firstOf(p) + withinMs >= t && p.blockedMs >= t)
    // 2.
    if (without.some((step) => steps.includes(step)))
      partials = partials.map((p) => (firstOf(p) < x ? { ...p, blockedMs: Math.min(p.blockedMs, x) } : p))
    // 3.
    const taker = partials.find(
      (p) =>
        steps.includes(order[p.events.length]!) &&
        p.events.at(-1)!.taken.event.timeMs < x &&
        x <= firstOf(p) + withinMs &&
        x <= p.blockedMs,
    )
    let complete: readonly StepEvent[] | null = null
    if (taker) {
      const events = [...taker.events, { step: order[taker.events.length]!, taken }]
      if (events.length === order.length) complete = events
      partials = partials.flatMap((p) => (p !== taker ? [p] : complete ? [] : [{ ...p, events }]))
    }
    // 4.
    else if (steps.includes(order[0]!)) {
      const events = [{ step: order[0]!, taken }]
      if (order.length === 1) complete = events
      else partials = [...partials, { events, blockedMs: Number.POSITIVE_INFINITY }]
    }
    if (partials.length > PARTIALS_MAX) {
      partials = partials.slice(1)
      this.#dropped()
    }
    this.#byKey.set(taken.keyText, partials)
    return complete
  }
}
