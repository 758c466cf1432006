import type { Cell, SourcePosition } from '../../model/output.ts'
import { recordPosition } from '../../model/source-position.ts'
import type { Memory } from '../../state/memory.ts'
import type { TimerHeap } from '../../state/timer-heap.ts'
import type { AlertBook } from '../alert-book.ts'
import type { Context } from '../context.ts'
import { Answers } from './answers.ts'
import { KeyStates } from './key-states.ts'
import { type Part, PartialMatches } from './partial-matches.ts'
import type { MatchPlan, SequencePlan, ViolationPlan } from './plan.ts'

const PARTIAL_MAX = 16
/** Tag of the timer that looks whether anything is left of a key; those of violations have their index. */
const SWEEP = -1
/** Its turn is the sequence's index above this: behind all other timers of its moment. */
export const SWEEP_TURN = 1_000_000

export interface SequenceHost {
  readonly memory: Memory
  readonly context: Context
  readonly timers: TimerHeap
  readonly alerts: AlertBook
  readonly sources: readonly Omit<SourcePosition, 'offset'>[]
  /** Stream time from which all events of the sequence are known; -Infinity = from the beginning. */
  sinceMs(plan: SequencePlan): number
  retain(space: number, slot: number): void
  /** Nothing of this sequence refers to the slot any more. */
  release(space: number, slot: number): void
  /** One more timer may be set. */
  hasRoomForTimer(): boolean
  /** By step: whether the event at hand is an occurrence. One for all sequences. */
  readonly is: Uint8Array
}

/** An event that enters. */
export interface Arrival {
  slot: number
  timeMs: number
  /** The sequence's clock. */
  nowMs: number
  source: number
  offset: number
}

/** One sequence at work: docs/semantics.md, "Sequences". Occurrences, timers and partial matches of all its keys. */
export class Sequence {
  readonly plan: SequencePlan
  readonly states: KeyStates
  readonly partials: PartialMatches
  /** What violations that ask each time know, and the events that wait for their timers. */
  readonly answers: Answers
  readonly waiting: PartialMatches
  readonly #host: SequenceHost
  /** By violation: its trigger has just been set. */
  readonly #triggered: Uint8Array

  constructor(plan: SequencePlan, host: SequenceHost) {
    const { rule, violations, each, matches } = plan
    this.plan = plan
    this.#host = host
    const steps = violations.length > 0 ? rule.steps.length : 0
    const counts = { violations: violations.length, matches: matches.length, each: each.length }
    this.states = new KeyStates(host.memory, { steps, ...counts })
    this.partials = new PartialMatches(host.memory, Math.max(0, ...matches.map((m) => m.order.length)))
    this.answers = new Answers(host.memory)
    this.waiting = new PartialMatches(host.memory, 1)
    this.#triggered = new Uint8Array(violations.length)
  }

  /** The event enters; `host.is` says which steps it is. */
  enter(event: Arrival): void {
    const { matches, violations } = this.plan
    for (let m = 0; m < matches.length; m++) this.#match(m, matches[m], event)
    if (violations.length > 0) this.#occur(event)
  }

  /** A timer of this sequence fires. */
  fire(tag: number, slot: number, value: number, nowMs: number): void {
    if (tag === SWEEP) this.#sweep(slot, nowMs)
    else if (this.plan.violations[tag].kind === 'expect_each') {
      const part = this.partOf(tag, value)
      this.waiting.free(value)
      this.#judgeEach(tag, slot, part, nowMs)
    } else this.#judge(tag, slot, value, nowMs)
  }

  /** Sets the timer that looks after a key, once for each key that is kept. */
  keep(slot: number, nowMs: number): void {
    if (this.states.isKept(slot)) return
    this.states.keep(slot)
    this.#host.retain(this.plan.space, slot)
    this.#setSweep(slot, nowMs)
  }

  /** For the occurrence `part` of the violation's trigger. */
  setTimer(violation: number, slot: number, part: Part, dueMs: number): void {
    const { index, rule, violations } = this.plan
    let value = part.timeMs
    if (violations[violation].kind === 'expect_each') {
      value = this.waiting.add()
      this.waiting.take(value, part.timeMs, part.source, part.offset)
    }
    this.#host.timers.push(dueMs + rule.settleMs, index, violation, slot, value)
  }

  /** The occurrence that set a timer of this `value`; of one that asks for first occurrences only, its time. */
  partOf(violation: number, value: number): Part {
    if (this.plan.violations[violation].kind === 'expect_each') return this.waiting.parts(value)[0]
    return { timeMs: value, source: -1, offset: -1 }
  }

  #occur(event: Arrival): void {
    const { plan } = this
    const { violations, rule } = plan
    const { slot, timeMs, nowMs } = event
    if (timeMs + rule.forgetAfterMs <= nowMs) return
    const triggered = this.#triggered.fill(0)
    const isFirst = this.#takeFirsts(event)
    if (!this.#takeEach(event) && !isFirst) return
    this.keep(slot, nowMs)
    for (let v = 0; v < violations.length; v++) {
      if (triggered[v] === 0) continue
      const { kind, withinMs } = violations[v]
      const dueMs = kind === 'forbid' ? nowMs + 1 : Math.max(timeMs + withinMs + 1, nowMs)
      if (dueMs <= nowMs) {
        if (kind === 'expect_each') this.#judgeEach(v, slot, event, nowMs)
        else this.#judge(v, slot, timeMs, nowMs)
      } else if (this.#host.hasRoomForTimer()) this.setTimer(v, slot, event, dueMs)
      else if (this.#host.context.evaluating) plan.timersRefused.value++
    }
  }

  /** Sets first occurrences; false when the event is none. */
  #takeFirsts({ slot, timeMs, nowMs, source, offset }: Arrival): boolean {
    const { states } = this
    const { violations, rule } = this.plan
    const { is } = this.#host
    if (this.#isOver(slot, nowMs)) states.forget(slot)
    let counts = false
    for (let step = 0; step < rule.steps.length; step++) {
      if (is[step] === 0 || (states.isSeen(slot, step) && states.firstMs(slot, step) <= timeMs)) continue
      states.occur(slot, step, timeMs, source, offset)
      counts = true
      for (let v = 0; v < violations.length; v++) if (violations[v].trigger === step) this.#triggered[v] = 1
    }
    return counts
  }

  /** Takes down what answers violations that ask each time; false when the event is nothing to them. */
  #takeEach({ slot, timeMs, nowMs }: Arrival): boolean {
    const { states, answers, plan } = this
    const { is } = this.#host
    let counts = false
    for (let e = 0; e < plan.each.length; e++) {
      const { trigger, awaited, withinMs, violation } = plan.each[e]
      let isAwaited = false
      for (const step of awaited) if (is[step] === 1) isAwaited = true
      if (isAwaited) {
        const span = { startMs: timeMs - withinMs, endMs: timeMs, goneMs: nowMs - plan.rule.forgetAfterMs }
        states.setAnswers(slot, e, answers.add(states.answers(slot, e), span, this.#countJoined))
      }
      this.#triggered[violation] = is[trigger]
      if (isAwaited || is[trigger] === 1) counts = true
    }
    if (counts) states.ask(slot, timeMs)
    return counts
  }

  #countJoined = (): void => {
    if (this.#host.context.evaluating) this.plan.joined.value++
  }

  /** The time of an occurrence of the trigger is over: it has been answered, or the violation stands. */
  #judgeEach(v: number, slot: number, part: Part, nowMs: number): void {
    const { states, plan } = this
    const { alert, trigger } = plan.violations[v]
    const e = plan.each.findIndex(({ violation }) => violation === v)
    if (this.answers.covers(states.answers(slot, e), part.timeMs)) return
    if (this.#host.alerts.isMuted(alert, slot) || !this.#host.context.evaluating) return
    this.#host.alerts.stand(alert, slot, {
      openedMs: nowMs,
      nowMs,
      source: this.#position(part.source, part.offset),
      evidence: { events: [this.#evidence(plan.rule.steps[trigger].name, part)], total: 1, truncated: false },
      coverage: this.#coverage(nowMs),
    })
  }

  /** The time of a violation's trigger is over: what it awaits has come, or it stands. */
  #judge(v: number, slot: number, firstMs: number, nowMs: number): void {
    const { states, plan } = this
    const violation = plan.violations[v]
    const { trigger, awaited, withinMs, kind } = violation
    if (states.hasStood(slot, v)) return
    if (!states.isSeen(slot, trigger) || states.firstMs(slot, trigger) !== firstMs) return
    for (const step of awaited) {
      if (states.isSeen(slot, step) && states.firstMs(slot, step) <= firstMs + withinMs) return
    }
    const openedMs = kind === 'forbid' ? nowMs - 1 : nowMs
    const coverage = this.#coverage(nowMs)
    if (kind === 'forbid' && coverage < 1 && !states.isSeen(slot, 0)) return
    if (this.#host.alerts.isMuted(violation.alert, slot)) return
    states.setStood(slot, v)
    if (this.#host.context.evaluating) this.#standViolation(violation, slot, { openedMs, nowMs, coverage })
  }

  #standViolation(
    { alert, trigger }: ViolationPlan,
    slot: number,
    at: { openedMs: number; nowMs: number; coverage: number },
  ): void {
    const { states, plan } = this
    const source = this.#position(states.sourceOf(slot, trigger), states.offsetOf(slot, trigger))
    const events = plan.rule.steps
      .flatMap(({ name }, step) => {
        if (!states.isSeen(slot, step)) return []
        const timeMs = states.firstMs(slot, step)
        return [
          this.#evidence(name, { timeMs, source: states.sourceOf(slot, step), offset: states.offsetOf(slot, step) }),
        ]
      })
      .sort((a, b) => a.event_time - b.event_time)
    this.#host.alerts.stand(alert, slot, {
      ...at,
      source,
      evidence: { events, total: events.length, truncated: false },
    })
  }

  #match(m: number, match: MatchPlan, event: Arrival): void {
    const { states, partials } = this
    const { is } = this.#host
    const { slot, timeMs, nowMs } = event
    const { order, without, withinMs } = match
    let blocks = false
    for (const step of without) if (is[step] === 1) blocks = true
    let count = 0
    let before = -1
    let taker = -1
    let beforeTaker = -1
    for (let partial = states.head(slot, m); partial >= 0; ) {
      const next = partials.next(partial)
      const firstMs = partials.firstMs(partial)
      if (firstMs + withinMs < nowMs || partials.blockedMs(partial) < nowMs) {
        this.#remove(slot, m, partial, before)
        partial = next
        continue
      }
      if (blocks && firstMs < timeMs && timeMs < partials.blockedMs(partial)) partials.block(partial, timeMs)
      if (
        taker < 0 &&
        is[order[partials.count(partial)]] === 1 &&
        partials.lastMs(partial) < timeMs &&
        timeMs <= firstMs + withinMs &&
        timeMs <= partials.blockedMs(partial)
      ) {
        taker = partial
        beforeTaker = before
      }
      count++
      before = partial
      partial = next
    }
    if (taker >= 0) {
      partials.take(taker, timeMs, event.source, event.offset)
      if (partials.count(taker) < order.length) return
      const parts = partials.parts(taker)
      this.#remove(slot, m, taker, beforeTaker)
      this.#standMatch(match, slot, parts, nowMs)
    } else if (is[order[0]] === 1) {
      if (order.length === 1) this.#standMatch(match, slot, [event], nowMs)
      else this.#begin(m, event, count, before)
    }
  }

  /** A new partial match behind `count` others, `last` the youngest of them. */
  #begin(m: number, { slot, timeMs, nowMs, source, offset }: Arrival, count: number, last: number): void {
    const { states, partials } = this
    if (count === PARTIAL_MAX) {
      this.#remove(slot, m, states.head(slot, m), -1)
      if (this.#host.context.evaluating) this.plan.dropped.value++
    }
    const partial = partials.add()
    partials.take(partial, timeMs, source, offset)
    if (last < 0) states.setHead(slot, m, partial)
    else partials.link(last, partial)
    this.keep(slot, nowMs)
  }

  #standMatch({ alert, order }: MatchPlan, slot: number, parts: readonly Part[], nowMs: number): void {
    if (!this.#host.context.evaluating || this.#host.alerts.isMuted(alert, slot)) return
    const { rule, violations } = this.plan
    const events = parts.map((part, i) => this.#evidence(rule.steps[order[i]].name, part))
    const last = parts[parts.length - 1]
    this.#host.alerts.stand(alert, slot, {
      openedMs: nowMs,
      nowMs,
      source: this.#position(last.source, last.offset),
      evidence: { events, total: events.length, truncated: false },
      coverage: violations.length === 0 ? 1 : this.#coverage(nowMs),
    })
  }

  #remove(slot: number, m: number, partial: number, before: number): void {
    const next = this.partials.next(partial)
    if (before < 0) this.states.setHead(slot, m, next)
    else this.partials.link(before, next)
    this.partials.free(partial)
  }

  /** Forgets what is over; comes again while something is left. */
  #sweep(slot: number, nowMs: number): void {
    const { states, partials, plan } = this
    if (this.#isOver(slot, nowMs)) states.forget(slot)
    if (states.isAsked(slot) && states.askedMs(slot) + plan.rule.forgetAfterMs <= nowMs) this.#endAsking(slot)
    let isLeft = states.isRemembered(slot) || states.isAsked(slot)
    plan.matches.forEach(({ withinMs }, m) => {
      let before = -1
      for (let partial = states.head(slot, m); partial >= 0; ) {
        const next = partials.next(partial)
        if (partials.firstMs(partial) + withinMs < nowMs) this.#remove(slot, m, partial, before)
        else before = partial
        partial = next
      }
      if (before >= 0) isLeft = true
    })
    if (isLeft) this.#setSweep(slot, nowMs)
    else {
      states.drop(slot)
      this.#host.release(plan.space, slot)
    }
  }

  #endAsking(slot: number): void {
    const { states, plan } = this
    for (let e = 0; e < plan.each.length; e++) {
      this.answers.free(states.answers(slot, e))
      states.setAnswers(slot, e, -1)
    }
    states.endAsking(slot)
  }

  #setSweep(slot: number, nowMs: number): void {
    const { states, partials, plan } = this
    let dueMs = states.isRemembered(slot) ? states.newestMs(slot) + plan.rule.forgetAfterMs : Number.POSITIVE_INFINITY
    if (states.isAsked(slot)) dueMs = Math.min(dueMs, states.askedMs(slot) + plan.rule.forgetAfterMs)
    plan.matches.forEach(({ withinMs }, m) => {
      const head = states.head(slot, m)
      if (head >= 0) dueMs = Math.min(dueMs, partials.firstMs(head) + withinMs + 1)
    })
    this.#host.timers.push(Math.max(dueMs, nowMs + 1) + plan.rule.settleMs, plan.index + SWEEP_TURN, SWEEP, slot, 0)
  }

  #isOver(slot: number, nowMs: number): boolean {
    const { states, plan } = this
    return states.isRemembered(slot) && states.newestMs(slot) + plan.rule.forgetAfterMs <= nowMs
  }

  #coverage(nowMs: number): number {
    const known = (nowMs - this.#host.sinceMs(this.plan)) / this.plan.rule.forgetAfterMs
    return Math.max(0, Math.min(1, known))
  }

  #evidence(step: string, { timeMs, source, offset }: Part): Record<string, Cell> & { event_time: number } {
    return { step, event_time: timeMs, ...recordPosition(this.#position(source, offset)) }
  }

  #position(source: number, offset: number): SourcePosition {
    const { topic, partition } = this.#host.sources[source]
    return { topic, partition, offset }
  }
}
