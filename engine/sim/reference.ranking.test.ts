import { expect, test } from 'vitest'
import type { RankingRecord } from '../model/output.ts'
import type { Ranking } from '../model/rule.ts'
import { call, deal, field, markOf, rankingOf, running, setOf } from './build.ts'
import { play } from './play.ts'

const told = (rankings: readonly RankingRecord[]) =>
  rankings.map(
    (r) => `${r.as_of}: ${r.items.map((i) => `${i.rank} ${i.id} ${i.score} (${i.previous_rank})`).join(', ')}`,
  )
const ranked = (overrides: Parameters<typeof rankingOf>[0], timeline: Parameters<typeof play>[1]) =>
  play({ set: setOf([], [rankingOf(overrides)]) }, timeline).rankings
const shops = (timeMs: number, ...names: string[]) => names.map((shop) => deal(timeMs, { shop }))

test('a ranking looks at [as_of - w, as_of): the event of the moment itself is not in it', () => {
  // window 20 ms, step 10 ms
  // time    0    5    10         20                  30
  // shop    A         B          [0, 20): A, B       [10, 30): B
  const rankings = ranked({}, [...shops(0, 'A'), ...shops(10, 'B'), markOf(50)])
  expect(told(rankings)).toEqual(['10: 1 A 1 (null)', '20: 1 A 1 (1), 2 B 1 (null)', '30: 1 B 1 (2)'])
  expect(rankings[1]!.window).toEqual({ start: 0, end: 20 })
})

test('a late event stands in the windows still to come', () => {
  expect(told(ranked({}, [...shops(0, 'A'), ...shops(15, 'A'), ...shops(5, 'B'), markOf(30)]))).toEqual([
    '10: 1 A 1 (null)',
    '20: 1 A 2 (1), 2 B 1 (null)',
    '30: 1 A 1 (1)',
  ])
})

test('weights are exact; the cap holds for each user and item, nulls being a user of their own', () => {
  const weights = { 'deal.made': 0.1, 'deal.paid': 8 }
  const ten = Array.from({ length: 10 }, () => deal(0, { shop: 'T' }))
  expect(told(ranked({ on: ['deal.made', 'deal.paid'], weights }, [ten, markOf(10)]))).toEqual(['10: 1 T 1 (null)'])
  const paid = (buyer: string | null) => deal(0, { type: 'deal.paid', buyer })
  const capped = { on: ['deal.made', 'deal.paid'], weights, cap: { per: 'buyer', points: 20 } }
  expect(
    told(ranked(capped, [[paid('A'), paid('A'), paid('A'), paid('null'), paid(null), paid(null)], markOf(10)])),
  ).toEqual(['10: 1 S 44 (null)'])
})

test('ties by id, upwards or downwards, give ranks of their own; the limit cuts', () => {
  const timeline = () => [shops(0, 'B', 'A', 'C', 'C'), markOf(10)]
  expect(told(ranked({ limit: 2 }, timeline()))).toEqual(['10: 1 C 2 (null), 2 A 1 (null)'])
  expect(told(ranked({ limit: 2, ties: 'desc' }, timeline()))).toEqual(['10: 1 C 2 (null), 2 B 1 (null)'])
})

test('ties: all share a rank, stand by id, and stay within the limit together', () => {
  expect(told(ranked({ limit: 2, ties: 'all' }, [shops(0, 'B', 'A', 'C', 'C'), markOf(10)]))).toEqual([
    '10: 1 C 2 (null), 2 A 1 (null), 2 B 1 (null)',
  ])
  expect(told(ranked({ limit: 2, ties: 'all' }, [shops(0, 'B', 'B', 'A', 'A', 'C'), markOf(10)]))).toEqual([
    '10: 1 A 2 (null), 1 B 2 (null)',
  ])
})

test('ids are compared by UTF-16 code units, numbers by value', () => {
  expect(told(ranked({}, [shops(0, '\uff5e', '\u{1f600}'), markOf(10)]))).toEqual([
    '10: 1 \u{1f600} 1 (null), 2 \uff5e 1 (null)',
  ])
  const counts = [10, 9].map((count) => deal(0, { count }))
  expect(told(ranked({ rank: 'count' }, [counts, markOf(10)]))).toEqual(['10: 1 9 1 (null), 2 10 1 (null)'])
})

test('previous_rank is of the very step before, for those who stood in it', () => {
  const timeline = [...shops(0, 'A'), ...shops(1, 'B'), ...shops(31, 'B'), markOf(60)]
  expect(told(ranked({ limit: 1 }, timeline))).toEqual([
    '10: 1 A 1 (null)',
    '20: 1 A 1 (1)',
    '40: 1 B 1 (null)',
    '50: 1 B 1 (1)',
  ])
})

test('columns: measures over the window, the change of rank, the course of the score', () => {
  const columns: Ranking['columns'] = [
    running('buyers', 'distinct', 'buyer', 20),
    running('big', 'count', null, 20, call('gt', field('count'), 1)),
    { kind: 'rank_change', name: 'change', overMs: 20 },
    { kind: 'sparkline', name: 'trend', points: 3, stepMs: 20 },
  ]
  const sold = (timeMs: number, shop: string, buyer: string, count = 1) => deal(timeMs, { shop, buyer, count })
  // time   1  2   11   21         35           41
  // shop   A  B   A    B B        B            A A A A
  const timeline = [
    [sold(1, 'A', 'x'), sold(2, 'B', 'x')],
    [sold(11, 'A', 'x', 2)],
    [sold(21, 'B', 'x'), sold(22, 'B', 'y')],
    [sold(35, 'B', 'x', 3)],
    [41, 42, 43, 44].map((t) => sold(t, 'A', `b${t}`)),
    markOf(50),
  ]
  const rows = ranked({ columns, limit: 1 }, timeline).map(({ as_of, items: [item] }) => {
    const { id, buyers, big, change, trend } = item!
    return [as_of, id, buyers, big, change, trend]
  })
  expect(rows).toEqual([
    [10, 'A', 1, 0, null, [null, null, 1]],
    [20, 'A', 1, 1, null, [null, null, 2]],
    // A's record at 10 is 20 ms old; B did not stand in it
    [30, 'B', 2, 0, null, [null, null, 2]],
    [40, 'B', 2, 1, null, [null, null, 3]],
    [50, 'A', 4, 0, null, [1, null, 4]],
  ])
  const all = ranked({ columns }, timeline).map(({ as_of, items }) => [as_of, items.map((i) => [i.id, i.change])])
  expect(all.slice(2)).toEqual([
    [
      30,
      [
        ['B', 1],
        ['A', -1],
      ],
    ],
    [40, [['B', 1]]],
    [
      50,
      [
        ['A', 1],
        ['B', -1],
      ],
    ],
  ])
})

test('one record for each group with events; null items and groups are skipped; filters hold', () => {
  const timeline = [
    [
      deal(0, { device: 'D', shop: 'A' }),
      deal(0, { shop: 'A' }),
      deal(0, { device: 'E', shop: null }),
      deal(0, { device: 'F', count: 3 }),
    ],
    markOf(10),
  ]
  expect(ranked({ per: ['device'] }, timeline).map((r) => r.per)).toEqual([{ device: 'D' }, { device: 'F' }])
  expect(ranked({ per: ['device'], where: call('eq', field('count'), 3) }, timeline).map((r) => r.per)).toEqual([
    { device: 'F' },
  ])
})
