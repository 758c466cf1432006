import type { Counters } from '../../model/counters.ts'
import type { MeasuresRecord, Output } from '../../model/output.ts'
import { isRunning, type NamedList, type Rule } from '../../model/rule.ts'
import { Alert, type Match } from './alert.ts'
import { Abstain, evaluate, type Scope } from './expression.ts'
import { measureAll, shown } from './measure.ts'
import { byTime, groupBy } from './order.ts'
import type { TakenEvent } from './taken.ts'
import { renderTemplate } from './template.ts'

export interface RuleOptions {
  readonly lists: readonly NamedList[]
  readonly counters: Counters
  /** A MeasuresRecord for each arrival. */
  readonly measures: boolean
  /** Stream time at which the engine's history begins; null for a finite input. */
  readonly historyMs: () => number | null
  readonly emit: (output: Output) => void
}

/** One rule with all events that it took. `t` is always the rule's clock. */
export class ReferenceRule {
  readonly rule: Rule
  readonly #options: RuleOptions
  /** All windows: the rule's own and those of its measures. */
  readonly #windowsMs: readonly number[]
  /** Events that entered, in no particular order. */
  #entered: TakenEvent[] = []
  /** Events ahead of the rule's clock (`settle`). */
  #waiting: TakenEvent[] = []
  /** Alerts that are not closed, by key, in order of opening. */
  readonly #alerts = new Map<string, Alert>()

  constructor(rule: Rule, options: RuleOptions) {
    this.rule = rule
    this.#options = options
    const measured = rule.measures.filter(isRunning).map((m) => m.windowMs)
    this.#windowsMs = [...new Set([rule.windowMs, ...measured])]
  }

  /** Reads one event (where, unless, drop_event, null keys), and lets it enter or wait. */
  take(taken: TakenEvent, t: number): void {
    const { rule } = this
    if (!taken.isKept(rule)) return
    const streamMs = t + rule.settleMs
    if (this.#isExcepted('drop_event', taken.scope, streamMs)) return
    if (taken.hasNullInKey) {
      this.#count('null_keys_total')
      return
    }
    if (taken.event.timeMs <= t) this.enter(taken, t)
    else this.#waiting.push(taken)
  }

  /** The next moment after `t` at which something can happen. */
  nextMoment(t: number): number | undefined {
    const departures = this.#entered.flatMap(({ event }) => this.#windowsMs.map((w) => event.timeMs + w))
    const entries = this.#waiting.map(({ event }) => event.timeMs)
    const closings = [...this.#alerts.values()].map((alert) => alert.overAt)
    const moments = [...departures, ...entries, ...closings].filter((moment) => moment > t)
    return moments.length === 0 ? undefined : moments.reduce((a, b) => Math.min(a, b))
  }

  /** Step 1 of moment `t`: events leave. For each key that lost one, the first one that left. */
  leave(t: number): TakenEvent[] {
    const leaving = this.#entered.filter(({ event }) => this.#windowsMs.some((w) => event.timeMs + w === t))
    const longestMs = Math.max(...this.#windowsMs)
    this.#entered = this.#entered.filter(({ event }) => event.timeMs > t - longestMs)
    return [...groupBy(leaving.sort(byTime), (taken) => taken.keyText).values()].map(([first]) => first!)
  }

  /** Step 2: the key of an event that left is evaluated. */
  evaluateDeparture(first: TakenEvent, t: number): void {
    if (this.rule.evaluate === 'every_change') this.#evaluate(first, t, false)
  }

  /** Step 3: alerts whose time is over close. */
  closeOver(t: number): void {
    for (const [key, alert] of this.#alerts) if (alert.isOver(t)) this.#close(key, alert, t)
  }

  /** Step 5: waiting events whose time has come, which wait no longer. */
  due(t: number): TakenEvent[] {
    const due = this.#waiting.filter(({ event }) => event.timeMs === t)
    this.#waiting = this.#waiting.filter(({ event }) => event.timeMs !== t)
    return due
  }

  /** The end: what is still open closes. */
  closeAll(t: number): void {
    for (const [key, alert] of this.#alerts) this.#close(key, alert, t)
  }

  /** The event enters every window that still holds its time; its key is evaluated if there is one. */
  enter(taken: TakenEvent, t: number): void {
    if (!this.#windowsMs.some((w) => taken.event.timeMs > t - w)) return
    this.#entered.push(taken)
    this.#evaluate(taken, t, true)
  }

  /** Events of the key of `taken` in the window `(t - windowMs, t]`, oldest first. */
  #inWindow(taken: TakenEvent, windowMs: number, t: number): TakenEvent[] {
    return this.#entered
      .filter((other) => other.keyText === taken.keyText && other.event.timeMs > t - windowMs)
      .sort(byTime)
  }

  /** `cause`: the event that entered, or the first one that left. */
  #evaluate(cause: TakenEvent, t: number, isArrival: boolean): void {
    const { rule } = this
    const streamMs = t + rule.settleMs
    const measures = measureAll(rule.measures, (windowMs) => this.#inWindow(cause, windowMs, t))
    const scope: Scope = {
      event: isArrival ? cause.event : null,
      lets: isArrival ? cause.scope.lets : new Map(),
      measures,
      key: cause.key,
      params: rule.params,
      lists: this.#options.lists,
    }
    const when = evaluate(rule.when, scope) ?? new Abstain('null')
    if (isArrival && this.#options.measures) this.#options.emit(measuresRecord(rule, cause, shown(measures), when))
    if (when instanceof Abstain) this.#count('abstained_total', { rule: rule.id, reason: when.reason })
    if (when === true && this.#isExcepted('mute_alert', scope, streamMs)) {
      this.#count('muted_total')
      return
    }
    if (when === true) {
      const level = rule.severity.find((s) => s.when === null || evaluate(s.when, scope) === true)!
      const explain = renderTemplate(rule.explain, scope)
      const own = this.#inWindow(cause, rule.windowMs, t)
      this.#match(cause, t, isArrival, { severity: level.level, measures, explain, coverage: this.#coverage(t), own })
    } else this.#alerts.get(cause.keyText)?.endEpisode()
    const alert = this.#alerts.get(cause.keyText)
    if (isArrival && alert?.isOver(t)) this.#close(cause.keyText, alert, t)
  }

  #match(cause: TakenEvent, t: number, isArrival: boolean, match: Match): void {
    const alert = this.#alerts.get(cause.keyText)
    if (!alert) {
      const opened = new Alert(this.rule, cause, t, match)
      this.#alerts.set(cause.keyText, opened)
      this.#options.emit(opened.record('open', t))
    } else if (alert.matchAgain(t, match, isArrival)) this.#options.emit(alert.record('updated', t))
  }

  #close(key: string, alert: Alert, t: number): void {
    this.#alerts.delete(key)
    this.#options.emit(alert.record('closed', t))
  }

  #coverage(t: number): number {
    const historyMs = this.#options.historyMs()
    return historyMs === null ? 1 : Math.max(0, Math.min(1, (t - historyMs) / this.rule.windowMs))
  }

  #isExcepted(apply: 'mute_alert' | 'drop_event', scope: Scope, streamMs: number): boolean {
    return this.rule.exceptions.some(
      (e) => e.apply === apply && streamMs < e.untilMs && evaluate(e.when, scope) === true,
    )
  }

  #count(name: string, labels: Record<string, string> = {}): void {
    this.#options.counters.counter(name, labels).value += 1
  }
}

function measuresRecord(
  rule: Rule,
  { event, key }: TakenEvent,
  measures: Record<string, number | null>,
  when: unknown,
): MeasuresRecord {
  return {
    kind: 'measures',
    rule: rule.id,
    key,
    event_id: event.id,
    event_time: event.timeMs,
    measures,
    matched: when instanceof Abstain ? null : when === true,
  }
}
