import { expect, test } from 'vitest'
import { Prng } from '../kit/prng.ts'
import { Counters } from '../model/counters.ts'
import { DEFAULT_LIMITS } from '../model/limits.ts'
import type { AlertRecord, MeasuresRecord, Output } from '../model/output.ts'
import type { BaselineMeasure, Measure, Rule, RunningMeasure } from '../model/rule.ts'
import { call, deal, field, literal, markOf, measured, ratio, ruleOf, running, setOf } from '../sim/build.ts'
import { blockOf, type Deal, dealStream } from '../sim/deals.ts'
import { Core } from './core.ts'
import { Lists } from './lists.ts'
import { SequenceOrigins } from './sequence/origins.ts'
import { Task } from './task.ts'
import { snapshotOf } from './testing.ts'

type Step = Deal | ReturnType<typeof markOf>

/** Runs one rule over a timeline, with every snapshot taken up by a fresh task if `cuts`. */
function run(rule: Rule, timeline: readonly Step[], cuts = false) {
  const outputs: Output[] = []
  const sink = { output: (o: Output) => outputs.push(o), change: () => {} }
  const counters = new Counters()
  const fresh = (): Task => {
    const task = new Task({ streams: [dealStream], counters, finite: true, measures: true })
    task.install(setOf([rule]))
    return task
  }
  let task = fresh()
  timeline.forEach((step, position) => {
    const entry = 'kind' in step ? step : blockOf(dealStream, 0, [step])
    task.process({ position, entry }, sink)
    if (!cuts) return
    const saved = snapshotOf(task)
    task = fresh()
    task.restore(saved)
  })
  return {
    task,
    counters,
    measures: outputs.filter((o): o is MeasuresRecord => o.kind === 'measures').map((o) => o.measures),
    alerts: outputs.filter((o): o is AlertRecord => o.kind === 'alert'),
  }
}

/** The measure `m` after each arrival, the same with and without cuts; window 10 ms, never an alert. */
function told(measures: readonly Measure[], timeline: readonly Step[], name = 'm', overrides: Partial<Rule> = {}) {
  const rule = ruleOf({ evaluate: 'arrival', when: literal(false), ...overrides, measures })
  const values = run(rule, timeline).measures.map((m) => m[name])
  expect(run(rule, timeline, true).measures.map((m) => m[name])).toEqual(values)
  return values
}

const of = (kind: RunningMeasure['kind'], name: string, more: Partial<RunningMeasure> = {}): RunningMeasure =>
  running('m', kind, name, 10, null, more)

test('last: by event time, of equal times the one read last, nulls skipped, gone with its time', () => {
  // time     0  5  3(late)  5      6      16
  // device   a  b  c        d      null   null (d left at 15)
  const timeline = [
    deal(0, { device: 'a' }),
    deal(5, { device: 'b' }),
    deal(3, { device: 'c' }),
    deal(5, { device: 'd' }),
    deal(6),
    deal(16),
  ]
  expect(told([of('last', 'device')], timeline)).toEqual(['a', 'b', 'b', 'd', 'd', null])
  expect(told([of('last', 'isNew')], [deal(0, { isNew: false }), deal(1, { isNew: true })])).toEqual([false, true])
  expect(told([of('last', 'price')], [deal(0, { price: 12_345n }), deal(11)])).toEqual([1.2345, null])
})

test('share and top count values, ties by value, and forget what leaves', () => {
  // time   0  1  2  3     10 (0 leaves)  11 (1 leaves)   40
  // buyer  b  a  a  null  b              c               null
  const timeline = [
    deal(0, { buyer: 'b' }),
    deal(1, { buyer: 'a' }),
    deal(2, { buyer: 'a' }),
    deal(3, { buyer: null }),
    deal(10, { buyer: 'b' }),
    deal(11, { buyer: 'c' }),
    deal(40, { buyer: null }),
  ]
  expect(told([of('share', 'buyer')], timeline)).toEqual([1, 1 / 2, 2 / 3, 2 / 3, 2 / 3, 1 / 3, null])
  expect(told([of('top', 'buyer', { k: 2 })], timeline)).toEqual([
    ['b'],
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b'],
    null,
  ])
  const numbers = [10, 9, 9, 10].map((points, i) => deal(i, { points, isNew: i % 2 === 0 }))
  expect(told([of('top', 'points', { k: 5 })], numbers).at(-1)).toEqual([9, 10])
  expect(told([of('top', 'isNew', { k: 5 })], numbers).at(-1)).toEqual([false, true])
})

test('percentile: the bucket of the value of that rank', () => {
  const bucket = (v: number): number => {
    const g = 1.01 / 0.99
    return (2 * g ** Math.ceil(Math.log(v) / Math.log(g))) / (g + 1)
  }
  const timeline = [5, 1, 3, 0, -2].map((points, i) => deal(i, { points }))
  expect(told([of('percentile', 'points', { p: 50 })], timeline)).toEqual([
    bucket(5),
    bucket(1),
    bucket(3),
    bucket(1),
    bucket(1),
  ])
  expect(told([of('percentile', 'points', { p: 1 })], timeline).at(-1)).toBe(-bucket(2))
  expect(told([of('percentile', 'points', { p: 21 })], timeline).at(-1)).toBe(0)
  expect(told([of('percentile', 'points', { p: 100 })], [...timeline, deal(12)]).at(-1)).toBe(0)
})

test('lower_bound: the Wilson interval; more than all is no share', () => {
  const parts = [running('a', 'sum', 'count', 10), running('b', 'count', null, 10)]
  const lower = { ...ratio('m', 'a', 'b'), lowerBoundZ: 1.96 }
  const rule = ruleOf({ measures: [...parts, lower], when: call('ge', measured('m'), 2) })
  const { measures, counters } = run(rule, [deal(0, { count: 1 }), deal(1, { count: 0 }), deal(2, { count: 5 })])
  expect(measures[0].m).toBeCloseTo(0.2065, 4)
  expect(measures[1].m).toBeCloseTo(0.0945, 4)
  expect(measures[2].m).toBe(null)
  expect([...counters.all()].find((c) => c.labels.reason === 'not_a_share')?.value).toBeGreaterThan(0)
})

test('prior: just before the event entered, ratios included', () => {
  const before = running('before', 'max', 'points', 10, null, { prior: true })
  const timeline = [deal(0, { points: 4 }), deal(1, { points: 9 }), deal(10, { points: 2 }), deal(30, { points: 1 })]
  const measures = [before, running('now', 'max', 'points', 10), ratio('m', 'now', 'before')]
  expect(told(measures, timeline, 'before')).toEqual([null, 4, 9, null])
  expect(told(measures, timeline)).toEqual([null, 9 / 4, 1, null])
})

const tens = { lengthMs: 10, zone: 'UTC' }

test('tumbling: nothing leaves in between, all is gone at the end, for every measure', () => {
  // time     1  9 | 10  19 |  11 late |  20
  const timeline = [1, 9, 10, 19, 11, 20].map((ms, i) => deal(ms, { points: i, buyer: `b${i % 2}` }))
  const ask = (kind: RunningMeasure['kind'], field: string | null) =>
    told([running('m', kind, field, 10, null, { tumbling: tens, p: 100 })], timeline, 'm', { tumbling: tens })
  expect(ask('count', null)).toEqual([1, 2, 1, 2, 3, 1])
  expect(ask('distinct', 'buyer')).toEqual([1, 2, 1, 2, 2, 1])
  expect(ask('sum', 'points')).toEqual([0, 1, 2, 5, 9, 5])
  expect(ask('min', 'points')).toEqual([0, 0, 2, 2, 2, 5])
  expect(ask('max', 'points')).toEqual([0, 1, 2, 3, 4, 5])
  expect(ask('avg', 'points')).toEqual([0, 0.5, 2, 2.5, 3, 5])
  expect(ask('last', 'points')).toEqual([0, 1, 2, 3, 3, 5])
  expect(ask('share', 'buyer')).toEqual([1, 0.5, 1, 0.5, 2 / 3, 1])
  expect(ask('top', 'buyer')).toEqual([['b0'], ['b0'], ['b0'], ['b0'], ['b0'], ['b1']])
  expect(ask('percentile', 'points')[5]).toBeCloseTo(5, 1)
})

test('tumbling: a late event of a window that is over enters nothing', () => {
  const count = running('n', 'count', null, 10, null, { tumbling: tens })
  const rule = ruleOf({ tumbling: tens, measures: [count] })
  const { measures, counters } = run(rule, [deal(8), deal(12), deal(9)])
  expect(measures.map((m) => m.n)).toEqual([1, 1])
  expect(counters.total('missed_windows_total')).toBe(1)
})

test('an event that misses every window counts for rules that took it, not for one that its null key skipped', () => {
  const rule = ruleOf({ measures: [running('n', 'count', null, 10)] })
  const late = [deal(30), deal(9), { ...deal(9), shop: null }]
  const { counters } = run(rule, late)
  expect([counters.total('missed_windows_total'), counters.total('null_keys_total')]).toEqual([1, 1])
})

test('tumbling: an open episode is looked at as the window ends; alert and evidence begin where the window does', () => {
  const many = ruleOf({
    tumbling: tens,
    measures: [running('n', 'count', null, 10, null, { tumbling: tens })],
    when: call('ge', measured('n'), 2),
    evidence: { events: 9, fields: [] },
    suspects: { of: 'buyer', k: 1 },
  })
  const timeline = [deal(8), deal(11, { buyer: 'C' }), deal(13, { buyer: 'C' }), markOf(40)]
  for (const cuts of [false, true]) {
    const [open, closed] = run(many, timeline, cuts).alerts
    expect([open.event_time, open.window, closed.event_time]).toEqual([13, { start: 10, end: 13 }, 20])
    expect([open.evidence?.total, open.evidence?.events.length]).toEqual([2, 2])
    expect(open.suspects).toEqual([{ value: 'C', events: 2 }])
  }
})

test('tumbling: the day of a clock change is an hour shorter', () => {
  const day = { lengthMs: 86_400_000, zone: 'Europe/Berlin' }
  const at = (iso: string): number => Date.parse(iso)
  const counts = told(
    [running('m', 'count', null, 90_000_000, null, { tumbling: day })],
    ['2026-03-28T22:59Z', '2026-03-28T23:00Z', '2026-03-29T21:59Z', '2026-03-29T22:00Z'].map((iso) => deal(at(iso))),
    'm',
    { tumbling: day, windowMs: 90_000_000 },
  )
  expect(counts).toEqual([1, 1, 2, 1])
})

const usual = (overMs: number, more: Partial<BaselineMeasure> = {}): BaselineMeasure => ({
  kind: 'baseline',
  name: 'usual',
  of: 'm',
  overMs,
  stepMs: 10,
  zone: 'UTC',
  minPoints: 1,
  ...more,
})

test('baseline: points at step ends before the window; empty steps count', () => {
  // window (t - 10, t]; events 1 2 | 11 | (none) | 35 | … | 70; points: 10 -> 2, 20 -> 1, 30 -> 0, 40 -> 1, 50, 60 -> 0
  const timeline = [1, 2, 11, 35, 70].map((ms) => deal(ms))
  const measures = [of('count', ''), usual(40)].map((m) => (m.kind === 'count' ? { ...m, of: null } : m))
  expect(told(measures, timeline, 'usual.points')).toEqual([0, 0, 0, 2, 4])
  expect(told(measures, timeline, 'usual.mean')).toEqual([null, null, null, 1.5, 1 / 4])
  expect(told(measures, timeline, 'usual.stddev').at(-1)).toBe(Math.sqrt(3) / 4)
})

test('baseline: a key that was away for as long as it reaches back starts anew', () => {
  // the event of 1 leaves at 11; with over 40 the key is forgotten at 51
  const measures: Measure[] = [running('m', 'count', null, 10), usual(40)]
  expect(told(measures, [deal(1), deal(50), deal(61)], 'usual.points')).toEqual([0, 4, 4])
  expect(told(measures, [deal(1), deal(51), deal(62)], 'usual.points')).toEqual([0, 0, 0])
})

test('baseline: late events change no point of the past', () => {
  const measures: Measure[] = [running('m', 'count', null, 10), usual(40)]
  // read at 12, the event of 9 is in the window, but the point of 10 is made
  expect(told(measures, [deal(1), deal(12), deal(9), deal(25)], 'usual.mean').at(-1)).toBe(1)
})

test('baseline: of tumbling windows and of ratios', () => {
  // windows of 10: counts 2, 1, 0, then 35: what is usual are the three windows before
  const tumbling: Measure[] = [running('m', 'count', null, 10, null, { tumbling: tens }), usual(40)]
  const timeline = [1, 2, 11, 35].map((ms) => deal(ms))
  expect(told(tumbling, timeline, 'usual.mean', { tumbling: tens })).toEqual([null, null, 2, 1])
  const isNew = running('new', 'count', null, 10, field('isNew'), { tumbling: tens })
  const parts: Measure[] = [isNew, running('all', 'count', null, 10, null, { tumbling: tens })]
  const share: Measure[] = [...parts, ratio('m', 'new', 'all'), usual(40)]
  // points: 1/2, 0/1, none (nothing to divide by)
  const told3 = [deal(1, { isNew: true }), deal(2), deal(11), deal(35)]
  expect(told(share, told3, 'usual.mean', { tumbling: tens }).at(-1)).toBe(1 / 4)
  expect(told(share, told3, 'usual.points', { tumbling: tens }).at(-1)).toBe(2)
})

test('when all is over, nothing is left: no key, no pair, no node', () => {
  const kinds = ['distinct', 'share', 'top', 'percentile', 'last', 'min'] as const
  const measures = kinds.flatMap((kind, i): Measure[] => [
    running(`s${i}`, kind, 'points', 10),
    running(`t${i}`, kind, 'points', 20, null, { tumbling: { lengthMs: 20, zone: 'UTC' } }),
    usual(40, { name: `b${i}`, of: `s${i}` }),
    usual(40, { name: `c${i}`, of: `t${i}` }),
  ])
  const core = new Core({
    streams: [dealStream],
    set: setOf([ruleOf({ when: call('ge', measured('s0'), 99), measures })]),
    counters: new Counters(),
    sources: [{ topic: 'deals', partition: 0 }],
    heldSinceMs: () => Number.NEGATIVE_INFINITY,
    held: null,
    lists: new Lists(new Counters()),
    limits: DEFAULT_LIMITS,
    heldFields: 'all',
    origins: new SequenceOrigins(),
    historyMs: () => Number.NEGATIVE_INFINITY,
    emit: () => {},
    changed: () => {},
  })
  let row = 0
  /** A second of the same events, beginning at `startMs`; then silence. */
  const busy = (startMs: number): void => {
    const random = new Prng(7)
    for (let ms = startMs; ms < startMs + 1000; ms += random.int(8)) {
      const block = blockOf(dealStream, 0, [deal(ms, { shop: `S${random.int(5)}`, points: random.int(6) - 2 })])
      core.hold(block, Int32Array.of(0), 1, Uint16Array.of(0), Uint16Array.of(0))
      core.advance(ms)
      core.enter(row++)
      core.trim()
    }
    expect(core.layout.spaces[0].keys.size).toBe(5)
    core.advance(startMs + 10_000)
    core.trim()
    expect(core.layout.spaces[0].keys.size).toBe(0)
    expect(core.layout.values.used).toBe(0)
  }
  /** Records ever taken, by slab. */
  const taken = (): unknown[] => {
    const pass = core.memory.begin(true)
    while (pass.copy(Number.POSITIVE_INFINITY).length > 0);
    return pass.roots.flatMap((root) => (root as { end?: number } | null)?.end ?? [])
  }
  busy(0)
  const before = taken()
  busy(20_000)
  expect(taken()).toEqual(before)
  expect(before).toContainEqual(expect.toSatisfy((n: number) => n > 0))
})

test('what is divided is divided once: means of equal values are that value, ratios of decimals what they are on paper', () => {
  const cents = (price: bigint) => [1, 2, 3, 4, 5].map((ms) => deal(ms, { price, buyer: `b${ms}` }))
  const sums = [running('sum', 'sum', 'price', 10), running('n', 'count', null, 10)]
  const last = (measures: readonly Measure[], price: bigint) => told(measures, cents(price)).at(-1)
  for (const [digits, value] of [
    [499_900n, 49.99],
    [10n ** 18n - 1n, Number('99999999999999.9999')],
  ] as const) {
    expect(last([of('avg', 'price')], digits)).toBe(value)
    expect(last([of('min', 'price')], digits)).toBe(value)
  }
  expect(last([...sums, ratio('m', 'sum', 'n')], 499_900n)).toBe(49.99)
  const three = [deal(1, { price: 1_000n, buyer: 'a' }), deal(2, { price: 3_000n, buyer: 'b' })]
  const extremes = [running('least', 'min', 'price', 10), running('most', 'max', 'price', 10)]
  expect(told([...extremes, ratio('m', 'most', 'least')], three)).toEqual([1, 3])
})

test('decimals beyond 2^53 are told apart by their last digit', () => {
  const two = [deal(1, { price: 123_456_789_012_345_678n }), deal(2, { price: 123_456_789_012_345_679n })]
  expect(told([of('distinct', 'price')], two)).toEqual([1, 2])
  expect(told([of('share', 'price')], two)).toEqual([1, 0.5])
  expect(told([of('top', 'price', { k: 2 })], two).at(-1)).toHaveLength(2)
})
