import type { AlertRecord } from '../../model/output.ts'
import type { SequenceRule, Severity, TemplatePart } from '../../model/rule.ts'
import type { Scope } from './expression.ts'
import type { StepEvent } from './partial-matches.ts'
import { alertRecord } from './record.ts'
import type { TakenEvent } from './taken.ts'
import { renderTemplate } from './template.ts'

const UPDATE_EVERY_MS = 60_000

/** A violation or match that stands, as it is found at clock `t`. */
export interface Stand {
  readonly t: number
  readonly openedMs: number
  readonly source: TakenEvent
  readonly coverage: number
  /** What is known of it, in the order of the steps. */
  readonly events: readonly StepEvent[]
}

/** The violation or match itself. */
interface Named {
  readonly name: string
  readonly severity: Severity
  readonly explain: readonly TemplatePart[]
}

/** An alert of a sequence from its opening to its closing. */
export class SequenceAlert {
  readonly #rule: SequenceRule
  readonly #named: Named
  readonly #opening: Stand
  readonly #explain: string
  #lastSeen: number
  #folded = 0
  #revision = -1
  #recordedAt = 0

  private constructor(rule: SequenceRule, named: Named, opening: Stand, explain: string) {
    this.#rule = rule
    this.#named = named
    this.#opening = opening
    this.#explain = explain
    this.#lastSeen = opening.openedMs
  }

  static open(rule: SequenceRule, named: Named, opening: Stand, scope: Scope): SequenceAlert {
    return new SequenceAlert(rule, named, opening, renderTemplate(named.explain, scope))
  }

  get overAt(): number {
    return this.#opening.openedMs + this.#rule.cooldownMs
  }

  /** True when a record `updated` is due. */
  standAgain({ t, openedMs }: Stand): boolean {
    this.#lastSeen = openedMs
    this.#folded += 1
    return t - this.#recordedAt >= UPDATE_EVERY_MS
  }

  record(status: AlertRecord['status'], t: number): AlertRecord {
    this.#revision += 1
    this.#recordedAt = t
    const { openedMs, source, coverage, events } = this.#opening
    const inOrder = [...events].sort((a, b) => a.taken.event.timeMs - b.taken.event.timeMs)
    return alertRecord(this.#rule, {
      revision: this.#revision,
      status,
      severity: this.#named.severity,
      violation: this.#named.name,
      key: source.key,
      event_time: t,
      first_seen: openedMs,
      last_seen: this.#lastSeen,
      folded: this.#folded,
      measures: {},
      window: { start: inOrder[0]!.taken.event.timeMs, end: openedMs },
      episodes: this.#folded + 1,
      suspects: [],
      explain: this.#explain,
      evidence: {
        events: inOrder.map(({ step, taken: { event } }) => ({
          step,
          event_time: event.timeMs,
          topic: event.source.topic,
          partition: event.source.partition,
          offset: event.source.offset,
        })),
        total: events.length,
        truncated: false,
      },
      coverage,
      source: source.event.source,
    })
  }
}
