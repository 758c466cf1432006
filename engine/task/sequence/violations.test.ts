import { expect, test } from 'vitest'
import { call, field, key } from '../../sim/build.ts'
import { at, opened, play, records, sequenceOf, setOf, TYPES, violating } from './testing.ts'

const unpaid = { kind: 'expect', name: 'unpaid', after: 'a', expect: ['b'], withinMs: 10 } as const
const early = { kind: 'forbid', name: 'early', forbid: 'b', before: 'a' } as const
const expects = sequenceOf(violating(unpaid))
const forbids = sequenceOf(violating(early))
const told = (...args: Parameters<typeof play>) => opened(play(...args))

test('what is awaited may come until the last millisecond; the violation stands at the first later instant', () => {
  expect(told(expects, 'A@0 B@10 end')).toBe('')
  expect(told(expects, 'A@0 |10')).toBe('')
  expect(told(expects, 'A@0 |11')).toBe('unpaid@11')
  expect(told(expects, 'A@0 B@11')).toBe('unpaid@11')
})

test('what is awaited may have come before', () => {
  expect(told(expects, 'B@0 A@5 end')).toBe('')
})

test('one of several awaited steps is enough', () => {
  const either = sequenceOf(violating({ ...unpaid, expect: ['b', 'd'] }))
  expect(told(either, 'A@0 D@3 end')).toBe('')
  expect(told(either, 'A@0 C@3 end')).toBe('unpaid@11')
})

test('a late event is in time by its own time; too late to be awaited, it changes nothing any more', () => {
  expect(told(expects, 'A@0 A@9/T B@5 |11')).toBe('')
  expect(told(expects, 'A@0 A@50/T B@5 end')).toBe('unpaid@11 unpaid@61/T')
})

test('a late trigger whose time is over already stands right after its entry', () => {
  expect(told(expects, 'C@50 A@20')).toBe('unpaid@50')
  expect(told(expects, 'C@50 A@39')).toBe('unpaid@50')
  expect(told(expects, 'C@50 A@40')).toBe('')
  expect(told(expects, 'C@50 A@40 |51')).toBe('unpaid@51')
})

test('the first occurrence counts, by event time; an earlier one that comes late sets its own timer', () => {
  expect(told(expects, 'A@0 A@8 B@9 end')).toBe('')
  expect(told(expects, 'A@0 A@5 B@12 end')).toBe('unpaid@11')
  expect(told(expects, 'A@5 A@0 B@12 end')).toBe('unpaid@11')
})

test('forbidden: before, and by event time; equal times violate nothing', () => {
  expect(told(forbids, 'A@0 B@1 end')).toBe('')
  expect(told(forbids, 'B@5 A@5 end')).toBe('')
  expect(told(forbids, 'B@5 A@6 end')).toBe('early@5')
  expect(told(forbids, 'B@5 end')).toBe('early@5')
})

test('forbidden: what comes at the same millisecond of the clock may still show that all is well', () => {
  expect(told(forbids, 'B@5 A@3 end')).toBe('')
  expect(told(forbids, 'B@5 |6 A@3 end')).toBe('early@5')
  expect(records(play(forbids, 'B@5 end'))).toBe('early.open@6 early.closed@6')
})

test('the source is the event of the trigger, the evidence all first occurrences in order of time, then of steps', () => {
  const [alert] = play(expects, 'C@3 D@0 A@0 |11').alerts
  expect(alert).toMatchObject({
    violation: 'unpaid',
    severity: 'high',
    explain: 'unpaid',
    key: { shop: 'S' },
    source: at(2),
    window: { start: 0, end: 11 },
    measures: {},
    suspects: [],
    coverage: 1,
    first_seen: 11,
    last_seen: 11,
    event_time: 11,
    folded: 0,
    episodes: 1,
  })
  expect(alert.evidence).toEqual({
    events: [
      { step: 'a', event_time: 0, ...at(2) },
      { step: 'd', event_time: 0, ...at(1) },
      { step: 'c', event_time: 3, ...at(0) },
    ],
    total: 3,
    truncated: false,
  })
})

test('forgotten at the newest occurrence + forget_after: then the key begins anew', () => {
  expect(told(forbids, 'A@0 B@99 end')).toBe('')
  expect(told(forbids, 'A@0 B@100 end')).toBe('early@100')
  expect(told(forbids, 'A@0 C@50 B@149 end')).toBe('')
  expect(told(forbids, 'A@0 A@50 B@100 end')).toBe('early@100') // the second A does not count
  expect(told(forbids, 'A@0 C@200/T A@100 end')).toBe('') // late by forget_after: counts for nothing
  expect(told(expects, 'C@200/T A@100 end')).toBe('')
  expect(told(expects, 'C@200/T A@101 end')).toBe('unpaid@200')
})

test('each violation stands once while the key is remembered, and again after that', () => {
  expect(told(expects, 'A@20 |40 A@15 A@10 end')).toBe('unpaid@31')
  expect(told(expects, 'A@20 A@120 end')).toBe('unpaid@31 unpaid@131')
})

test('a violation that stands again within the cooldown folds; the alert closes at the end of its cooldown', () => {
  const rule = { ...expects, cooldownMs: 200 }
  const { alerts } = play(rule, 'A@20 A@120 end')
  expect(alerts.map((a) => [a.status, a.event_time, a.folded, a.episodes, a.last_seen])).toEqual([
    ['open', 31, 0, 1, 31],
    ['closed', 231, 1, 2, 131],
  ])
  expect(alerts[1].alert_id).toBe(alerts[0].alert_id)
})

test('while it folds it is updated when the last record is a minute old', () => {
  const rule = { ...expects, cooldownMs: 200_000 }
  expect(records(play(rule, 'A@0 A@30000 A@60000 A@60200 end'))).toBe(
    'unpaid.open@11 unpaid.updated@60011 unpaid.closed@200011',
  )
})

test('each violation has an alert of its own', () => {
  const both = sequenceOf({ ...violating(unpaid, { ...unpaid, name: 'undelivered', expect: ['c'] }), cooldownMs: 5 })
  const { alerts } = play(both, 'A@0 end')
  expect(records({ alerts })).toBe('unpaid.open@11 undelivered.open@11 unpaid.closed@16 undelivered.closed@16')
  expect(new Set(alerts.map((a) => a.alert_id)).size).toBe(2)
})

test('timers of one moment fire as they were set, those of one event in the order of the file', () => {
  const rule = sequenceOf(violating({ ...unpaid, name: 'x' }, { ...unpaid, name: 'y', expect: ['c'] }))
  expect(told(rule, 'A@0/T A@0 end')).toBe('x@11/T y@11/T x@11 y@11')
})

test('on a settled clock events enter in time order and all times are on that clock', () => {
  const rule = { ...forbids, settleMs: 20 }
  expect(told(rule, 'B@5 A@3 end')).toBe('')
  const { alerts } = play(rule, 'B@5 A@6 |26')
  expect(alerts.map((a) => [a.status, a.event_time, a.first_seen])).toEqual([
    ['open', 6, 5],
    ['closed', 6, 5],
  ])
  expect(told({ ...expects, settleMs: 20 }, 'A@0 |30')).toBe('')
  expect(told({ ...expects, settleMs: 20 }, 'A@0 |31')).toBe('unpaid@11')
})

test('an order that began before the history violates nothing by what is missing before it', () => {
  const running = { finite: false }
  expect(told(forbids, 'C@0/T B@50 |60', running)).toBe('')
  expect(told(forbids, 'C@0/T B@100 |110', running)).toBe('early@100')
  const later = sequenceOf(violating({ kind: 'forbid', name: 'early', forbid: 'c', before: 'b' }))
  expect(told(later, 'A@0 C@50 |60', running)).toBe('early@50') // its first step has been seen
  expect(play(expects, 'A@0 |60', running).alerts[0].coverage).toBeCloseTo(0.11)
})

test('a null in the key is counted, a filtered event is none, a step has a filter of its own', () => {
  const { counters, alerts } = play(expects, 'A@0/null end')
  expect([alerts.length, counters.total('null_keys_total')]).toEqual([0, 1])
  const ofT = { ...expects, where: call('eq', field('shop'), 'T') }
  expect(told(ofT, 'A@0 A@5/T end')).toBe('unpaid@16/T')
  const steps = expects.steps.map((s) => (s.name === 'a' ? { ...s, where: call('eq', field('shop'), 'T') } : s))
  expect(told({ ...expects, steps }, 'A@0 A@5/T end')).toBe('unpaid@16/T')
})

test('an event may be an occurrence of several steps', () => {
  const steps = sequenceOf().steps.map((s) => (s.name === 'b' ? { ...s, on: [TYPES.A] } : s))
  expect(told({ ...expects, steps }, 'A@0 end')).toBe('')
  expect(told({ ...forbids, steps }, 'A@0 end')).toBe('')
})

const exception = (apply: 'mute_alert' | 'drop_event') => ({
  name: 'known',
  reason: 'known',
  when: call('eq', apply === 'mute_alert' ? key('shop') : field('shop'), 'S'),
  apply,
  untilMs: 1_000,
})

test('exceptions: muted it has not stood, and may later; dropped the event is none', () => {
  const muted = play({ ...expects, exceptions: [exception('mute_alert')] }, 'A@5 A@0/T |20 A@1 end')
  expect([opened(muted), muted.counters.total('muted_total')]).toEqual(['unpaid@11/T', 2])
  const until = { ...expects, exceptions: [{ ...exception('mute_alert'), untilMs: 20 }] }
  expect(told(until, 'A@5 |20 A@1 end')).toBe('unpaid@20')
  const dropped = play({ ...expects, exceptions: [exception('drop_event')] }, 'A@0 A@5/T end')
  expect([opened(dropped), dropped.counters.total('excepted_events_total')]).toEqual(['unpaid@16/T', 1])
  expect(told({ ...expects, exceptions: [{ ...exception('mute_alert'), untilMs: 11 }] }, 'A@0 end')).toBe('unpaid@11')
})

test('the order life cycle of the rule format', () => {
  const step = (name: string, on: string) => ({ name, on: [on], where: null })
  const within = 15 * 60_000
  const rule = sequenceOf({
    settleMs: 30_000,
    steps: [step('created', TYPES.A), step('paid', TYPES.B), step('delivered', TYPES.C), step('cancelled', TYPES.D)],
    forgetAfterMs: 24 * 3_600_000,
    ...violating(
      { kind: 'expect', name: 'unpaid', after: 'created', expect: ['paid', 'cancelled'], withinMs: within },
      { kind: 'expect', name: 'paid_not_delivered', after: 'paid', expect: ['delivered'], withinMs: within },
      { kind: 'forbid', name: 'delivered_before_paid', forbid: 'delivered', before: 'paid' },
      { kind: 'forbid', name: 'paid_without_order', forbid: 'paid', before: 'created' },
    ),
  })
  expect(told(rule, 'A@0 B@60000 C@120000 end')).toBe('')
  expect(told(rule, 'A@0 end')).toBe('unpaid@900001')
  expect(told(rule, 'A@0 D@900000 end')).toBe('')
  expect(told(rule, 'A@0 B@60000 end')).toBe('paid_not_delivered@960001')
  expect(told(rule, 'A@0 C@60000 B@61000 end')).toBe('delivered_before_paid@60000')
  expect(told(rule, 'A@0 C@61000 B@60000 end')).toBe('')
  expect(told(rule, 'B@60000 A@61000 C@62000 end')).toBe('paid_without_order@60000')
})

test('the end of a finite input: every timer has fired, also one that finds all well', () => {
  const later = { ...expects, id: 'later', hash: 'later' }
  const { alerts, task } = play(setOf(expects, later), 'A@0 B@5 A@7/T end')
  expect(alerts.filter((a) => a.status === 'open').map((a) => `${a.rule}@${a.first_seen}`)).toEqual([
    'sequence@18',
    'later@18',
  ])
  expect([task.gauges.liveTimers, task.gauges.rememberedKeys, task.gauges.openAlerts]).toEqual([0, 0, 0])
})

test('until the last event: what is open closes where the clock stands', () => {
  const run = play({ ...expects, cooldownMs: 1_000 }, 'A@0 |20')
  run.task.finish('last', run.sink)
  expect(records(run)).toBe('unpaid.open@11 unpaid.closed@20')
})

test('what is open at the end closes in the order of its opening, whichever violation it is', () => {
  const run = play({ ...sequenceOf(violating(unpaid, early)), cooldownMs: 1_000 }, 'B@0 A@1/T |12')
  run.task.finish('last', run.sink)
  expect(records(run)).toBe('early.open@1 unpaid.open@12 early.closed@12 unpaid.closed@12')
})

test('timers and remembered keys are known while they live', () => {
  const { task } = play(expects, 'A@0 A@1/T B@5')
  expect([task.gauges.liveTimers, task.gauges.rememberedKeys]).toEqual([2, 2])
  expect(play(expects, 'A@0 |100').task.gauges.rememberedKeys).toBe(0)
})
