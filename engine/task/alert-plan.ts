import type { Counter } from '../model/counters.ts'
import type { Value } from '../model/expression.ts'
import type { Rule, SequenceRule } from '../model/rule.ts'
import type { MutePlan } from './plans.ts'

/** What alerts are kept by: a rule, or one violation or match of a sequence. Those of one sequence stand in a row. */
export interface AlertPlan {
  /** Among all plans of the rule set. */
  readonly index: number
  readonly rule: Rule | SequenceRule
  readonly violation?: string
  readonly space: number
  readonly key: readonly (() => Value)[]
  readonly mutes: readonly MutePlan[]
  readonly alertsRefused: Counter
  /** Records of which something was cut to its largest size. */
  readonly outputsCut: Counter
}

/** The plan of a violation or match: it has one severity. */
export interface StandingPlan extends AlertPlan {
  readonly violation: string
  /** Index in SEVERITIES. */
  readonly severity: number
  readonly explain: () => string
}
