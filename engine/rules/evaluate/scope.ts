import type { Value } from '../../model/expression.ts'
import type { Scalar } from '../../model/rule.ts'

/** Why a rule takes no position. */
export type AbstainReason = 'null' | 'division_by_zero' | 'minimum_sample' | 'not_a_share'

/**
 * Where the leaves of expressions get their values. Each method is called once, when an expression is compiled; what it
 * returns is called for every evaluation. Null = the value is not there; `undefined` = the leaf abstains, having set
 * `reason`. Numbers are never NaN.
 *
 * `reason` is set by whatever makes an expression abstain, the leftmost cause winning; it means something only after a
 * result of `undefined` or NaN, and need not be reset then.
 */
export interface Scope {
  field(name: string): () => Value
  let(name: string): () => Value
  measure(name: string): () => Value
  key(name: string): () => Value
  param(name: string): Scalar
  /** Asked at each evaluation: what is on it may change. */
  list(name: string): { has(value: unknown): boolean }
  /** What a feature says of a key, that is not null. */
  feature(name: string, measure: string): (key: Exclude<Value, null | undefined>) => Value
  reason: AbstainReason
}
