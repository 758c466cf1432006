import fc from 'fast-check'
import type { Expression, Operator, ValueType } from '../../model/expression.ts'
import { call, field, key, letValue, literal, measured, param } from '../build.ts'

/** Names that stand for "the i-th measure" and "the i-th key member" until the rule is known: see `bindNames`. */
const measures = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => measured(`${i}`))
const typed = (type: ValueType): Expression => ({ op: 'measure', type, name: '0' })
const keys = [0, 1].map((i) => key(`${i}`))

/** "A measure of that type of some feature", until the rule set is known: see `bindFeatures`. */
function published(type: ValueType, key: Expression, n = 0): Expression {
  return { op: 'feature', type, feature: `${n}`, key, measure: `${n}` }
}

/** What an expression may read. */
export interface Readable {
  readonly event: boolean
  readonly measures: boolean
}

export const SHOPS = ['s0', 's1', 's2', '\uff5e', '\u{1f600}', '']
const numbers = [0, 1, 2, 3, 5, 0.5, 1.5, 10, 100, -1]

function numeric(reads: Readable, depth: number): fc.Arbitrary<Expression> {
  const leaves: fc.Arbitrary<Expression>[] = [fc.constantFrom(...numbers.map(literal)), fc.constant(param('limit'))]
  if (reads.measures)
    leaves.push(fc.constantFrom(...measures), fc.constantFrom(...measures), fc.constant(call('size', typed('list'))))
  if (reads.event)
    leaves.push(
      fc.constantFrom(field('price'), field('points'), field('count')),
      fc.constantFrom(letValue('worth', 'number'), letValue('share', 'number')),
    )
  leaves.push(fc.tuple(text(reads), fc.nat({ max: 4 })).map(([key, n]) => published('number', key, n)))
  const leaf = fc.oneof(...leaves)
  if (depth === 0) return leaf
  const deeper = numeric(reads, depth - 1)
  const fn = fc.constantFrom<Operator>('add', 'sub', 'mul', 'div', 'mod', 'min', 'max')
  return fc.oneof(
    { arbitrary: leaf, weight: 3 },
    { arbitrary: fc.tuple(fn, deeper, deeper).map(([f, a, b]) => call(f, a, b)), weight: 2 },
    { arbitrary: deeper.map((a) => call('neg', a)), weight: 1 },
    { arbitrary: deeper.map((a) => call('abs', a)), weight: 1 },
    {
      arbitrary: fc.tuple(boolean(reads, depth - 1), deeper, deeper).map(([c, a, b]) => call('cond', c, a, b)),
      weight: 1,
    },
  )
}

function text(reads: Readable): fc.Arbitrary<Expression> {
  const leaves = [...keys, literal('s1')]
  if (reads.measures) leaves.push(typed('string'), literal('b0'))
  if (reads.event)
    leaves.push(field('shop'), field('device'), letValue('pair', 'string'), call('lower', field('buyer')))
  return fc.constantFrom(...leaves)
}

/** Comparisons of what is there; with `depth` of them joined by logic. */
export function boolean(reads: Readable, depth: number): fc.Arbitrary<Expression> {
  const orders = fc.constantFrom<Operator>('lt', 'le', 'gt', 'ge')
  const equals = fc.constantFrom<Operator>('eq', 'ne')
  const number = numeric(reads, Math.min(depth, 1))
  const shops = fc.subarray(SHOPS, { minLength: 1 })
  const leaves: fc.WeightedArbitrary<Expression>[] = [
    { weight: 4, arbitrary: fc.tuple(orders, number, number).map(([fn, a, b]) => call(fn, a, b)) },
    { weight: 1, arbitrary: fc.tuple(equals, number, number).map(([fn, a, b]) => call(fn, a, b)) },
    { weight: 1, arbitrary: fc.tuple(equals, number).map(([fn, a]) => call(fn, a, literal(null))) },
    { weight: 1, arbitrary: fc.tuple(equals, text(reads), text(reads)).map(([fn, a, b]) => call(fn, a, b)) },
    {
      weight: 1,
      arbitrary: fc.tuple(text(reads), shops).map(([value, items]) => ({ op: 'in', type: 'boolean', value, items })),
    },
    { weight: 1, arbitrary: text(reads).map((value) => ({ op: 'inList', type: 'boolean', value, list: 'known' })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(equals, text(reads), text(reads))
        .map(([fn, a, key]) => call(fn, a, published('string', key))),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(text(reads), text(reads)).map(([v, key]) => call('member', v, published('list', key))),
    },
    { weight: 1, arbitrary: text(reads).map((key) => published('boolean', key)) },
  ]
  if (reads.event) leaves.push({ weight: 1, arbitrary: fc.constant(field('isNew')) })
  if (reads.measures)
    leaves.push(
      { weight: 1, arbitrary: fc.constant(typed('boolean')) },
      { weight: 1, arbitrary: text(reads).map((value) => call('member', value, typed('list'))) },
    )
  const leaf = fc.oneof(...leaves)
  if (depth === 0) return leaf
  const deeper = boolean(reads, depth - 1)
  return fc.oneof(
    { weight: 4, arbitrary: leaf },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom<Operator>('and', 'or'), deeper, deeper).map(([fn, a, b]) => call(fn, a, b)),
    },
    { weight: 1, arbitrary: deeper.map((a) => call('not', a)) },
    { weight: 1, arbitrary: fc.tuple(deeper, deeper, deeper).map(([c, a, b]) => call('cond', c, a, b)) },
  )
}

/** A condition as rules have them: most often one measure against a number that the stream reaches. */
export const condition = (reads: Readable): fc.Arbitrary<Expression> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .tuple(fc.constantFrom<Operator>('ge', 'gt', 'le'), fc.constantFrom(...measures), fc.constantFrom(1, 2, 3, 4))
        .map(([fn, a, b]) => call(fn, a, b)),
    },
    { weight: 2, arbitrary: boolean(reads, 2) },
  )

/** What a feature says of the key, or of the event, against a small number. */
export const publishedCondition = (reads: Readable): fc.Arbitrary<Expression> =>
  fc
    .tuple(fc.constantFrom<Operator>('ge', 'lt', 'eq'), text(reads), fc.nat({ max: 4 }), fc.constantFrom(1, 2, 3, 5))
    .map(([fn, of, n, number]) => call(fn, published('number', of, n), number))

export const value = (reads: Readable): fc.Arbitrary<Expression> => numeric(reads, 1)

/** Every node of a tree through `change`, from the leaves up. */
export function mapExpression(tree: Expression, change: (node: Expression) => Expression): Expression {
  if (tree.op === 'call') return change({ ...tree, args: tree.args.map((a) => mapExpression(a, change)) })
  if (tree.op === 'feature') return change({ ...tree, key: mapExpression(tree.key, change) })
  if (tree.op === 'in' || tree.op === 'inList') return change({ ...tree, value: mapExpression(tree.value, change) })
  return change(tree)
}

/** The measures of a rule by what they come to. */
export interface MeasureNames {
  readonly number: readonly string[]
  readonly string: readonly string[]
  readonly boolean: readonly string[]
  readonly list: readonly { readonly name: string; readonly of: 'number' | 'string' | 'boolean' }[]
}

const USUAL = { number: 2, string: 'b0', boolean: true }

/** Puts the names of the rule where numbers stand: measure 3 of two is the second one. Without one it is a literal. */
export function bindNames(tree: Expression, names: MeasureNames, by: readonly string[]): Expression {
  return mapExpression(tree, (node) => {
    if (node.op === 'key') return { ...node, name: by[Number(node.name) % by.length]! }
    if (node.op === 'call' && node.fn === 'size' && names.list.length === 0) return literal(0)
    if (node.op === 'call' && node.fn === 'member' && node.args[1]!.op === 'measure') {
      const [value, list] = node.args as [Expression, Expression]
      const of = names.list[0]?.of
      if (!of) return literal(false)
      return { ...node, args: [of === value.type ? value : literal(USUAL[of]), list] }
    }
    if (node.op !== 'measure') return node
    if (node.type === 'list') return { ...node, name: names.list[0]?.name ?? '' }
    const of = names[node.type as 'number']
    return of.length === 0
      ? literal(USUAL[node.type as 'number'])
      : { ...node, name: of[Number(node.name) % of.length]! }
  })
}

/** Puts features of `features`, by their types, where numbers stand; a literal where there is none. */
export function bindFeatures<T extends object>(tree: T, features: readonly PublishedNames[]): T {
  const own = 'by' in tree ? (tree.by as readonly string[]) : []
  return JSON.parse(JSON.stringify(tree), (_, node) => {
    if (node?.op === 'call' && node.fn === 'member' && node.args[1].op === 'literal') return literal(false)
    if (node?.op === 'call' && node.fn === 'member' && node.args[1].op === 'feature') {
      const { feature, measure } = node.args[1]
      const of = features.find((f) => f.id === feature)!.list.find((l) => l.name === measure)!.of
      return of === node.args[0].type ? node : { ...node, args: [literal(USUAL[of]), node.args[1]] }
    }
    if (node?.op !== 'feature') return node
    const type = node.type as 'number' | 'string' | 'boolean' | 'list'
    const having = features.flatMap((f) =>
      f[type].map((m) => ({ feature: f.id, by: f.by, measure: typeof m === 'string' ? m : m.name })),
    )
    const known = having.filter(({ by }) => node.key.op !== 'key' || own.includes(by))
    const from = known.length > 0 ? known : having
    const chosen = from[Number(node.feature) % from.length]
    if (!chosen) return literal(type === 'list' ? null : USUAL[type])
    const { by, ...read } = chosen
    return { ...node, ...read, key: keyOf(node.key, by, own) }
  })
}

/** What a feature can be asked for. */
export interface PublishedNames extends MeasureNames {
  readonly id: string
  readonly by: string
}

/** Most often a key that the feature may know: what the event, or the key at hand, has in the feature's field. */
function keyOf(node: Expression, by: string, own: readonly string[]): Expression {
  if (node.op === 'key' && own.includes(by)) return key(by)
  if (node.op === 'field') return by === 'pair' ? letValue(by, 'string') : field(by)
  return node
}

export function readsEvent(tree: Expression): boolean {
  let found = false
  mapExpression(tree, (node) => {
    if (node.op === 'field' || node.op === 'let') found = true
    return node
  })
  return found
}
