import type { AlertRecord, Cell, Evidence } from '../../model/output.ts'
import { type Rule, SEVERITIES, type Severity } from '../../model/rule.ts'
import type { Event } from './event.ts'
import type { Result } from './expression.ts'
import { shown } from './measure.ts'
import { compareCells, groupBy } from './order.ts'
import { alertRecord } from './record.ts'
import type { TakenEvent } from './taken.ts'
import { startOf } from './window.ts'

const SUSPECTS_MAX = 100
const UPDATE_EVERY_MS = 60_000

/** What an evaluation found when the condition was true. */
export interface Match {
  readonly severity: Severity
  readonly measures: ReadonlyMap<string, Result>
  readonly explain: string
  /** Share of the rule's own window that the engine has seen. */
  readonly coverage: number
  /** Events of the key in the rule's own window, oldest first. */
  readonly own: readonly TakenEvent[]
}

/** An alert from its opening to its closing. `t` is always the rule's clock. */
export class Alert {
  readonly rule: Rule
  readonly opener: TakenEvent
  readonly #firstSeen: number
  #lastSeen: number
  #folded = 0
  #episodes = 1
  #isEpisodeOpen = true
  #severity: Severity
  /** What the opening or the latest rise in severity saw. */
  #seen: { readonly t: number; readonly match: Match }
  #revision = -1
  #recordedAt = 0
  /** Events of all windows in which the condition was true. */
  readonly #suspected = new Set<Event>()
  readonly #suspectOf = new Map<Event, Cell>()

  constructor(rule: Rule, opener: TakenEvent, t: number, match: Match) {
    this.rule = rule
    this.opener = opener
    this.#firstSeen = t
    this.#lastSeen = t
    this.#severity = match.severity
    this.#seen = { t, match }
    this.#suspect(match)
  }

  /** The condition is true once more. True when a record `updated` is due. */
  matchAgain(t: number, match: Match, isArrival: boolean): boolean {
    this.#lastSeen = t
    if (isArrival) this.#folded += 1
    if (!this.#isEpisodeOpen) this.#episodes += 1
    this.#isEpisodeOpen = true
    this.#suspect(match)
    if (SEVERITIES.indexOf(match.severity) > SEVERITIES.indexOf(this.#severity)) {
      this.#severity = match.severity
      this.#seen = { t, match }
      return true
    }
    return isArrival && t - this.#recordedAt >= UPDATE_EVERY_MS
  }

  /** The condition is false, or abstains. */
  endEpisode(): void {
    if (this.rule.evaluate === 'every_change') this.#isEpisodeOpen = false
  }

  get isEpisodeOpen(): boolean {
    return this.#isEpisodeOpen
  }

  /** When the time of the alert is over, provided that no episode is open then. */
  get overAt(): number {
    return (this.rule.evaluate === 'arrival' ? this.#lastSeen : this.#firstSeen) + this.rule.cooldownMs
  }

  isOver(t: number): boolean {
    if (this.rule.evaluate === 'arrival') return this.overAt <= t
    return !this.#isEpisodeOpen && this.overAt <= t
  }

  /** `now`: what the key looks like at `t`. */
  record(status: AlertRecord['status'], t: number, now: Pick<Match, 'measures' | 'explain'>): AlertRecord {
    const { rule } = this
    this.#revision += 1
    this.#recordedAt = t
    const { t: seenAt, match } = this.#seen
    return alertRecord(rule, {
      revision: this.#revision,
      status,
      severity: this.#severity,
      violation: null,
      key: this.opener.key,
      event_time: t,
      first_seen: this.#firstSeen,
      last_seen: this.#lastSeen,
      folded: this.#folded,
      measures: shown(match.measures),
      window: { start: startOf(rule, seenAt), end: seenAt },
      episodes: this.#episodes,
      suspects: this.#suspects(),
      explain: match.explain,
      evidence: evidence(rule, match.own),
      coverage: match.coverage,
      source: this.opener.event.source,
      ...(status !== 'open' && { now: { measures: shown(now.measures), explain: now.explain } }),
    })
  }

  #suspect(match: Match): void {
    if (!this.rule.suspects) return
    for (const taken of match.own) {
      this.#suspected.add(taken.event)
      this.#suspectOf.set(taken.event, taken.cell(this.rule.suspects.of))
    }
  }

  #suspects(): { value: Cell; events: number }[] {
    if (!this.rule.suspects) return []
    const named = [...this.#suspected].filter((event) => this.#suspectOf.get(event) !== null)
    const counted = [...groupBy(named, (event) => this.#suspectOf.get(event)!)]
      .map(([value, events]) => ({ value, events: events.length }))
      .sort((a, b) => b.events - a.events || compareCells(a.value, b.value))
    const last = counted[this.rule.suspects.k - 1]
    return counted.filter((s) => !last || s.events >= last.events).slice(0, SUSPECTS_MAX)
  }
}

/** The newest events of the window, oldest first. */
function evidence(rule: Rule, own: readonly TakenEvent[]): Evidence | null {
  if (!rule.evidence) return null
  const { events: most, fields } = rule.evidence
  const newest = own.slice(Math.max(0, own.length - most))
  return {
    events: newest.map((taken) => ({
      event_id: taken.event.id,
      event_time: taken.event.timeMs,
      topic: taken.event.source.topic,
      partition: taken.event.source.partition,
      offset: taken.event.source.offset,
      ...taken.cells(fields),
    })),
    total: own.length,
    truncated: own.length > most,
  }
}
