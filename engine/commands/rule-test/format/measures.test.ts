import { advance, type Case, order, proveAll, RULE } from './testing.ts'

const AMOUNTS = [10, 30, 20, 20].map((amount, i) =>
  order(`${i}m`, `amount: ${amount}, buyer_id: B${i % 3}, status: s${i}`),
)

/** A measure `x`, its value at the fourth order, and another measure in its place. */
function measured(row: string, measure: string, value: string, instead: string): Case {
  return {
    row,
    keys: { measure: `{ n: { count: events }, x: ${measure} }`, when: 'n == 4' },
    events: AMOUNTS,
    expect: `expect: [{ at: 3m, measure: { x: ${value} } }]`,
    without: { measure: `{ n: { count: events }, x: ${instead} }` },
  }
}

const KINDS: readonly Case[] = [
  measured('count', '{ count: events }', '4', '{ distinct: buyer_id }'),
  measured('distinct', '{ distinct: buyer_id }', '3', '{ count: events }'),
  measured('sum', '{ sum: amount }', '80', '{ max: amount }'),
  measured('avg', '{ avg: amount }', '20', '{ sum: amount }'),
  measured('min', '{ min: amount }', '10', '{ max: amount }'),
  measured('max', '{ max: amount }', '30', '{ min: amount }'),
  measured('stddev', '{ stddev: amount }', String(Math.sqrt(50)), '{ avg: amount }'), // 200 / 4, not 200 / 3
  measured('last', '{ last: status }', 's3', '{ last: buyer_id }'),
  measured('share', '{ share: buyer_id }', '0.5', '{ distinct: buyer_id }'),
  measured('top', '{ top: buyer_id }', '[B0]', '{ top: status }'),
  measured('top.k', '{ top: buyer_id, k: 2 }', '[B0, B1]', '{ top: buyer_id, k: 3 }'),
  {
    ...measured('percentile', '{ percentile: amount, p: 100 }', '30', '{ percentile: amount, p: 1 }'),
    keys: {
      measure: '{ n: { count: events }, x: { percentile: amount, p: 100 } }',
      when: 'n == 4 && x > 29.7 && x < 30.3',
    },
    expect: 'expect: [{ at: 3m }]',
  },
  measured('ratio', '{ ratio: [n, n] }', '1', '{ count: events }'),
  measured('where', '{ count: events, where: event.amount > 15 }', '3', '{ count: events }'),
  measured('window', '{ count: events, window: 2m }', '2', '{ count: events }'),
  measured('prior', '{ count: events, prior: true }', '3', '{ count: events }'),
  measured('nulls are skipped', '{ distinct: device_id }', '0', '{ distinct: buyer_id }'),
]

/** In an empty window: count, distinct and sum are 0, all others null. */
const EMPTY: readonly Case[] = ['min', 'max', 'avg', 'stddev', 'last', 'share'].map((kind) => ({
  row: `${kind} of nothing`,
  keys: { measure: `{ n: { count: events }, x: { ${kind}: quantity } }`, when: 'n >= 1 && x == null' },
  events: [order('0m')],
  expect: `expect: [{ measure: { x: null } }]`,
  without: { measure: '{ n: { count: events }, x: { sum: quantity } }' },
}))

const usual = (rest: string) => `{ n: { count: events, window: 1h }, usual: { baseline: n, ${rest} } }`
const baseline = (row: string, keys: string, instead: string, when = 'n >= usual.mean && usual.mean == 1'): Case => ({
  row,
  keys: { window: '1h', when, measure: usual(keys) },
  // an order an hour for four hours: at each full hour the window before held one
  events: ['0m30s', '60m30s', '120m30s', '180m30s', '240m30s'].map((at) => order(at)),
  expect: 'expect: [{ at: 4h30s }]',
  without: { measure: usual(instead) },
})
const BASELINES: readonly Case[] = [
  baseline('baseline', 'over: 4h, step: 1h, min_points: 3', 'over: 4h, step: 1h, min_points: 2'),
  {
    ...baseline('baseline.over', 'over: 4h, step: 1h, min_points: 2', 'over: 2h, step: 1h, min_points: 2'),
    keys: {
      window: '1h',
      when: 'usual.mean > 1.6 && usual.mean < 1.7', // 3, 1 and 1
      measure: usual('over: 4h, step: 1h, min_points: 2'),
    },
    events: ['10s', '20s', '30s', '60m30s', '120m30s', '180m30s', '240m30s'].map((at) => order(at)),
  },
  baseline('baseline.step', 'over: 4h, step: 1h, min_points: 3', 'over: 4h, step: 30m, min_points: 3'),
  baseline('baseline.min_points', 'over: 4h, step: 1h, min_points: 3', 'over: 4h, step: 1h, min_points: 4'),
  {
    ...baseline('baseline.stddev', 'over: 4h, step: 1h, min_points: 3', 'over: 4h, step: 1h, min_points: 4'),
    keys: { window: '1h', when: 'usual.stddev == 0', measure: usual('over: 4h, step: 1h, min_points: 3') },
  },
  {
    ...baseline('baseline.points', 'over: 4h, step: 1h, min_points: 3', 'over: 4h, step: 30m, min_points: 3'),
    keys: { window: '1h', when: 'usual.points == 3', measure: usual('over: 4h, step: 1h, min_points: 3') },
  },
]

const share = (rest: string) =>
  `{ n: { count: events }, late: { count: events, where: event.status == "late" }, x: { ratio: [late, n]${rest} } }`
const LATE = [order('0m', 'status: late'), order('1m', 'status: late'), order('2m')]
const RATIOS: readonly Case[] = [
  {
    row: 'ratio.at_least',
    keys: { measure: share(', at_least: { n: 3 }'), when: 'x > 0.5' },
    events: LATE,
    expect: 'expect: [{ at: 2m }]',
    without: { measure: share('') },
  },
  {
    row: 'ratio.at_least of params',
    keys: { params: '{ least: 3 }', measure: share(', at_least: { n: params.least }'), when: 'x > 0.5' },
    events: LATE,
    expect: 'expect: [{ at: 2m }]',
    without: { params: '{ least: 2 }' },
  },
  {
    row: 'ratio.at_least abstains',
    keys: { measure: share(', at_least: { n: 3 }'), when: 'x > 0.9' },
    events: LATE,
    expect: 'expect_abstained: 2',
    without: { measure: share('') },
  },
  {
    row: 'ratio.lower_bound',
    keys: { measure: share(', lower_bound: 0.95'), when: 'x > 0.5' },
    events: LATE,
    expect: 'expect: []',
    without: { measure: share('') },
  },
]

const WINDOWS: readonly Case[] = [
  {
    row: 'window.tumbling of a measure',
    keys: { measure: '{ n: { count: events, window: { tumbling: 1h } } }' },
    events: [order('59m'), order('60m'), order('70m'), advance('2h')],
    expect: 'expect: [{ at: 70m }]',
    without: { measure: '{ n: { count: events } }' },
  },
  {
    row: 'last: greatest time',
    keys: { measure: '{ n: { count: events }, x: { last: status } }', when: 'n == 2 && x == "b"' },
    events: [order('1m', 'status: b'), '{ at: 30s, arrives: 1m, type: order.created, shop_id: S1, status: a }'],
    expect: 'expect: [{ measure: { x: b } }]',
    without: { measure: '{ n: { count: events }, x: { last: status, where: event.status == "a" } }' },
  },
]

proveAll(RULE, [...KINDS, ...EMPTY, ...BASELINES, ...RATIOS, ...WINDOWS])
