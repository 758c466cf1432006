import { expect, test } from 'vitest'
import { call, deal, field, literal, markOf, measured, ratio, ruleOf, running, setOf } from './build.ts'
import { blockOf, dealStream } from './deals.ts'
import { play, story } from './play.ts'

const always = ruleOf({ evaluate: 'arrival', windowMs: 20, when: literal(false) })
const counts = (timeline: Parameters<typeof play>[1], rule = always) =>
  play({ set: setOf([rule]), measures: true }, timeline).measures.map((m) => m.measures.n)

test('a window is (t - w, t]: an event leaves w after its time, to the millisecond', () => {
  // window of 20 ms
  // time    0         10        19   20
  // event   a         b         c    d      count after each: 1, 2, 3, 3 (a left at 20)
  expect(counts([deal(0), deal(10), deal(19), deal(20)])).toEqual([1, 2, 3, 3])
})

test('equal times all count, each evaluated in order of arrival', () => {
  expect(counts([[deal(5), deal(5), deal(5)], deal(24), deal(25)])).toEqual([1, 2, 3, 4, 2])
})

test('a late event enters the windows that still hold its time, and is evaluated at stream time', () => {
  // time    0     3     6     9     12    15    18    21    24    27    30
  // read    a                                                           b     then c (11), then d (10)
  // window of b: (10, 30]: c enters, d does not and is not evaluated
  const { measures, alerts } = play(
    { set: setOf([{ ...always, when: call('ge', measured('n'), 2) }]), measures: true },
    [deal(0), deal(30), deal(11), deal(10)],
  )
  expect(measures.map((m) => [m.event_time, m.measures.n])).toEqual([
    [0, 1],
    [30, 1],
    [11, 2],
  ])
  expect(alerts[0]).toMatchObject({ status: 'open', event_time: 30, window: { start: 10, end: 30 } })
})

test('an event enters each window of the rule for itself', () => {
  const rule = { ...always, windowMs: 5, measures: [running('n', 'count', null, 5), running('m', 'count', null, 50)] }
  const { measures } = play({ set: setOf([rule]), measures: true }, [deal(30), deal(10)])
  expect(measures.map((m) => m.measures)).toEqual([
    { n: 1, m: 1 },
    { n: 1, m: 2 },
  ])
})

test('an event older than lateness is dropped and counted; exactly lateness is in time', () => {
  const stream = { ...dealStream, latenessMs: 10 }
  const { counters, measures } = play({ set: setOf([always]), stream, measures: true }, [deal(30), deal(20), deal(19)])
  expect(measures.map((m) => m.event_time)).toEqual([30, 20])
  expect(counters.late_total).toBe(1)
})

test('a departure makes a ratio rise, and the alert is of that moment', () => {
  // window of 20 ms, buyers     0: A     10: B     12: B       deals / buyers: 1, 1, 1.5; 2 once A has left at 20
  const rule = ruleOf({
    windowMs: 20,
    measures: [running('n', 'count', null, 20), running('m', 'distinct', 'buyer', 20), ratio('r', 'n', 'm')],
    when: call('ge', measured('r'), 2),
  })
  const timeline = [
    deal(0, { buyer: 'A', offset: 1_000_000 }),
    deal(10, { offset: 1_000_001 }),
    deal(12, { offset: 1_000_002 }),
  ]
  const { alerts } = play({ set: setOf([rule]) }, [...timeline, markOf(25)])
  expect(alerts).toHaveLength(1)
  expect(alerts[0]).toMatchObject({
    event_time: 20,
    measures: { n: 2, m: 1, r: 2 },
    window: { start: 0, end: 20 },
    source: { topic: 'deals.v1', partition: 0, offset: 1_000_000 },
  })
  // The same for `evaluate: arrival` says nothing: nobody arrived.
  expect(play({ set: setOf([{ ...rule, evaluate: 'arrival' }]) }, [...timeline, markOf(25)]).alerts).toEqual([])
})

test('at one moment all that leave have left before one is evaluated, once, with the oldest as its source', () => {
  // windows of 10 and 20 ms, events at 0, 9, 10; at 20 a (0) leaves the long one, c (10) the short one: none and two left
  const rule = ruleOf({
    windowMs: 20,
    measures: [running('n', 'count', null, 10), running('m', 'count', null, 20)],
    when: call('and', call('eq', measured('n'), 0), call('eq', measured('m'), 2)),
  })
  const a = deal(0)
  const { alerts } = play({ set: setOf([rule]) }, [a, deal(9), deal(10), markOf(20)])
  expect(story(alerts)).toEqual(['open@20'])
  expect(alerts[0]!.source.offset).toBe(a.offset)
})

test('rules and keys are evaluated in the order in which their first event left, rules in that of the set', () => {
  const empty = ruleOf({ when: call('eq', measured('n'), 0) })
  const { alerts } = play(
    {
      set: setOf([
        { ...empty, id: 'one' },
        { ...empty, id: 'two' },
      ]),
    },
    [[deal(0, { shop: 'B' }), deal(0, { shop: 'A' }), deal(0, { shop: 'B' })], markOf(10)],
  )
  expect(alerts.map((a) => `${a.rule} ${a.key.shop}`)).toEqual(['one B', 'two B', 'one A', 'two A'])
})

test('what a moment leaves has left before what enters at that moment', () => {
  expect(counts([deal(0), deal(20)])).toEqual([1, 1])
})

test('a measure with a filter of its own: others of the same event still stand in the window', () => {
  const rule = ruleOf({
    windowMs: 20,
    measures: [running('n', 'count', null, 20, call('gt', field('count'), 5))],
    when: call('eq', measured('n'), 0),
    cooldownMs: 1_000,
  })
  // The null abstains and is not measured; the departure of an event that was never measured evaluates its key.
  const { measures, alerts } = play({ set: setOf([rule]), measures: true }, [
    deal(0, { count: 9 }),
    deal(1, { count: 5 }),
    deal(2, { count: null }),
    markOf(21),
  ])
  expect(measures.map((m) => m.measures.n)).toEqual([1, 1, 1])
  expect(story(alerts)).toEqual(['open@20'])
})

test('where keeps what is true, unless keeps what is not true; abstaining drops in one and keeps in the other', () => {
  const timeline = () => [6, 5, null].map((count, i) => deal(i, { count }))
  const big = call('gt', field('count'), 5)
  const taken = (rule: typeof always) =>
    play({ set: setOf([rule]), measures: true }, timeline()).measures.map((m) => m.event_time)
  expect(taken({ ...always, where: big })).toEqual([0])
  expect(taken({ ...always, unless: big })).toEqual([1, 2])
})

test('a null in the key skips the event for that rule, counted', () => {
  const byDevice = { ...always, id: 'device', by: ['device'] }
  const { counters, measures } = play({ set: setOf([byDevice, always]), measures: true }, [
    deal(0),
    deal(1, { device: 'D' }),
  ])
  expect(measures.map((m) => `${m.rule} ${m.event_time}`)).toEqual(['rule 0', 'device 1', 'rule 1'])
  expect(counters.null_keys_total).toBe(1)
})

test('repeated offsets are dropped for each source partition, before their ids are looked at', () => {
  const a = deal(0, { offset: 7, id: 'a' })
  const { counters, measures } = play({ set: setOf([always]), measures: true }, [
    blockOf(dealStream, 0, [a]),
    blockOf(dealStream, 0, [a]),
    blockOf(dealStream, 1, [{ ...a, id: 'b' }]),
    blockOf(dealStream, 0, [{ ...a, offset: 6, id: 'c' }]),
  ])
  expect(measures.map((m) => m.event_id)).toEqual(['a', 'b'])
  expect(counters.duplicate_offsets_total).toBe(2)
})

test('an id read less than dedupe ago is dropped; without an id field the position is the id', () => {
  const stream = { ...dealStream, dedupeMs: 10 }
  const same = (timeMs: number) => deal(timeMs, { id: 'same' })
  const timeline = [same(0), same(9), same(10), deal(19), same(12), same(20)] // 12 is late: read at 19
  const { counters, measures } = play({ set: setOf([always]), stream, measures: true }, timeline)
  expect(measures.map((m) => m.event_time)).toEqual([0, 10, 19, 20])
  expect(counters.duplicate_ids_total).toBe(2)
  const byPosition = play({ set: setOf([always]), stream: { ...stream, idField: null }, measures: true }, [
    deal(0, { id: 'x', offset: 3 }),
    deal(0, { id: 'x', offset: 4 }),
  ])
  expect(byPosition.measures.map((m) => m.event_id)).toEqual(['deals.v1/0/3', 'deals.v1/0/4'])
})

test('a mark moves time to the smallest latest upTo of all listed sources, once each of them has one', () => {
  const rule = ruleOf({ windowMs: 10 })
  const timeline = [
    deal(0),
    markOf(100, 0, [0, 1]), // 1 holds it back
    markOf(9, 1, [0, 1]), // 9: one before the departure
    markOf(50, 1, [0, 1]), // 50
  ]
  expect(story(play({ set: setOf([rule]) }, timeline.slice(0, 3)).alerts)).toEqual(['open@0'])
  expect(story(play({ set: setOf([rule]) }, timeline).alerts)).toEqual(['open@0', 'closed@10'])
})
