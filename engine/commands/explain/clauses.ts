import type { Expression, Operator, Value } from '../../model/expression.ts'
import { compileCondition, compileExpression, type Scope } from '../../rules/index.ts'
import { expressionText } from './text.ts'

/** One of the conditions that must all hold, with what it comes to at one moment. */
export interface Clause {
  readonly text: string
  /** Null: it abstains, or cannot be known without an event. */
  readonly holds: boolean | null
  /** Left side of a comparison. */
  readonly value: Value | null
  /** Right side. */
  readonly threshold: Value | null
  /** What the value lacks, where both are numbers and the clause does not hold. */
  readonly gap: number | null
  readonly note: string | null
}

const COMPARISONS: readonly Operator[] = ['lt', 'le', 'gt', 'ge', 'eq', 'ne']
const MIRRORED: Readonly<Partial<Record<Operator, Operator>>> = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' }

/** Closures that read the clauses of `when`, bound to a scope. `hasEvent`: an event stands in the context. */
export function clauseReaders(when: Expression, scope: Scope, hasEvent: boolean): (() => Clause)[] {
  return parts(when).map((part) => {
    const text = expressionText(part)
    const blank = { text, holds: null, value: null, threshold: null, gap: null }
    if (!hasEvent && readsEvent(part)) return () => ({ ...blank, note: 'known only when an event arrives' })
    const condition = compileCondition(part, scope)
    const comparison = comparisonOf(part)
    if (!comparison) return () => ({ ...blank, ...outcome(condition, scope) })
    const left = compileExpression(comparison.left, scope)
    const right = compileExpression(comparison.right, scope)
    return () => {
      const [value, threshold] = [left() ?? null, right() ?? null]
      const { holds, note } = outcome(condition, scope)
      const isMissing = holds === false && typeof value === 'number' && typeof threshold === 'number'
      return { text, holds, value, threshold, gap: isMissing ? threshold - value : null, note }
    }
  })
}

/** The members of a conjunction. */
function parts(e: Expression): Expression[] {
  return e.op === 'call' && e.fn === 'and' ? e.args.flatMap(parts) : [e]
}

/** With what changes on the left. */
function comparisonOf(e: Expression): { left: Expression; right: Expression } | null {
  if (e.op !== 'call' || !COMPARISONS.includes(e.fn)) return null
  const [left, right] = e.args as [Expression, Expression]
  const isConstant = left.op === 'literal' || left.op === 'param'
  return isConstant && MIRRORED[e.fn] ? { left: right, right: left } : { left, right }
}

function outcome(condition: () => boolean | undefined, scope: Scope): { holds: boolean | null; note: string | null } {
  scope.reason = 'null'
  const holds = condition() ?? null
  return { holds, note: holds === null ? `abstains: ${scope.reason.replaceAll('_', ' ')}` : null }
}

function readsEvent(e: Expression): boolean {
  if (e.op === 'field' || e.op === 'let') return true
  if (e.op === 'call') return e.args.some(readsEvent)
  if (e.op === 'feature') return readsEvent(e.key)
  return e.op === 'in' || e.op === 'inList' ? readsEvent(e.value) : false
}
