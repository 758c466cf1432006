import type { Expression, Operator } from '../model/expression.ts'
import type { Rule } from '../model/rule.ts'

/**
 * True when the rule's condition can become true by an arrival only: lower bounds on counts and distinct counts, joined
 * by && and ||. Departures then need no evaluation for keys without an alert. Muting may hide a true condition, so a
 * rule that mutes is not one of these.
 */
export function fallsOnDeparture(rule: Rule): boolean {
  return !rule.exceptions.some((e) => e.apply === 'mute_alert') && falls(rule.when, rule)
}

function falls(e: Expression, rule: Rule): boolean {
  if (isFixed(e)) return true
  if (e.op !== 'call') return false
  const [a, b] = e.args
  switch (e.fn) {
    case 'and':
    case 'or':
      return falls(a, rule) && falls(b, rule)
    case 'ge':
    case 'gt':
      return isCount(a, rule) && isFixed(b)
    case 'le':
    case 'lt':
      return isFixed(a) && isCount(b, rule)
    default:
      return false
  }
}

const NEVER_ABSTAINING: ReadonlySet<Operator> = new Set<Operator>([
  ...(['or', 'and', 'not', 'cond', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const),
  ...(['add', 'sub', 'mul', 'neg', 'abs', 'min', 'max', 'round'] as const),
  ...(['concat', 'startsWith', 'endsWith', 'contains', 'matches', 'lower', 'unordered'] as const),
])

/** The same for as long as the key lives, and never an abstention: each of those is counted. */
function isFixed(e: Expression): boolean {
  if (e.op === 'literal') return e.value !== null
  if (e.op === 'param' || e.op === 'key') return true
  if (e.op === 'in' || e.op === 'inList') return isFixed(e.value)
  if (e.op !== 'call' || !e.args.every(isFixed)) return false
  const [, b] = e.args
  return NEVER_ABSTAINING.has(e.fn) || (e.fn === 'div' && b.op === 'literal' && b.value !== 0)
}

function isCount(e: Expression, rule: Rule): boolean {
  if (e.op !== 'measure') return false
  const measure = rule.measures.find((m) => m.name === e.name)
  return measure?.kind === 'count' || measure?.kind === 'distinct'
}
