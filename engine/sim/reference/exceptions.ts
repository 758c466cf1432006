import type { RuleException } from '../../model/rule.ts'
import { evaluate, type Scope } from './expression.ts'

export function isExcepted(
  exceptions: readonly RuleException[],
  apply: RuleException['apply'],
  scope: Scope,
  streamMs: number,
): boolean {
  return exceptions.some((e) => e.apply === apply && streamMs < e.untilMs && evaluate(e.when, scope) === true)
}
