import { expect, test } from 'vitest'
import type { BaselineMeasure, Measure, Rule } from '../model/rule.ts'
import { call, deal, field, literal, markOf, ratio, ruleOf, running, setOf } from './build.ts'
import { play, story } from './play.ts'

const usual = (overrides: Partial<BaselineMeasure> = {}): BaselineMeasure => ({
  kind: 'baseline',
  name: 'usual',
  of: 'n',
  overMs: 40,
  stepMs: 10,
  zone: 'UTC',
  minPoints: 1,
  ...overrides,
})
const sliding = (windowMs: number) => running('n', 'count', null, windowMs)

/** [points, mean] after each arrival. */
function told(baseline: Measure, timeline: Parameters<typeof play>[1], overrides: Partial<Rule> = {}) {
  const measures = [...(overrides.measures ?? [sliding(10)]), baseline]
  const rule = ruleOf({ evaluate: 'arrival', windowMs: 10, when: literal(false), ...overrides, measures })
  return play({ set: setOf([rule]), measures: true }, timeline).measures.map((m) => [
    m.measures['usual.points'],
    m.measures['usual.mean'],
  ])
}

test('points lie within `over` before the start of the window: today never leaks into usual', () => {
  // window (t - 10, t], step 10, over 40; events 1 2 | 11 | (none) | 35
  // points: 10 -> 2 (1, 2), 20 -> 1 (11), 30 -> 0, 40 -> 1 (35)
  expect(told(usual(), [deal(1), deal(2), deal(11), deal(35)])).toEqual([
    [0, null],
    [0, null],
    [0, null], // start 1
    [2, 1.5], // start 25: points of 10 and 20
  ])
  // start 60: points of 30, 40, 50 and 60, those with b > 20
  const [, , , , last] = told(usual(), [deal(1), deal(2), deal(11), deal(35), deal(70)])
  expect(last).toEqual([4, 1 / 4])
})

test('a point is the value once what leaves has left, before the events of that moment enter', () => {
  // window 20: at 20 the event of 0 has left, the event of 20 has not entered: 1 (of 5)
  const [, , , last] = told(usual({ minPoints: 2 }), [deal(0), deal(5), deal(20), deal(41)], {
    measures: [sliding(20)],
  })
  expect(last).toEqual([2, (2 + 1) / 2]) // 10: 0 and 5; 20: 5
})

test('mean and population deviation, below min_points they abstain', () => {
  const rows = (minPoints: number) => {
    const rule = ruleOf({
      evaluate: 'arrival',
      windowMs: 10,
      measures: [sliding(10), usual({ minPoints })],
      when: call('gt', { op: 'measure', type: 'number', name: 'usual.mean' }, 0),
    })
    return play({ set: setOf([rule]), measures: true }, [deal(1), deal(2), deal(3), deal(11), deal(35)])
  }
  const { measures, counters } = rows(2)
  expect(measures.at(-1)!.measures).toMatchObject({ 'usual.points': 2, 'usual.mean': 2, 'usual.stddev': 1 })
  expect(counters['abstained_total.minimum_sample']).toBe(4)
  expect(rows(3).measures.at(-1)!.measures).toMatchObject({
    'usual.points': 2,
    'usual.mean': null,
    'usual.stddev': null,
  })
})

test('a key starts with its first event; empty steps count from then on, null ones do not', () => {
  const empty = [deal(15), deal(49)]
  expect(told(usual(), empty)[1]).toEqual([2, 0.5]) // 20: 1, 30: 0; none before 15
  const average = running('n', 'avg', 'count', 10)
  expect(told(usual(), [deal(15, { count: 4 }), deal(49)], { measures: [average] })[1]).toEqual([1, 4])
  // An event at a step end starts the key after it.
  expect(told(usual(), [deal(20), deal(35)])[1]).toEqual([0, null])
})

test('a key starts with an event of the rule that the measure itself leaves out', () => {
  const big = running('n', 'count', null, 10, call('gt', field('count'), 5))
  expect(told(usual(), [deal(5, { count: 1 }), deal(31)], { measures: [big] })[1]).toEqual([2, 0])
  // But with none that stands in no window of the measure.
  const long = { measures: [big, running('long', 'count', null, 100)] }
  expect(told(usual(), [deal(0, { shop: 'T' }), deal(50, { shop: 'T' }), deal(35), deal(81)], long)[3]).toEqual([
    0,
    null,
  ])
})

test('late events change no point in the past', () => {
  expect(told(usual(), [deal(5), deal(11), deal(9), deal(31)])[3]).toEqual([2, 1]) // 10: 5; 20: 11; the late one is missing
})

test('a key without events for `over` is forgotten', () => {
  // The event of 5 leaves at 15; at 55 all is gone.
  expect(told(usual(), [deal(5), deal(54)])[1]).toEqual([4, 1 / 4]) // 10 (5), 20, 30, 40
  expect(told(usual(), [deal(5), deal(55), deal(71)]).slice(1)).toEqual([
    [0, null],
    [1, 1], // 60
  ])
})

test('of a ratio: what abstains is no point, the start is the earlier of the two', () => {
  const measures = [running('a', 'count', null, 10), running('b', 'distinct', 'device', 20), ratio('n', 'a', 'b')]
  const timeline = [deal(1, { device: 'x' }), deal(2, { device: 'x' }), deal(22), deal(45)]
  // 10: 2 / 1; 20: 0 / 1; 30: 1 / 0 abstains; start of 45: 25
  expect(told(usual(), timeline, { measures }).at(-1)).toEqual([2, 1])
  const known = [...timeline.slice(0, 2), deal(22, { device: 'y' }), deal(45)] // 30: 1 / 1, within `a` alone
  expect(told(usual(), known, { measures }).at(-1)).toEqual([2, 1])
})

test('of a tumbling window: the window that holds b - 1, up to the start of the present one', () => {
  const tumbling = { lengthMs: 20, zone: 'UTC' }
  const measures = [{ ...sliding(20), tumbling }]
  // windows [0, 20): 1, 12, 13; [20, 40): 25; points 10: 1, 20: 3, 30: 1, 40: 1
  const timeline = [deal(1), deal(12), deal(13), deal(25), deal(41)]
  expect(told(usual(), timeline, { measures }).slice(3)).toEqual([
    [2, 2],
    [4, 6 / 4],
  ])
})

test('steps of a tumbling window follow local time', () => {
  const hour = 3_600_000
  const berlin = { lengthMs: hour, zone: 'Europe/Berlin' }
  const at = (text: string) => Date.parse(`2026-10-25T${text}Z`)
  const measures = [{ ...sliding(2 * hour), tumbling: berlin }]
  const baseline = usual({ overMs: 10 * hour, stepMs: hour, zone: 'Europe/Berlin' })
  // local 02:00 to 03:00 comes twice, from 00:00 and from 01:00 UTC: three steps end before 02:30 UTC
  const timeline = [deal(at('23:30') - 24 * hour), deal(at('00:30')), deal(at('01:30')), deal(at('02:30'))]
  expect(told(baseline, timeline, { measures }).at(-1)).toEqual([3, 1])
})

test('a departure of another window asks for the points of then', () => {
  const rule = ruleOf({
    windowMs: 20,
    measures: [sliding(10), usual(), running('m', 'count', null, 20)],
    when: call('eq', { op: 'measure', type: 'number', name: 'usual.points' }, 1),
  })
  expect(story(play({ set: setOf([rule]) }, [deal(5), markOf(30)]).alerts)).toEqual(['open@25'])
})
