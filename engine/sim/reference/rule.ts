import type { Counters } from '../../model/counters.ts'
import type { MeasuresRecord, MeasureValue, Output } from '../../model/output.ts'
import { isRunning, type NamedList, type Rule } from '../../model/rule.ts'
import { Alert, type Match } from './alert.ts'
import { Baseline, type Entered } from './baseline.ts'
import { isExcepted } from './exceptions.ts'
import { Abstain, evaluate, type Scope } from './expression.ts'
import type { Published } from './feature.ts'
import { measureAll, shown } from './measure.ts'
import { byTime, groupBy } from './order.ts'
import type { TakenEvent } from './taken.ts'
import { renderTemplate } from './template.ts'
import { endFor, holds, startOf, type Window } from './window.ts'

export interface RuleOptions {
  readonly lists: readonly NamedList[]
  /** What features say now. */
  readonly features: () => Published
  readonly counters: Counters
  /** A MeasuresRecord for each arrival. */
  readonly measures: boolean
  /** Stream time at which the engine's history begins; null for a finite input. */
  readonly historyMs: () => number | null
  readonly emit: (output: Output) => void
}

/** One rule with all events that it took. `t` is always the rule's clock. */
export class ReferenceRule {
  readonly definition: Rule
  readonly #options: RuleOptions
  /** All windows: the rule's own and those of its measures. */
  readonly #windows: readonly Window[]
  readonly #tumbling: readonly Window[]
  readonly #baselines: readonly Baseline[]
  /** How far back events are kept. */
  readonly #reachMs: number
  /** Events that entered, in the order in which they did. */
  #entered: Entered[] = []
  /** Events ahead of the rule's clock (`settle`). */
  #waiting: TakenEvent[] = []
  /** Alerts that are not closed, by key, in order of opening. */
  readonly #alerts = new Map<string, Alert>()
  /** Keys that lost an event at the moment at hand. */
  #touched = new Set<string>()

  constructor(rule: Rule, options: RuleOptions) {
    this.definition = rule
    this.#options = options
    this.#windows = [rule, ...rule.measures.filter(isRunning)]
    this.#tumbling = this.#windows.filter((w) => w.tumbling)
    this.#baselines = rule.measures.filter((m) => m.kind === 'baseline').map((m) => new Baseline(m, rule))
    this.#reachMs = Math.max(...this.#windows.map((w) => w.windowMs), ...this.#baselines.map((b) => b.reachMs))
  }

  /** Reads one event (where, unless, drop_event, null keys), and lets it enter or wait. */
  take(taken: TakenEvent, t: number): void {
    const { definition } = this
    if (!taken.isKept(definition)) return
    if (isExcepted(definition.exceptions, 'drop_event', taken.scope, t + definition.settleMs)) return
    if (taken.hasNullInKey) {
      this.#count('null_keys_total')
      return
    }
    if (taken.event.timeMs <= t) this.enter(taken, t)
    else this.#waiting.push(taken)
  }

  /** The next moment after `t` that a finite input is followed to. */
  nextMoment(t: number): number | undefined {
    const ends = this.#entered.flatMap((entered) => entered.ends.map((end) => end.ms))
    const entries = this.#waiting.map(({ event }) => event.timeMs)
    const closings = [...this.#alerts.values()].map((alert) => alert.overAt)
    return earliest([...ends, ...entries, ...closings], t)
  }

  /** The next moment after `t` at which nothing may be left to happen but an evaluation. */
  nextWindowEnd(t: number): number | undefined {
    return this.#openEpisodes().length === 0
      ? undefined
      : earliest(
          this.#tumbling.map((w) => endFor(w, t)),
          t,
        )
  }

  /** Step 1 of moment `t`: events leave. For each key that lost one, the first one that left. */
  leave(t: number): TakenEvent[] {
    const leaving = this.#entered
      .filter(({ ends }) => ends.some(({ window, ms }) => ms === t && !window.tumbling))
      .map(({ taken }) => taken)
    this.#entered = this.#entered.filter(({ taken }) => taken.event.timeMs > t - this.#reachMs)
    const byKey = groupBy(leaving.sort(byTime), (taken) => taken.keyText)
    this.#touched = new Set(byKey.keys())
    return [...byKey.values()].map(([first]) => first!)
  }

  /** Step 2: the key of an event that left is evaluated. */
  evaluateDeparture(first: TakenEvent, t: number): void {
    if (this.definition.evaluate === 'every_change') this.#evaluate(first, t, false)
  }

  /** Step 2, then: where a tumbling window ends, keys with an open episode are evaluated, if they have not been. */
  evaluateEnd(t: number): void {
    if (!this.#tumbling.some((w) => startOf(w, t) === t)) return
    for (const alert of this.#openEpisodes())
      if (!this.#touched.has(alert.opener.keyText)) this.#evaluate(alert.opener, t, false)
  }

  /** Step 3: alerts whose time is over close. */
  closeOver(t: number): void {
    for (const [key, alert] of this.#alerts)
      if (alert.isOver(t)) this.#close(key, alert, t, this.#look(alert.opener, t, false))
  }

  /** Step 5: waiting events whose time has come, which wait no longer. */
  due(t: number): TakenEvent[] {
    const due = this.#waiting.filter(({ event }) => event.timeMs === t)
    this.#waiting = this.#waiting.filter(({ event }) => event.timeMs !== t)
    return due
  }

  /** The end: what is still open closes. */
  closeAll(t: number): void {
    for (const [key, alert] of this.#alerts) this.#close(key, alert, t, this.#look(alert.opener, t, false))
  }

  /** The event enters every window that still holds its time; its key is evaluated if there is one. */
  enter(taken: TakenEvent, t: number): void {
    if (!this.#windows.some((w) => holds(w, taken.event.timeMs, t))) {
      this.#count('missed_windows_total')
      return
    }
    const ends = this.#windows.map((window) => ({ window, ms: endFor(window, taken.event.timeMs) }))
    this.#entered.push({ taken, at: t, ends })
    for (const baseline of this.#baselines) baseline.enter(taken, t)
    this.#evaluate(taken, t, true)
  }

  #openEpisodes(): Alert[] {
    if (this.definition.evaluate === 'arrival') return []
    return [...this.#alerts.values()].filter((alert) => alert.isEpisodeOpen)
  }

  /** Events of the key of `taken` in the window as it stands at `t`, oldest first. */
  #inWindow({ keyText }: TakenEvent, window: Window, t: number): TakenEvent[] {
    return this.#entered
      .map(({ taken }) => taken)
      .filter((other) => other.keyText === keyText && holds(window, other.event.timeMs, t))
      .sort(byTime)
  }

  /** `cause`: the event that entered, the first one that left, or the opener of the alert whose episode is open. */
  #evaluate(cause: TakenEvent, t: number, isArrival: boolean): void {
    const rule = this.definition
    const { scope, measures, explain } = this.#look(cause, t, isArrival)
    const when = evaluate(rule.when, scope) ?? new Abstain('null')
    if (isArrival && this.#options.measures) this.#options.emit(measuresRecord(rule, cause, shown(measures), when))
    if (when instanceof Abstain) this.#count('abstained_total', { rule: rule.id, reason: when.reason })
    if (when === true && isExcepted(rule.exceptions, 'mute_alert', scope, t + rule.settleMs)) {
      this.#count('muted_total')
      return
    }
    if (when === true) {
      const level = rule.severity.find((s) => s.when === null || evaluate(s.when, scope) === true)!
      const own = this.#inWindow(cause, rule, t)
      this.#match(cause, t, isArrival, { severity: level.level, measures, explain, coverage: this.#coverage(t), own })
    } else this.#alerts.get(cause.keyText)?.endEpisode()
    const alert = this.#alerts.get(cause.keyText)
    if (isArrival && alert?.isOver(t)) this.#close(cause.keyText, alert, t, { measures, explain })
  }

  /** What the key of `cause` looks like at `t`. */
  #look(cause: TakenEvent, t: number, isArrival: boolean) {
    const rule = this.definition
    const measures = measureAll(rule.measures, {
      held: (m) => this.#inWindow(cause, m, t).filter((e) => !(m.prior && isArrival && e === cause)),
      points: (m) =>
        this.#baselines
          .find((b) => b.measure === m)!
          .points(
            cause.keyText,
            t,
            this.#entered.filter((e) => e.taken.keyText === cause.keyText).sort((a, b) => byTime(a.taken, b.taken)),
          ),
    })
    const scope: Scope = {
      event: isArrival ? cause.event : null,
      lets: isArrival ? cause.scope.lets : new Map(),
      measures,
      key: cause.key,
      params: rule.params,
      lists: this.#options.lists,
      features: this.#options.features(),
    }
    return { scope, measures, explain: renderTemplate(rule.explain, scope) }
  }

  #match(cause: TakenEvent, t: number, isArrival: boolean, match: Match): void {
    const alert = this.#alerts.get(cause.keyText)
    if (!alert) {
      const opened = new Alert(this.definition, cause, t, match)
      this.#alerts.set(cause.keyText, opened)
      this.#options.emit(opened.record('open', t, match))
    } else if (alert.matchAgain(t, match, isArrival)) this.#options.emit(alert.record('updated', t, match))
  }

  #close(key: string, alert: Alert, t: number, now: Pick<Match, 'measures' | 'explain'>): void {
    this.#alerts.delete(key)
    this.#options.emit(alert.record('closed', t, now))
  }

  #coverage(t: number): number {
    const historyMs = this.#options.historyMs()
    const lengthMs = t - startOf(this.definition, t)
    return historyMs === null || lengthMs === 0 ? 1 : Math.max(0, Math.min(1, (t - historyMs) / lengthMs))
  }

  #count(name: string, labels: Record<string, string> = {}): void {
    this.#options.counters.counter(name, labels).value += 1
  }
}

/** The earliest of those after `t`. */
export function earliest(moments: readonly number[], t: number): number | undefined {
  const later = moments.filter((moment) => moment > t)
  return later.length === 0 ? undefined : later.reduce((a, b) => Math.min(a, b))
}

function measuresRecord(
  rule: Rule,
  { event, key }: TakenEvent,
  measures: Record<string, MeasureValue>,
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
