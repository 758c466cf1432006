import type { Counter, Counters } from '../../model/counters.ts'
import type { Value } from '../../model/expression.ts'
import { SEVERITIES, type SequenceRule, type TemplatePart } from '../../model/rule.ts'
import type { StandingPlan } from '../alert-plan.ts'
import type { Filter, MutePlan } from '../plans.ts'

/** Steps are known by their place in the rule. */
export interface SequencePlan {
  /** Among the sequences of the rule set. */
  readonly index: number
  readonly rule: SequenceRule
  readonly space: number
  readonly clock: number
  readonly filter: Filter | null
  /** By type index: the steps that an event of the type may be. */
  readonly stepsOf: readonly (readonly StepTest[])[]
  readonly violations: readonly ViolationPlan[]
  /** Those of `violations` that ask for a step each time. */
  readonly each: readonly EachPlan[]
  readonly matches: readonly MatchPlan[]
  readonly nullKeys: Counter
  readonly keysRefused: Counter
  readonly timersRefused: Counter
  readonly dropped: Counter
  readonly joined: Counter
}

export interface StepTest {
  readonly step: number
  readonly filter: Filter | null
}

/** `forbid: X, before: Y` is awaiting Y at X or before: `awaited` at most 0 ms after `trigger`. */
export interface ViolationPlan {
  readonly alert: StandingPlan
  readonly kind: 'expect' | 'expect_each' | 'forbid'
  readonly trigger: number
  readonly awaited: readonly number[]
  readonly withinMs: number
}

export interface EachPlan extends ViolationPlan {
  /** Among the violations. */
  readonly violation: number
}

export interface MatchPlan {
  readonly alert: StandingPlan
  readonly order: readonly number[]
  readonly without: readonly number[]
  readonly withinMs: number
}

/** What a layout gives to the plan of a sequence. `filters`: one a step, the rule's own included. */
interface Place {
  readonly index: number
  readonly firstAlertPlan: number
  readonly space: number
  readonly clock: number
  readonly filter: Filter | null
  readonly filters: readonly (Filter | null)[]
  readonly typeIndex: ReadonlyMap<string, number>
  readonly key: readonly (() => Value)[]
  readonly mutes: readonly MutePlan[]
  readonly explain: (parts: readonly TemplatePart[]) => () => string
  readonly counters: Counters
}

export function planSequence(rule: SequenceRule, place: Place): SequencePlan {
  const { index, space, clock, filter, key, mutes, counters } = place
  const step = (name: string): number => rule.steps.findIndex((s) => s.name === name)
  const alert = (
    { name, severity, explain }: Pick<SequenceRule['matches'][number], 'name' | 'severity' | 'explain'>,
    i: number,
  ): StandingPlan => ({
    index: place.firstAlertPlan + i,
    rule,
    violation: name,
    space,
    key,
    mutes,
    severity: SEVERITIES.indexOf(severity),
    alertsRefused: counters.counter('alerts_refused_total', { rule: rule.id }),
    outputsCut: counters.counter('outputs_cut_total', { rule: rule.id }),
    explain: place.explain(explain),
  })
  const stepsOf: StepTest[][] = Array.from({ length: place.typeIndex.size }, () => [])
  rule.steps.forEach(({ on }, i) => {
    for (const type of on) stepsOf[place.typeIndex.get(type) as number].push({ step: i, filter: place.filters[i] })
  })
  const violations = rule.violations.map(
    (v, i): ViolationPlan => ({
      alert: alert(v, i),
      kind: v.kind,
      trigger: step(v.kind === 'forbid' ? v.forbid : v.after),
      awaited: v.kind === 'forbid' ? [step(v.before)] : v.expect.map(step),
      withinMs: v.kind === 'forbid' ? 0 : v.withinMs,
    }),
  )
  return {
    index,
    rule,
    space,
    clock,
    filter,
    stepsOf,
    violations,
    each: violations.flatMap((v, i) => (v.kind === 'expect_each' ? [{ ...v, violation: i }] : [])),
    matches: rule.matches.map((m, i) => ({
      alert: alert(m, rule.violations.length + i),
      order: m.order.map(step),
      without: m.without.map(step),
      withinMs: m.withinMs,
    })),
    nullKeys: counters.counter('null_keys_total', { rule: rule.id }),
    keysRefused: counters.counter('keys_refused_total', { rule: rule.id }),
    timersRefused: counters.counter('timers_refused_total', { rule: rule.id }),
    dropped: counters.counter('partial_matches_dropped_total', { rule: rule.id }),
    joined: counters.counter('sequence_answers_joined_total', { rule: rule.id }),
  }
}
