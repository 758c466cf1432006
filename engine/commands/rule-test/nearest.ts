import type { Expression } from '../../model/expression.ts'
import type { MeasuresRecord } from '../../model/output.ts'
import type { Rule } from '../../model/rule.ts'
import type { Expectation, RuleTest } from '../../rules/index.ts'
import { includes, show, since } from './compare.ts'

/**
 * What the measures were when an expected alert did not come: at the last arrival of its key up to the expected moment,
 * and which comparisons of the condition did not hold: "at 40m: orders 9, buyers 4, concentration 2.25; 2.25 < 3".
 */
export function nearestMoment(
  test: RuleTest,
  rule: Rule,
  { atMs, key }: Expectation,
  measures: readonly MeasuresRecord[],
): string | null {
  const own = measures.filter((m) => includes(m.key, key))
  const before = atMs === null ? own : own.filter((m) => m.event_time <= atMs)
  const row = before.at(-1) ?? own[0]
  if (!row) return null
  const params = { ...rule.params, ...test.params }
  const values = Object.entries(row.measures).map(([name, value]) => `${name} ${value === null ? 'none' : show(value)}`)
  const missed = comparisons(rule.when).flatMap(({ fn, args }) => {
    const [left, right] = args.map((arg) => numberOf(arg!, row.measures, params))
    if (left == null || right == null || HOLDS[fn](left, right)) return []
    return [`${textOf(args[0]!)} ${show(left)} is not ${SIGNS[fn]} ${show(right)}`]
  })
  return [`at ${since(test, row.event_time)}: ${values.join(', ')}`, ...missed].join('; ')
}

type Compare = 'lt' | 'le' | 'gt' | 'ge'
const SIGNS: Readonly<Record<Compare, string>> = { lt: '<', le: '<=', gt: '>', ge: '>=' }
const HOLDS: Readonly<Record<Compare, (a: number, b: number) => boolean>> = {
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
}

/** The comparisons that must all hold: those joined by `&&` at the top. */
function comparisons(e: Expression): { readonly fn: Compare; readonly args: readonly Expression[] }[] {
  if (e.op !== 'call') return []
  if (e.fn === 'and') return e.args.flatMap(comparisons)
  return e.fn in SIGNS ? [{ fn: e.fn as Compare, args: e.args }] : []
}

function numberOf(
  e: Expression,
  measures: MeasuresRecord['measures'],
  params: Readonly<Record<string, unknown>>,
): number | null {
  if (e.op === 'literal' && typeof e.value === 'number') return e.value
  if (e.op === 'measure') return typeof measures[e.name] === 'number' ? (measures[e.name] as number) : null
  if (e.op === 'param') return typeof params[e.name] === 'number' ? (params[e.name] as number) : null
  if (e.op !== 'call' || e.fn !== 'mul') return null
  const [a, b] = e.args.map((arg) => numberOf(arg, measures, params))
  return a == null || b == null ? null : a * b
}

function textOf(e: Expression): string {
  return e.op === 'measure' || e.op === 'param' ? e.name : 'the left side'
}
