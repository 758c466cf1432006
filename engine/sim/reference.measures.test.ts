import { expect, test } from 'vitest'
import type { Measure, Rule } from '../model/rule.ts'
import { call, deal, field, literal, measured, ratio, ruleOf, running, setOf } from './build.ts'
import type { Deal } from './deals.ts'
import { play } from './play.ts'
import { Abstain, evaluate } from './reference/expression.ts'

const kinds = ['count', 'distinct', 'sum', 'avg', 'min', 'max', 'stddev'] as const

/** All measures of `of` after the last of these deals, 1 ms apart. */
function measure(of: string, deals: readonly Partial<Deal>[], more: readonly Measure[] = []) {
  const measures = [...kinds.map((k) => running(k, k, k === 'count' ? null : of, 1_000)), ...more]
  const rule: Rule = ruleOf({ evaluate: 'arrival', windowMs: 1_000, measures, when: literal(false) })
  const { measures: rows } = play(
    { set: setOf([rule]), measures: true },
    deals.map((d, i) => deal(i, d)),
  )
  return rows.at(-1)!.measures
}

test('measures of decimals, nulls skipped', () => {
  expect(measure('price', [{ price: 10_000n }, { price: null }, { price: 30_000n }, { price: 30_000n }])).toEqual({
    count: 4,
    distinct: 2,
    sum: 7,
    avg: 7 / 3,
    min: 1,
    max: 3,
    stddev: Math.sqrt(3 * 19e8 - 49e8) / 3 / 1e4,
  })
})

test('a window with nulls only is as an empty one', () => {
  const empty = { count: 1, distinct: 0, sum: 0, avg: null, min: null, max: null, stddev: null }
  expect(measure('price', [{ price: null }])).toEqual(empty)
})

test('sums are exact where doubles are not', () => {
  const tenths = Array.from({ length: 10 }, () => ({ points: 0.1 }))
  expect(measure('points', tenths)).toMatchObject({ sum: 1, avg: 0.1, stddev: 0 })
  const large = { price: 9_000_000_000_000_000_000n }
  expect(measure('price', [large, { price: 1n }, { price: -large.price }]).sum).toBe(0.0001)
  // The radicand cancels: n * sum of squares - square of the sum, far beyond 64 bits.
  expect(measure('price', [large, { price: large.price + 2n }]).stddev).toBe(0.0001)
})

test('a double that does not fit is null, and counted', () => {
  expect(measure('points', [{ points: 1e13 }, { points: 2 }])).toMatchObject({
    sum: 2,
    avg: 2,
    min: 2,
    max: 2,
    distinct: 1,
    stddev: 0,
  })
})

test('ratio: real division, minimum sample, null and nothing', () => {
  const seen = (deals: readonly Partial<Deal>[], atLeast = {}) =>
    measure('price', deals, [ratio('r', 'count', 'distinct', atLeast), ratio('s', 'avg', 'count')])
  expect(seen([{ price: 1n }, { price: 1n }, { price: 2n }]).r).toBe(1.5)
  expect(seen([{ price: 1n }, { price: 1n }], { count: 3 }).r).toBe(null)
  expect(seen([{ price: null }])).toMatchObject({ r: null, s: null })
})

const nowhere = {
  event: null,
  lets: new Map(),
  measures: new Map(),
  key: {},
  params: {},
  lists: [],
  features: new Map(),
}
const value = (expression: Parameters<typeof evaluate>[0]) => {
  const result = evaluate(expression, nowhere)
  return result instanceof Abstain ? `abstains: ${result.reason}` : result
}

test('three-valued logic', () => {
  const nothing = call('gt', literal(null), 1)
  const byZero = call('gt', call('div', 1, 0), 1)
  expect(value(nothing)).toBe('abstains: null')
  expect(value(byZero)).toBe('abstains: division_by_zero')
  expect(value(call('and', false, nothing))).toBe(false)
  expect(value(call('and', nothing, false))).toBe(false)
  expect(value(call('and', true, nothing))).toBe('abstains: null')
  expect(value(call('or', byZero, true))).toBe(true)
  expect(value(call('or', true, byZero))).toBe(true)
  expect(value(call('or', byZero, false))).toBe('abstains: division_by_zero')
  expect(value(call('not', nothing))).toBe('abstains: null')
  expect(value(call('eq', literal(null), literal(null)))).toBe(true)
  expect(value(call('ne', literal(null), 1))).toBe(true)
  expect(value(call('eq', call('div', 1, 0), literal(null)))).toBe('abstains: division_by_zero')
  expect(value({ op: 'in', type: 'boolean', value: literal(null), items: [1, null] })).toBe(true)
  expect(value(call('cond', nothing, 1, 2))).toBe('abstains: null')
  expect(value(call('cond', true, 1, call('div', 1, 0)))).toBe(1)
  expect(value(call('add', field('count'), 1))).toBe('abstains: null')
})

test('a rule looks at its measures, a ratio that abstains makes it abstain', () => {
  const rule = ruleOf({
    evaluate: 'arrival',
    measures: [running('n', 'count', null, 10), running('m', 'count', null, 10), ratio('r', 'n', 'm', { n: 2 })],
    when: call('eq', measured('r'), literal(null)),
  })
  const { measures, counters } = play({ set: setOf([rule]), measures: true }, [deal(0), deal(1)])
  expect(measures.map((m) => m.matched)).toEqual([null, false])
  expect(counters['abstained_total.minimum_sample']).toBe(1)
})
