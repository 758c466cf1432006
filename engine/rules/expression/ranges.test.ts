import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Expression, Operator, Value } from '../../model/expression.ts'
import { compileCondition } from '../evaluate/compile.ts'
import { COUNT, constantOf, SHARE } from './ranges.ts'

const RANGES = new Map([
  ['n', COUNT],
  ['share', SHARE],
])
const call = (fn: Operator, type: 'number' | 'boolean', ...args: Expression[]): Expression => ({
  op: 'call',
  type,
  fn,
  args,
})
const measure = fc
  .constantFrom('n', 'share', 'any')
  .map((name): Expression => ({ op: 'measure', type: 'number', name }))
const literal = fc
  .constantFrom(-1, 0, 0.5, 1, 2, 2.5)
  .map((value): Expression => ({ op: 'literal', type: 'number', value }))
const numeric = fc.letrec<{ number: Expression }>((tie) => ({
  number: fc.oneof(
    { maxDepth: 2 },
    measure,
    literal,
    fc
      .tuple(fc.constantFrom<Operator>('add', 'sub', 'mul', 'div', 'abs'), tie('number'), tie('number'))
      .map(([fn, a, b]) => (fn === 'abs' ? call(fn, 'number', a) : call(fn, 'number', a, b))),
  ),
})).number
const comparison = fc
  .tuple(
    fc.constantFrom<Operator>('lt', 'le', 'gt', 'ge', 'eq', 'ne'),
    fc.oneof(measure, numeric),
    fc.oneof(literal, numeric),
  )
  .chain(([fn, a, b]) => fc.constantFrom(call(fn, 'boolean', a, b), call(fn, 'boolean', b, a)))
const condition = fc.oneof(
  comparison,
  fc
    .tuple(fc.constantFrom<Operator>('and', 'or'), comparison, comparison, comparison)
    .map(([fn, a, b, c]) => call(fn, 'boolean', call(fn, 'boolean', a, b), c)),
)
const values = fc.record({
  n: fc.constantFrom<Value>(0, 1, 2, 3, null),
  share: fc.constantFrom<Value>(0, 0.25, 0.5, 1, null),
  any: fc.constantFrom<Value>(-2, -1, -0.5, 0, 0.5, 1, 2, 2.25, 2.5, 3, null),
})

test('what is said never to be true or false never is', () => {
  let constants = 0
  fc.assert(
    fc.property(condition, fc.array(values, { minLength: 20, maxLength: 20 }), (e, rows) => {
      const constant = constantOf(e, RANGES)
      if (constant === null) return
      constants += 1
      for (const row of rows) {
        const leaf = (name: string) => () => row[name as keyof typeof row]
        const none = () => () => null
        const closure = compileCondition(e, {
          measure: leaf,
          field: none,
          let: none,
          key: none,
          param: () => 0,
          list: () => new Set(),
          feature: () => () => null,
          reason: 'null',
        })
        expect([JSON.stringify(e), row, closure()]).not.toEqual([JSON.stringify(e), row, !constant])
      }
    }),
    { numRuns: 5_000 },
  )
  expect(constants).toBeGreaterThan(300)
})
