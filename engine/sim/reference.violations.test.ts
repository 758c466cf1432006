import { expect, test } from 'vitest'
import type { SequenceRule, SequenceStep, Violation } from '../model/rule.ts'
import { call, deal, field, key, markOf, sequenceOf, setOf } from './build.ts'
import type { Deal } from './deals.ts'
import { play, story } from './play.ts'

const common = { severity: 'low', explain: [] } as const
const unpaid: Violation = {
  ...common,
  name: 'unpaid',
  kind: 'expect',
  after: 'made',
  expect: ['paid', 'void'],
  withinMs: 10,
}
const early: Violation = { ...common, name: 'early', kind: 'forbid', forbid: 'paid', before: 'made' }

const made = (timeMs: number, more: Partial<Deal> = {}) => deal(timeMs, more)
const paid = (timeMs: number, more: Partial<Deal> = {}) => deal(timeMs, { type: 'deal.paid', ...more })
const seen = (timeMs: number) => deal(timeMs, { type: 'deal.seen' })
const gone = (timeMs: number) => deal(timeMs, { type: 'deal.void' })

const played = (overrides: Partial<SequenceRule>, timeline: Parameters<typeof play>[1], finite = true) =>
  play({ set: setOf([], [], [], [sequenceOf({ cooldownMs: 500, ...overrides })]), finite }, timeline)
const told = (overrides: Partial<SequenceRule>, timeline: Parameters<typeof play>[1], finite = true) =>
  story(played(overrides, timeline, finite).alerts)

test('expect: `within` is inclusive, the violation stands at the first later millisecond', () => {
  const violations = [unpaid]
  expect(told({ violations }, [made(0), markOf(10)])).toEqual([])
  expect(told({ violations }, [made(0), markOf(11)])).toEqual(['open@11'])
  expect(told({ violations }, [made(0), paid(10), markOf(50)])).toEqual([])
  expect(told({ violations }, [made(0), gone(10), markOf(50)])).toEqual([])
  expect(told({ violations }, [made(0), paid(11)])).toEqual(['open@11']) // timers before the events of that moment
  expect(told({ violations }, [paid(0), made(5), markOf(50)])).toEqual([]) // it may be before
  expect(told({ violations }, [made(0, { shop: 'A' }), paid(5), markOf(50)])).toEqual(['open@11 A'])
})

test('expect: the source is the event of `after`, evidence all that is known, the window begins with the first of it', () => {
  const first = seen(-5)
  const opener = made(0)
  const explain = [{ expression: key('shop'), format: 'plain', digits: 0 }] as const
  const { alerts } = played({ violations: [{ ...unpaid, severity: 'high', explain }] }, [first, opener, markOf(11)])
  const position = { topic: 'deals.v1', partition: 0 }
  expect(alerts[0]).toMatchObject({
    violation: 'unpaid',
    severity: 'high',
    explain: 'S',
    event_time: 11,
    first_seen: 11,
    last_seen: 11,
    folded: 0,
    episodes: 1,
    measures: {},
    suspects: [],
    coverage: 1,
    window: { start: -5, end: 11 },
    source: { ...position, offset: opener.offset },
    evidence: {
      events: [
        { step: 'seen', event_time: -5, ...position, offset: first.offset },
        { step: 'made', event_time: 0, ...position, offset: opener.offset },
      ],
      total: 2,
      truncated: false,
    },
  })
})

test('evidence: equal times in the order of the steps', () => {
  const { alerts } = played({ violations: [unpaid] }, [seen(0), made(0), markOf(11)])
  expect(alerts[0]!.evidence!.events.map((e) => e.step)).toEqual(['made', 'seen'])
})

test('only the first occurrence of a step counts; an earlier one that comes late takes its place', () => {
  const violations = [unpaid]
  expect(told({ violations }, [made(0), made(5), paid(14), markOf(50)])).toEqual(['open@11'])
  // time 20: made at 15; then, late, made at 12: due at 23 and no longer at 26
  expect(told({ violations }, [made(15), seen(20), made(12), markOf(24)])).toEqual(['open@23'])
  const again = made(15)
  const { alerts } = played({ violations }, [again, made(15), markOf(26)])
  expect(alerts[0]!.source.offset).toBe(again.offset) // of equal times that read first
})

test('a timer that is due at once fires right after the entry', () => {
  const violations = [unpaid]
  const { alerts } = played({ violations }, [seen(100), made(50), paid(55)])
  expect(story(alerts)).toEqual(['open@100']) // paid in time, but read too late
  expect(told({ violations }, [seen(100), paid(55), made(50)])).toEqual([])
})

test('forbid: stands a millisecond after the entry, opens at the entry; equal times violate nothing', () => {
  const violations = [early]
  expect(told({ violations }, [paid(5), markOf(5)])).toEqual([])
  const { alerts } = played({ violations }, [paid(5), markOf(6)])
  expect(alerts[0]).toMatchObject({ event_time: 6, first_seen: 5, last_seen: 5, window: { start: 5, end: 5 } })
  expect(told({ violations }, [[made(4), paid(5)], markOf(9)])).toEqual([])
  expect(told({ violations }, [[paid(5), made(5)], markOf(9)])).toEqual([])
  expect(told({ violations }, [paid(5), made(6)])).toEqual(['open@6'])
  expect(told({ violations }, [[seen(6), paid(5)], made(4), markOf(9)])).toEqual([]) // late, but within the millisecond
})

test('each violation stands once while the key is remembered; forgotten, it may stand again', () => {
  // forget_after 20: after paid at 5 all is forgotten at 25
  const rule = { violations: [early], forgetAfterMs: 20, cooldownMs: 0 }
  expect(told(rule, [paid(5), seen(7), paid(6), paid(4), markOf(24)])).toEqual(['open@6', 'closed@6'])
  expect(told(rule, [paid(5), paid(24), markOf(30)])).toEqual(['open@6', 'closed@6'])
  expect(told(rule, [paid(5), paid(25), markOf(30)])).toEqual(['open@6', 'closed@6', 'open@26', 'closed@26'])
  // What counted last was seen at 10: remembered until 30. A second sight at 20 counts for nothing.
  expect(told(rule, [paid(5), seen(10), seen(20), paid(29), markOf(29)])).toEqual(['open@6', 'closed@6'])
  expect(told(rule, [paid(5), seen(10), seen(20), paid(30), markOf(31)])).toHaveLength(4)
  // A late one of before does not shorten that.
  expect(told(rule, [seen(10), paid(5), paid(27), markOf(29)])).toEqual(['open@11', 'closed@11'])
  // A late event of a time that would be forgotten counts for nothing.
  expect(told(rule, [seen(30), paid(10), markOf(40)])).toEqual([])
  expect(told(rule, [seen(30), paid(11), markOf(40)])).toEqual(['open@31', 'closed@31'])
})

test('timers of a moment come before the forgetting of that moment', () => {
  const rule = { violations: [unpaid], forgetAfterMs: 11, cooldownMs: 0 }
  expect(told(rule, [made(0), markOf(30)])).toEqual(['open@11', 'closed@11'])
})

test('timers fire in the order in which they were set, those of one event in the order of the file', () => {
  const late: Violation = { ...unpaid, name: 'late', withinMs: 5 }
  const { alerts } = played({ violations: [unpaid, late, { ...unpaid, name: 'other' }] }, [
    made(0, { shop: 'B' }),
    made(0, { shop: 'A' }),
    markOf(20),
  ])
  expect(alerts.map((a) => `${a.violation} ${a.key.shop}`)).toEqual([
    'late B',
    'late A',
    'unpaid B',
    'other B',
    'unpaid A',
    'other A',
  ])
})

test('what is missing before the history of the engine violates nothing, unless the first step was seen', () => {
  const dispatched: Violation = { ...early, forbid: 'seen', before: 'paid' }
  const rule = { violations: [dispatched], forgetAfterMs: 100 }
  expect(told(rule, [seen(5), markOf(9)], false)).toEqual([])
  expect(told(rule, [made(4), seen(5), markOf(9)], false)).toEqual(['open@6'])
  // coverage is 1 at 104: the history begins at 4
  expect(told(rule, [made(4, { shop: 'T' }), seen(102), markOf(200)], false)).toEqual([])
  expect(told(rule, [made(4, { shop: 'T' }), seen(103), markOf(200)], false)).toEqual(['open@104'])
  expect(played(rule, [made(4), seen(53), markOf(60)], false).alerts[0]!.coverage).toBe(0.5)
  // An expectation looks ahead.
  expect(told({ violations: [{ ...unpaid, after: 'seen' }] }, [seen(5), markOf(50)], false)).toEqual(['open@16'])
})

test('an event may be an occurrence of several steps; a step may have a filter; one of none is nobody', () => {
  const big = call('gt', field('count'), 5)
  const steps: SequenceStep[] = [
    { name: 'made', on: ['deal.made'], where: null },
    { name: 'paid', on: ['deal.made', 'deal.paid'], where: big },
    { name: 'void', on: [], where: null },
  ]
  const rule = { steps, violations: [unpaid, early] }
  expect(told(rule, [made(0, { count: 9 }), markOf(50)])).toEqual([])
  expect(told(rule, [made(0), paid(5), markOf(50)])).toEqual(['open@11'])
  expect(told(rule, [paid(5, { count: null }), markOf(50)])).toEqual([])
})

test('the life of an alert: cooldown from the opening, folding, one record a minute', () => {
  const rule = { violations: [early], forgetAfterMs: 10, cooldownMs: 100_000 }
  const { alerts } = played(rule, [paid(0), paid(20), paid(60_000), paid(60_100), paid(99_999), markOf(100_000)])
  expect(alerts.map((a) => [a.status, a.event_time, a.folded, a.episodes, a.last_seen, a.revision])).toEqual([
    ['open', 1, 0, 1, 0, 0],
    ['updated', 60_001, 2, 3, 60_000, 1],
    ['closed', 100_000, 4, 5, 99_999, 2],
  ])
  expect(alerts[2]!.window).toEqual({ start: 0, end: 0 })
  expect(new Set(alerts.map((a) => a.alert_id)).size).toBe(1)
  expect(told({ ...rule, cooldownMs: 0 }, [paid(0), markOf(5)])).toEqual(['open@1', 'closed@1'])
  expect(told({ ...rule, cooldownMs: 1 }, [paid(0), markOf(5)])).toEqual(['open@1', 'closed@1'])
  expect(told({ ...rule, cooldownMs: 2 }, [paid(0), markOf(5)])).toEqual(['open@1', 'closed@2'])
})

test('violations of a key have lives of their own, and ids', () => {
  const { alerts } = played({ violations: [early, { ...early, name: 'twin' }] }, [paid(0), markOf(5)])
  expect(alerts.map((a) => a.violation)).toEqual(['early', 'twin'])
  expect(new Set(alerts.map((a) => a.alert_id)).size).toBe(2)
})

test('a muted violation is counted and has not stood; a dropped event was not there', () => {
  const exception = { name: 'x', reason: '', when: call('eq', key('shop'), 'S') }
  const mute = { ...exception, apply: 'mute_alert', untilMs: 10 } as const
  const { alerts, counters } = played({ violations: [early], exceptions: [mute] }, [paid(5), paid(4), markOf(9)])
  expect(story(alerts)).toEqual([])
  expect(counters.muted_total).toBe(1) // 4 took the place of 5 before 5 could stand
  expect(told({ violations: [early], exceptions: [mute] }, [paid(5), seen(20), paid(4), markOf(30)])).toEqual([
    'open@21',
  ])
  expect(told({ violations: [early], exceptions: [mute] }, [paid(9), markOf(30)])).toEqual(['open@10'])
  const drop = { ...mute, apply: 'drop_event' } as const
  expect(told({ violations: [early], exceptions: [drop] }, [paid(5), markOf(9)])).toEqual([])
})

test('filters and null keys are those of a rule', () => {
  const big = call('gt', field('count'), 5)
  expect(told({ violations: [early], where: big }, [paid(5), markOf(9)])).toEqual([])
  const { alerts, counters } = played({ violations: [early], by: ['device'] }, [paid(5), markOf(9)])
  expect([alerts, counters.null_keys_total]).toEqual([[], 1])
})

test('settle: in time order, on a clock of its own', () => {
  const rule = { violations: [unpaid, early], settleMs: 50 }
  expect(told(rule, [paid(5), made(4), markOf(100)])).toEqual([])
  expect(told(rule, [made(4), markOf(64)])).toEqual([])
  expect(told(rule, [made(4), markOf(65)])).toEqual(['open@15'])
})

test('a late event within lateness enters, whatever a window would hold', () => {
  expect(told({ violations: [early] }, [made(900), paid(0), markOf(901)])).toEqual(['open@901'])
})

test('drained: every timer has fired', () => {
  const set = setOf([], [], [], [sequenceOf({ violations: [unpaid], cooldownMs: 100 })])
  expect(story(play({ set, until: 'drained' }, [made(0)]).alerts)).toEqual(['open@11', 'closed@111'])
  expect(story(play({ set, until: 'last' }, [made(0)]).alerts)).toEqual([])
})
