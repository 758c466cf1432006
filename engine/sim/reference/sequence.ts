import type { SequenceRule } from '../../model/rule.ts'
import { EachAnswers } from './answers.ts'
import { isExcepted } from './exceptions.ts'
import { evaluate } from './expression.ts'
import { PartialMatches } from './partial-matches.ts'
import { earliest, type RuleOptions } from './rule.ts'
import { SequenceAlert, type Stand } from './sequence-alert.ts'
import type { TakenEvent } from './taken.ts'

/** What is known of one key for the sake of violations. */
interface Known {
  /** Step -> its first occurrence. */
  readonly firsts: Map<string, TakenEvent>
  /** Greatest event time among the occurrences that counted. */
  newestMs: number
  /** Names of violations that stand. */
  readonly stood: Set<string>
}

interface Timer {
  readonly violation: SequenceRule['violations'][number]
  readonly dueMs: number
  /** The occurrence that set it, and the clock then. */
  readonly cause: TakenEvent
  readonly setAt: number
}

/** One sequence rule with all that it knows. `t` is always the rule's clock. */
export class ReferenceSequence {
  readonly definition: SequenceRule
  readonly #options: RuleOptions
  #waiting: TakenEvent[] = []
  readonly #known = new Map<string, Known>()
  /** By name of a violation with `each`, and key. */
  readonly #answers = new Map<string, EachAnswers>()
  /** In the order in which they were set. */
  #timers: Timer[] = []
  readonly #partials: readonly PartialMatches[]
  /** Alerts that are not closed, by name and key, in order of opening. */
  readonly #alerts = new Map<string, SequenceAlert>()

  constructor(rule: SequenceRule, options: RuleOptions) {
    this.definition = rule
    this.#options = options
    const dropped = () => this.#count('partial_matches_dropped_total')
    this.#partials = rule.matches.map((match) => new PartialMatches(match, dropped))
  }

  /** Reads one event (where, unless, drop_event, null keys), and lets it enter or wait. */
  take(taken: TakenEvent, t: number): void {
    const { definition } = this
    if (!taken.isKept(definition)) return
    if (isExcepted(definition.exceptions, 'drop_event', taken.scope, t + definition.settleMs)) return
    if (taken.hasNullInKey) this.#count('null_keys_total')
    else if (taken.event.timeMs <= t) this.enter(taken, t)
    else this.#waiting.push(taken)
  }

  /** The next moment after `t`. */
  nextMoment(t: number): number | undefined {
    const timers = this.#timers.map((timer) => timer.dueMs)
    const entries = this.#waiting.map(({ event }) => event.timeMs)
    const closings = [...this.#alerts.values()].map((alert) => alert.overAt)
    return earliest([...timers, ...entries, ...closings], t)
  }

  /** Step 3: timers, in the order in which they were set. */
  fireTimers(t: number): void {
    const due = this.#timers.filter((timer) => timer.dueMs === t)
    this.#timers = this.#timers.filter((timer) => timer.dueMs !== t)
    for (const timer of due) this.#fire(timer, t)
  }

  closeOver(t: number): void {
    for (const [name, alert] of this.#alerts) if (alert.overAt <= t) this.#close(name, alert, t)
  }

  due(t: number): TakenEvent[] {
    const due = this.#waiting.filter(({ event }) => event.timeMs === t)
    this.#waiting = this.#waiting.filter(({ event }) => event.timeMs !== t)
    return due
  }

  closeAll(t: number): void {
    for (const [name, alert] of this.#alerts) this.#close(name, alert, t)
  }

  /** Matches first, then what violations do with the event, then the timers that are due at once. */
  enter(taken: TakenEvent, t: number): void {
    const steps = this.#stepsOf(taken)
    const coverage = this.definition.violations.length > 0 ? this.#coverage(t) : 1
    for (const partials of this.#partials) {
      const matched = partials.enter(taken, steps, t)
      if (matched) this.#stand(partials.match, { t, openedMs: t, source: taken, coverage, events: matched })
    }
    this.#occur(taken, steps, t)
    this.fireTimers(t)
  }

  /** Names of the steps that the event is an occurrence of, in the order of the file. */
  #stepsOf(taken: TakenEvent): string[] {
    const { steps } = this.definition
    return steps
      .filter(({ on, where }) => on.includes(taken.event.type) && (!where || evaluate(where, taken.scope) === true))
      .map(({ name }) => name)
  }

  #occur(taken: TakenEvent, steps: readonly string[], t: number): void {
    const { forgetAfterMs, violations } = this.definition
    const { timeMs } = taken.event
    if (timeMs + forgetAfterMs <= t) return
    for (const violation of violations) {
      if (violation.kind !== 'expect_each' || !violation.expect.some((step) => steps.includes(step))) continue
      this.#answersOf(violation, taken.keyText).add(timeMs, t)
    }
    const known = this.#knownOf(taken.keyText, t)
    const counted = steps.filter((step) => timeMs < (known.firsts.get(step)?.event.timeMs ?? Number.POSITIVE_INFINITY))
    if (counted.length > 0) {
      this.#known.set(taken.keyText, known)
      for (const step of counted) known.firsts.set(step, taken)
      known.newestMs = Math.max(known.newestMs, timeMs)
    }
    for (const violation of violations) {
      const isForbid = violation.kind === 'forbid'
      const causes = violation.kind === 'expect_each' ? steps : counted
      if (!causes.includes(isForbid ? violation.forbid : violation.after)) continue
      const dueMs = isForbid ? t + 1 : Math.max(timeMs + violation.withinMs + 1, t)
      this.#timers.push({ violation, dueMs, cause: taken, setAt: t })
    }
  }

  /** What is known of a key, unless it is forgotten by `t`. */
  #knownOf(keyText: string, t: number): Known {
    const known = this.#known.get(keyText)
    return known && t < known.newestMs + this.definition.forgetAfterMs
      ? known
      : { firsts: new Map(), newestMs: Number.NEGATIVE_INFINITY, stood: new Set() }
  }

  #answersOf(violation: ConstructorParameters<typeof EachAnswers>[0], keyText: string): EachAnswers {
    const name = `${violation.name} ${keyText}`
    let answers = this.#answers.get(name)
    if (!answers) {
      const joined = () => this.#count('sequence_answers_joined_total')
      answers = new EachAnswers(violation, this.definition.forgetAfterMs, joined)
      this.#answers.set(name, answers)
    }
    return answers
  }

  #fire({ violation, cause, setAt }: Timer, t: number): void {
    if (violation.kind === 'expect_each') {
      if (this.#answersOf(violation, cause.keyText).has(cause.event.timeMs)) return
      const events = [{ step: violation.after, taken: cause }]
      this.#stand(violation, { t, openedMs: t, source: cause, coverage: this.#coverage(t), events })
      return
    }
    const { firsts, stood } = this.#known.get(cause.keyText)!
    const isForbid = violation.kind === 'forbid'
    if (firsts.get(isForbid ? violation.forbid : violation.after) !== cause) return
    const inTime = (step: string, lastMs: number) =>
      (firsts.get(step)?.event.timeMs ?? Number.POSITIVE_INFINITY) <= lastMs
    const { timeMs } = cause.event
    const isInOrder = isForbid
      ? inTime(violation.before, timeMs)
      : violation.expect.some((step) => inTime(step, timeMs + violation.withinMs))
    if (isInOrder || stood.has(violation.name)) return
    const coverage = this.#coverage(t)
    if (isForbid && coverage < 1 && !firsts.has(this.definition.steps[0]!.name)) return
    const events = this.definition.steps.flatMap(({ name }) => {
      const taken = firsts.get(name)
      return taken ? [{ step: name, taken }] : []
    })
    const openedMs = isForbid ? setAt : t
    if (this.#stand(violation, { t, openedMs, source: cause, coverage, events })) stood.add(violation.name)
  }

  /** A violation or match stands, unless it is muted. */
  #stand(what: Parameters<typeof SequenceAlert.open>[1], stand: Stand): boolean {
    const { definition } = this
    const { t, source } = stand
    const { lists, features, emit } = this.#options
    const scope = {
      event: null,
      lets: new Map(),
      measures: new Map(),
      key: source.key,
      params: definition.params,
      lists,
      features: features(),
    }
    if (isExcepted(definition.exceptions, 'mute_alert', scope, t + definition.settleMs)) {
      this.#count('muted_total')
      return false
    }
    const name = `${what.name} ${source.keyText}`
    const before = this.#alerts.get(name)
    if (before) {
      if (before.standAgain(stand)) emit(before.record('updated', t))
      return true
    }
    const alert = SequenceAlert.open(definition, what, stand, scope)
    this.#alerts.set(name, alert)
    emit(alert.record('open', t))
    if (definition.cooldownMs === 0) this.#close(name, alert, t)
    return true
  }

  #close(name: string, alert: SequenceAlert, t: number): void {
    this.#alerts.delete(name)
    this.#options.emit(alert.record('closed', t))
  }

  #coverage(t: number): number {
    const historyMs = this.#options.historyMs()
    if (historyMs === null) return 1
    return Math.max(0, Math.min(1, (t - historyMs) / this.definition.forgetAfterMs))
  }

  #count(name: string): void {
    this.#options.counters.counter(name).value += 1
  }
}
