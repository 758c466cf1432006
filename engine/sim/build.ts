import type { Mark } from '../model/block.ts'
import type { Expression, Operator, ValueType } from '../model/expression.ts'
import type {
  Feature,
  NamedList,
  Ranking,
  RatioMeasure,
  Rule,
  RuleSet,
  RunningMeasure,
  SequenceRule,
} from '../model/rule.ts'
import { DEAL_TYPES, type Deal, dealStream } from './deals.ts'

/** Short ways to write rules, expressions and events by hand: everything has a default. */

export const literal = (value: number | string | boolean | null): Expression => ({
  op: 'literal',
  type: value === null ? 'null' : (typeof value as ValueType),
  value,
})

const TYPES: Readonly<Record<string, ValueType>> = {
  price: 'number',
  points: 'number',
  count: 'number',
  isNew: 'boolean',
}

export const field = (name: string): Expression => ({ op: 'field', type: TYPES[name] ?? 'string', name })
export const key = (name: string): Expression => ({ op: 'key', type: TYPES[name] ?? 'string', name })
export const letValue = (name: string, type: ValueType): Expression => ({ op: 'let', type, name })
export const param = (name: string, type: ValueType = 'number'): Expression => ({ op: 'param', type, name })
export const measured = (name: string): Expression => ({ op: 'measure', type: 'number', name })

const NUMBER_FUNCTIONS: readonly Operator[] = ['add', 'sub', 'mul', 'div', 'mod', 'neg', 'size', 'abs', 'min', 'max']
const STRING_FUNCTIONS: readonly Operator[] = ['concat', 'lower', 'unordered', 'subnet']

export function call(fn: Operator, ...operands: (Expression | number | string | boolean | null)[]): Expression {
  const args = operands.map((o) => (typeof o === 'object' && o !== null ? o : literal(o)))
  return { op: 'call', type: resultOf(fn, args), fn, args }
}

function resultOf(fn: Operator, args: readonly Expression[]): ValueType {
  if (fn === 'cond') return args[1]!.type
  if (NUMBER_FUNCTIONS.includes(fn) || fn === 'round' || fn === 'hour' || fn === 'weekday') return 'number'
  return STRING_FUNCTIONS.includes(fn) ? 'string' : 'boolean'
}

export function running(
  name: string,
  kind: RunningMeasure['kind'],
  of: string | null,
  windowMs: number,
  where: Expression | null = null,
  more: Partial<RunningMeasure> = {},
): RunningMeasure {
  return { kind, name, of, where, windowMs, ...more }
}

export function ratio(
  name: string,
  numerator: string,
  denominator: string,
  atLeast: Record<string, number> = {},
): RatioMeasure {
  return { kind: 'ratio', name, numerator, denominator, atLeast }
}

const definition = {
  version: 1,
  hash: 'hash',
  title: '',
  owner: '',
  mode: 'live',
  on: ['deal.made'],
  lets: [],
  where: null,
  unless: null,
  settleMs: 0,
  params: {},
} as const

/** By shop, 10 ms, fires when there are events in the window. */
export function ruleOf(overrides: Partial<Rule> = {}): Rule {
  const windowMs = overrides.windowMs ?? 10
  return {
    ...definition,
    kind: 'rule',
    id: 'rule',
    by: ['shop'],
    windowMs,
    evaluate: 'every_change',
    measures: [running('n', 'count', null, windowMs)],
    when: call('ge', measured('n'), 1),
    severity: [{ level: 'low', when: null }],
    exceptions: [],
    about: 'shop',
    cooldownMs: 0,
    suspects: null,
    explain: [],
    evidence: null,
    ...overrides,
  }
}

/** By shop, forgotten after a second: deals made, paid, seen and void; no violation and no match. */
export function sequenceOf(overrides: Partial<SequenceRule> = {}): SequenceRule {
  return {
    ...definition,
    kind: 'sequence',
    id: 'sequence',
    on: DEAL_TYPES,
    by: ['shop'],
    steps: DEAL_TYPES.map((type) => ({ name: type.slice('deal.'.length), on: [type], where: null })),
    forgetAfterMs: 1_000,
    violations: [],
    matches: [],
    exceptions: [],
    about: 'shop',
    cooldownMs: 0,
    ...overrides,
  }
}

/** Shops by number of deals, 20 ms every 10 ms. */
export function rankingOf(overrides: Partial<Ranking> = {}): Ranking {
  return {
    ...definition,
    kind: 'ranking',
    id: 'ranking',
    rank: 'shop',
    per: [],
    windowMs: 20,
    stepMs: 10,
    weights: { 'deal.made': 1 },
    cap: null,
    limit: 10,
    ties: 'asc',
    columns: [],
    ...overrides,
  }
}

export function setOf(
  rules: readonly Rule[],
  rankings: readonly Ranking[] = [],
  lists: readonly NamedList[] = [],
  sequences: readonly SequenceRule[] = [],
  features: readonly Feature[] = [],
): RuleSet {
  return { hash: 'set', rules, sequences, rankings, lists, features }
}

let lastOffset = 0

/** An event of shop S and buyer B; its offset and id are new unless given. */
export function deal(timeMs: number, overrides: Partial<Deal> = {}): Deal {
  lastOffset += 1
  return {
    timeMs,
    offset: lastOffset,
    id: `e${lastOffset}`,
    type: 'deal.made',
    shop: 'S',
    buyer: 'B',
    device: null,
    price: null,
    points: null,
    count: null,
    isNew: null,
    ...overrides,
  }
}

export function markOf(upToMs: number, partition = 0, partitions: readonly number[] = [partition]): Mark {
  const sources = partitions.map((p) => `${dealStream.topic}/${p}`)
  return { kind: 'mark', sourceTopic: dealStream.topic, sourcePartition: partition, upToMs, sources }
}
