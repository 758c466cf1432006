import { own } from '../../kit/own.ts'
import type { Expression } from '../../model/expression.ts'
import type { MeasuresRecord, MeasureValue } from '../../model/output.ts'
import type { Rule, SequenceRule } from '../../model/rule.ts'
import type { Expectation, RuleTest } from '../../rules/index.ts'
import { includes, show, since } from './compare.ts'

const EVENTS_MAX = 10

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
  const leaves: Leaves = { ...row, params: { ...rule.params, ...test.params } }
  const values = Object.entries(row.measures).map(([name, value]) => `${name} ${value === null ? 'none' : show(value)}`)
  const missed = conjuncts(rule.when).flatMap((e) => missedText(e, leaves) ?? [])
  return [`at ${since(test, row.event_time)}: ${values.join(', ')}`, ...missed].join('; ')
}

/** The events of the key whose alert did not come: "order_id O1: order.created at 0m, payment.captured at 5m". */
export function eventsOfKey(test: RuleTest, { by, on }: SequenceRule, { key }: Expectation): string | null {
  const wanted = Object.fromEntries(Object.entries(key ?? {}).filter(([name]) => by.includes(name)))
  const events = test.events().flatMap((step) => ('type' in step && on.includes(step.type) ? [step] : []))
  // A let has no value here: what it stands for is not compared.
  const known = Object.keys(wanted).filter((name) => events.some((e) => Object.hasOwn(e.fields, name)))
  const own = events.filter((e) => known.every((name) => e.fields[name] === wanted[name]))
  const told = own.slice(0, EVENTS_MAX).map((e) => `${e.type} at ${since(test, e.atMs)}`)
  if (own.length > EVENTS_MAX) told.push(`${own.length - EVENTS_MAX} more`)
  const head = known.map((name) => `${name} ${show(wanted[name]!)}`).join(', ')
  return told.length === 0 ? 'no event of its key' : `${head === '' ? 'events' : head}: ${told.join(', ')}`
}

interface Leaves {
  readonly measures: MeasuresRecord['measures']
  readonly key: MeasuresRecord['key']
  readonly params: Readonly<Record<string, MeasureValue>>
}

type Call = Expression & { op: 'call' }
type Compare = 'lt' | 'le' | 'gt' | 'ge' | 'eq' | 'ne'
const SIGNS: Readonly<Record<Compare, string>> = { lt: '<', le: '<=', gt: '>', ge: '>=', eq: '==', ne: '!=' }
const HOLDS: Readonly<Record<Compare, (a: MeasureValue, b: MeasureValue) => boolean>> = {
  lt: (a, b) => a! < b!,
  le: (a, b) => a! <= b!,
  gt: (a, b) => a! > b!,
  ge: (a, b) => a! >= b!,
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
}

/** The conditions that must all hold: those joined by `&&` at the top. */
export function conjuncts(e: Expression): Call[] {
  if (e.op !== 'call') return []
  return e.fn === 'and' ? e.args.flatMap(conjuncts) : [e]
}

/** A comparison that does not hold, or a value that is not in a list; null for any other condition. */
function missedText({ fn, args }: Call, leaves: Leaves): string | null {
  const [a, b] = args.map((arg) => resolve(arg, leaves))
  if (a === undefined || b === undefined) return null
  if (fn === 'member') return Array.isArray(b) && !b.includes(a) ? `${textOf(args[0]!, a)} is not in ${show(b)}` : null
  if (!(fn in SIGNS)) return null
  const compare = fn as Compare
  const isOrder = compare !== 'eq' && compare !== 'ne'
  if ((isOrder && (a === null || b === null)) || HOLDS[compare](a, b)) return null
  return `${textOf(args[0]!, a)} is not ${SIGNS[compare]} ${show(b)}`
}

/** Undefined where it is not known here. */
function resolve(e: Expression, leaves: Leaves): MeasureValue | undefined {
  if (e.op === 'literal') return e.value
  if (e.op === 'measure') return own(leaves.measures, e.name)
  if (e.op === 'param') return own(leaves.params, e.name)
  if (e.op === 'key') return own(leaves.key, e.name)
  if (e.op !== 'call') return undefined
  const numbers = e.args.map((arg) => resolve(arg, leaves))
  const [a, b] = numbers
  if (e.fn === 'size' && Array.isArray(a)) return a.length
  if (typeof a !== 'number') return undefined
  if (e.fn === 'neg') return -a
  return typeof b === 'number' ? ARITHMETIC[e.fn]?.(a, b) : undefined
}

const ARITHMETIC: Readonly<Partial<Record<Call['fn'], (a: number, b: number) => number>>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
}

function textOf(e: Expression, value: MeasureValue): string {
  if (e.op === 'literal') return show(value)
  const name = e.op === 'measure' || e.op === 'param' ? e.name : e.op === 'key' ? `key.${e.name}` : 'the left side'
  return `${name} ${show(value)}`
}
