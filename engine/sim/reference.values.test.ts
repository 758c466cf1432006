import { expect, test } from 'vitest'
import type { Expression } from '../model/expression.ts'
import type { Measure, RunningMeasure } from '../model/rule.ts'
import { call, deal, literal, markOf, measured, ratio, ruleOf, running, setOf } from './build.ts'
import type { Deal } from './deals.ts'
import { play, story } from './play.ts'
import { evaluate } from './reference/expression.ts'

/** One measure after each of these deals, 1 ms apart unless they say otherwise. */
function after(deals: readonly Partial<Deal>[], ...measures: readonly Measure[]) {
  const rule = ruleOf({ evaluate: 'arrival', windowMs: 20, measures, when: literal(false) })
  const timeline = deals.map((d, i) => deal(d.timeMs ?? i, d))
  return play({ set: setOf([rule]), measures: true }, timeline).measures.map((m) => m.measures)
}
const one = (kind: RunningMeasure['kind'], of: string | null, more: Partial<RunningMeasure> = {}) =>
  running('m', kind, of, 20, null, more)
const values = (deals: readonly Partial<Deal>[], measure: Measure) => after(deals, measure).map((m) => m.m)

test('last: the greatest event time, of equal times that read last; nulls skipped; null when empty', () => {
  const timeline = [
    { timeMs: 5, device: 'a' },
    { timeMs: 3, device: 'late' },
    { timeMs: 5, device: 'b' },
    { timeMs: 6, device: null },
    { timeMs: 26, device: null }, // all others have left
  ]
  expect(values(timeline, one('last', 'device'))).toEqual(['a', 'a', 'b', 'b', null])
  expect(values([{ isNew: false }], one('last', 'isNew'))).toEqual([false])
})

test('share: events of the most frequent value / events with a value', () => {
  const timeline = [{ device: null }, { device: 'a' }, { device: 'b' }, { device: 'a' }]
  expect(values(timeline, one('share', 'device'))).toEqual([null, 1, 0.5, 2 / 3])
})

test('top: the most frequent values, ties by value', () => {
  const buyers = (k: number, ...names: (string | null)[]) =>
    values(
      names.map((device) => ({ device })),
      one('top', 'device', { k }),
    ).at(-1)
  expect(buyers(2, 'c', 'b', 'a', 'c')).toEqual(['c', 'a'])
  expect(buyers(1, '\uff5e', '\u{1f600}')).toEqual(['\u{1f600}'])
  expect(buyers(5, 'a', null)).toEqual(['a'])
  expect(buyers(5, null)).toBe(null)
  expect(values([{ count: 10 }, { count: 9 }], one('top', 'count', { k: 2 })).at(-1)).toEqual([9, 10])
  expect(values([{ isNew: true }, { isNew: false }], one('top', 'isNew', { k: 2 })).at(-1)).toEqual([false, true])
})

test('percentile: the value of that rank, in its bucket', () => {
  const of = (p: number, ...counts: number[]) =>
    values(
      counts.map((count) => ({ count })),
      one('percentile', 'count', { p }),
    ).at(-1) as number
  const growth = 1.01 / 0.99
  const bucket = (i: number) => (2 * growth ** i) / (growth + 1)
  expect(of(50, 1)).toBe(bucket(0))
  expect(of(50, 5)).toBe(bucket(81)) // log 5 / log g = 80.47
  expect(of(50, -5)).toBe(-bucket(81))
  expect(of(50, 0)).toBe(0)
  expect(Math.abs(of(50, 5) - 5)).toBeLessThan(0.05)
  // Ranks of ten values: 50 % -> 5th, 51 % -> 6th, 0.1 % -> 1st, 100 % -> 10th
  const ten = [3, 1, 2, 6, 5, 4, 10, 9, 8, 7]
  const ranks = [50, 51, 0.1, 100].map((p) => Math.round(of(p, ...ten)))
  expect(ranks).toEqual([5, 6, 1, 10])
  expect(values([{ count: null }], one('percentile', 'count', { p: 50 }))).toEqual([null])
})

test('prior: the value just before the arriving event entered, of the same moment; ratios see it', () => {
  const prior = running('before', 'count', null, 20, null, { prior: true })
  const rows = after(
    [{ timeMs: 0 }, { timeMs: 5 }, { timeMs: 20 }],
    prior,
    one('count', null),
    ratio('r', 'm', 'before'),
  )
  expect(rows).toEqual([
    { before: 0, m: 1, r: null },
    { before: 1, m: 2, r: 2 },
    { before: 1, m: 2, r: 2 }, // the one at 0 has left
  ])
})

test('lower bound: the lower end of the Wilson interval; what is no share abstains, after at_least, null and zero', () => {
  const share = (deals: readonly Partial<Deal>[], more: Partial<Measure> = {}) => {
    const whole = one('count', null)
    const part = running('a', 'sum', 'count', 20)
    const r = { ...ratio('r', 'a', 'm'), lowerBoundZ: 1.96, ...more } as Measure
    return after(deals, whole, part, r).at(-1)!.r
  }
  const ones = (n: number, of: number) => Array.from({ length: of }, (_, i) => ({ count: i < n ? 1 : 0 }))
  // 8 of 10, 95 %: 0.4902 by every table
  expect(share(ones(8, 10))).toBeCloseTo(0.4902, 4)
  expect(share(ones(0, 5))).toBe(0)
  expect(share([{ count: 2 }])).toBe(null)
  const reasons = (deals: readonly Partial<Deal>[], atLeast: Record<string, number>, denominator: string) => {
    const measures = [
      running('a', 'sum', 'count', 20),
      running('b', denominator === 'none' ? 'distinct' : 'count', denominator === 'none' ? 'device' : null, 20),
      running('x', 'avg', 'price', 20),
      { ...ratio('r', denominator === 'null' ? 'x' : 'a', 'b', atLeast), lowerBoundZ: 1.96 },
    ]
    const rule = ruleOf({ evaluate: 'arrival', windowMs: 20, measures, when: call('gt', measured('r'), 0) })
    const { counters } = play({ set: setOf([rule]) }, [deals.map((d) => deal(0, d))])
    return Object.keys(counters).filter((name) => name.startsWith('abstained_total.'))
  }
  expect(reasons([{ count: 2 }], {}, 'all')).toEqual(['abstained_total.not_a_share'])
  expect(reasons([{ count: -1 }], {}, 'all')).toEqual(['abstained_total.not_a_share'])
  expect(reasons([{ count: 2 }], { b: 2 }, 'all')).toEqual(['abstained_total.minimum_sample'])
  expect(reasons([{ count: 2 }], {}, 'none')).toEqual(['abstained_total.division_by_zero'])
  expect(reasons([{ count: 2 }], {}, 'null')).toEqual(['abstained_total.null'])
})

test('lists in expressions and sentences', () => {
  const list: Expression = { op: 'measure', type: 'list', name: 'l' }
  const value = (tree: Expression, l: readonly string[] | null) => {
    const scope = {
      event: null,
      lets: new Map(),
      measures: new Map([['l', l]]),
      key: {},
      params: {},
      lists: [],
      features: new Map(),
    }
    return evaluate(tree, scope)
  }
  expect(value(call('member', 'a', list), ['b', 'a'])).toBe(true)
  expect(value(call('member', 'c', list), ['b', 'a'])).toBe(false)
  expect(value(call('member', literal(null), list), ['b', 'a'])).toBe(false)
  expect(value(call('size', list), ['b', '\u{1f600}\u{1f600}'])).toBe(2)
  expect(value(call('member', 'c', list), null)).toMatchObject({ reason: 'null' })
  expect(value(call('size', list), null)).toMatchObject({ reason: 'null' })
  const said = ruleOf({
    measures: [one('top', 'price', { k: 2 })],
    when: call('ge', call('size', { ...list, name: 'm' }), 2),
    explain: [{ expression: { ...list, name: 'm' }, format: 'fixed', digits: 1 }],
    windowMs: 20,
  })
  const { alerts } = play({ set: setOf([said]) }, [deal(0, { price: 20_000n }), deal(1, { price: 10_000n })])
  expect(alerts[0]).toMatchObject({ explain: '1.0, 2.0', measures: { m: [1, 2] } })
})

test('a departure changes a list', () => {
  const inTop = call('member', 'b', { op: 'measure', type: 'list', name: 'm' })
  const rule = ruleOf({ windowMs: 20, measures: [one('top', 'device', { k: 1 })], when: inTop })
  const timeline = [deal(0, { device: 'a' }), deal(1, { device: 'a' }), deal(2, { device: 'b' }), markOf(30)]
  expect(story(play({ set: setOf([rule]) }, timeline).alerts)).toEqual(['open@21', 'closed@22'])
})
