import { expect, test } from 'vitest'
import type { Rule } from '../model/rule.ts'
import { call, deal, field, key, letValue, literal, markOf, measured, param, ruleOf, running, setOf } from './build.ts'
import { play, story } from './play.ts'

/** n >= 2 within 20 ms, every change. */
const pairOf = (overrides: Partial<Rule> = {}) =>
  ruleOf({
    windowMs: 20,
    measures: [running('n', 'count', null, 20)],
    when: call('ge', measured('n'), 2),
    ...overrides,
  })
const told = (rule: Rule, timeline: Parameters<typeof play>[1]) => story(play({ set: setOf([rule]) }, timeline).alerts)

test('without cooldown an alert closes in the moment in which its episode ends', () => {
  // time    0    5         20        25
  // event   a    b         a leaves: n = 1, closed
  expect(told(pairOf(), [deal(0), deal(5), markOf(30)])).toEqual(['open@5', 'closed@20'])
})

test('with cooldown it closes at the later of the two moments', () => {
  expect(told(pairOf({ cooldownMs: 30 }), [deal(0), deal(5), markOf(34)])).toEqual(['open@5'])
  expect(told(pairOf({ cooldownMs: 30 }), [deal(0), deal(5), markOf(35)])).toEqual(['open@5', 'closed@35'])
  expect(told(pairOf({ cooldownMs: 3 }), [deal(0), deal(5), markOf(35)])).toEqual(['open@5', 'closed@20'])
})

test('an arrival that ends an episode after the cooldown closes the alert at once', () => {
  const lone = pairOf({ when: call('eq', measured('n'), 1) })
  expect(told(lone, [deal(0), deal(5), deal(6)])).toEqual(['open@0', 'closed@5'])
  expect(told({ ...lone, cooldownMs: 5 }, [deal(0), deal(5)])).toEqual(['open@0', 'closed@5'])
  expect(told({ ...lone, cooldownMs: 6 }, [deal(0), deal(5), markOf(8)])).toEqual(['open@0', 'closed@6'])
})

test('an episode that begins before the cooldown is over belongs to the same alert', () => {
  // time    0 5        20          30 31        50     51        105
  // n       1 2        1 (ended)   1  2 (again) 1 (30 leaves)    cooldown over
  const { alerts } = play({ set: setOf([pairOf({ cooldownMs: 100 })]) }, [
    deal(0),
    deal(5),
    deal(30),
    deal(31),
    markOf(200),
  ])
  expect(story(alerts)).toEqual(['open@5', 'closed@105'])
  expect(alerts[1]).toMatchObject({ episodes: 2, folded: 1, first_seen: 5, last_seen: 31, revision: 1 })
  expect(alerts[1]!.alert_id).toBe(alerts[0]!.alert_id)
})

test('a new alert of the same key has another id', () => {
  const { alerts } = play({ set: setOf([pairOf()]) }, [deal(0), deal(5), deal(100), deal(105), markOf(200)])
  expect(story(alerts)).toEqual(['open@5', 'closed@20', 'open@105', 'closed@120'])
  expect(new Set(alerts.map((a) => a.alert_id)).size).toBe(2)
  expect(alerts[0]!.alert_id).toMatch(/^[0-9a-f]{32}$/)
})

test('last_seen counts departures that find it true, folded does not', () => {
  const { alerts } = play({ set: setOf([pairOf()]) }, [deal(0), deal(5), deal(6), markOf(30)])
  expect(alerts.at(-1)).toMatchObject({ status: 'closed', folded: 1, last_seen: 20, event_time: 25 })
})

test('an alert that closes at a moment is closed before what arrives at that moment', () => {
  expect(told(pairOf(), [deal(0), deal(5), [deal(25), deal(25)]])).toEqual(['open@5', 'closed@20', 'open@25'])
  const arrival = ruleOf({ evaluate: 'arrival', cooldownMs: 10 })
  expect(told(arrival, [deal(0), deal(9), deal(19)])).toEqual(['open@0', 'closed@19', 'open@19'])
})

test('an arrival rule goes on until last_seen + cooldown, whatever is false in between', () => {
  const rule = ruleOf({ evaluate: 'arrival', cooldownMs: 10, when: call('eq', field('count'), 1) })
  const one = { count: 1 }
  const { alerts } = play({ set: setOf([rule]) }, [deal(0, one), deal(5), deal(8, one), markOf(100)])
  expect(story(alerts)).toEqual(['open@0', 'closed@18'])
  expect(alerts[1]).toMatchObject({ folded: 1, episodes: 1, last_seen: 8 })
})

test('an arrival rule without cooldown closes right after each match', () => {
  const { alerts } = play({ set: setOf([ruleOf({ evaluate: 'arrival' })]) }, [[deal(0), deal(0)]])
  expect(story(alerts)).toEqual(['open@0', 'closed@0', 'open@0', 'closed@0'])
  expect(new Set(alerts.map((a) => a.alert_id)).size).toBe(2)
})

test('a rise in severity is told with all that it saw; a fall is not', () => {
  const rule = pairOf({
    severity: [
      { level: 'critical', when: call('ge', measured('n'), 4) },
      { level: 'medium', when: call('gt', call('div', measured('n'), 0), 1) }, // abstains: does not apply
      { level: 'high', when: call('ge', measured('n'), 3) },
      { level: 'low', when: null },
    ],
    explain: [{ text: 'n is ' }, { expression: measured('n'), format: 'plain', digits: 0 }],
    evidence: { events: 2, fields: ['count'] },
  })
  const { alerts } = play({ set: setOf([rule]) }, [0, 1, 2, 3, 4].map((t) => deal(t, { count: t })).concat(deal(50)))
  expect(alerts.map((a) => [a.status, a.event_time, a.severity, a.measures.n, a.explain, a.revision])).toEqual([
    ['open', 1, 'low', 2, 'n is 2', 0],
    ['updated', 2, 'high', 3, 'n is 3', 1],
    ['updated', 3, 'critical', 4, 'n is 4', 2],
    ['closed', 23, 'critical', 4, 'n is 4', 3],
  ])
  expect(alerts[3]!.window).toEqual({ start: -17, end: 3 })
  expect(alerts[3]!.evidence).toMatchObject({ events: [{ count: 2 }, { count: 3 }], total: 4, truncated: true })
})

test('folding is told once a minute, with the measures of before', () => {
  const rule = ruleOf({
    evaluate: 'arrival',
    windowMs: 100_000,
    cooldownMs: 100_000,
    measures: [running('n', 'count', null, 100_000)],
  })
  const { alerts } = play({ set: setOf([rule]) }, [deal(0), deal(59_999), deal(60_000), deal(61_000), deal(120_000)])
  expect(alerts.map((a) => [a.status, a.event_time, a.folded, a.measures.n])).toEqual([
    ['open', 0, 0, 1],
    ['updated', 60_000, 2, 1],
    ['updated', 120_000, 4, 1],
  ])
})

test('a muted evaluation is counted, and otherwise as if it had not taken place', () => {
  const exceptions = [
    { name: 'x', when: call('gt', measured('n'), 2), apply: 'mute_alert', reason: '', untilMs: 1_000 },
  ] as const
  const rule = pairOf({ exceptions, cooldownMs: 5 })
  const { alerts, counters } = play({ set: setOf([rule]) }, [deal(0), deal(5), deal(6), deal(26)])
  expect(story(alerts)).toEqual(['open@5', 'closed@25']) // at 20 n = 2, at 25 n = 1
  expect(alerts[1]).toMatchObject({ folded: 0, last_seen: 20 })
  expect(counters.muted_total).toBe(1)
})

test('an exception is off from `until` on; a dropped event touches nothing', () => {
  const exceptions = [
    { name: 'x', when: call('eq', key('shop'), 'S'), apply: 'drop_event', reason: '', untilMs: 10 },
  ] as const
  expect(told(pairOf({ exceptions }), [deal(8), deal(9), deal(10), deal(11)])).toEqual(['open@11'])
  const until = { ...exceptions[0], apply: 'mute_alert' } as const
  // The departure of a at 20 finds n = 2 with the exception off, the arrivals found it on.
  expect(told(pairOf({ exceptions: [{ ...until, untilMs: 20 }] }), [deal(0), deal(5), deal(6), markOf(21)])).toEqual([
    'open@20',
  ])
})

test('abstaining is counted by reason, never alerts, and ends an episode', () => {
  const when = call('gt', call('div', measured('n'), call('sub', 3, measured('n'))), 1)
  const { alerts, counters } = play({ set: setOf([pairOf({ when })]) }, [deal(0), deal(1), deal(2)])
  expect(story(alerts)).toEqual(['open@1', 'closed@2'])
  expect(counters).toMatchObject({ abstained_total: 1, 'abstained_total.division_by_zero': 1 })
})

test('suspects are counted over the union of the windows in which it was true', () => {
  // n >= 3 within 20 ms; buyers   0: A   1: B   2: B    20: A leaves    21: C enters, true again with B B C? B left at 21
  const rule = pairOf({ when: call('ge', measured('n'), 3), suspects: { of: 'buyer', k: 1 }, cooldownMs: 1_000 })
  const { alerts } = play({ set: setOf([rule]) }, [
    deal(0, { buyer: 'A' }),
    deal(1, { buyer: 'B' }),
    deal(2, { buyer: 'B' }),
    deal(30, { buyer: 'X' }), // alone: false, in no such window until the next one
    deal(31, { buyer: 'A' }),
    deal(32, { buyer: null }),
    markOf(2_000),
  ])
  expect(alerts[0]!.suspects).toEqual([{ value: 'B', events: 2 }])
  expect(alerts[1]!.suspects).toEqual([
    { value: 'A', events: 2 },
    { value: 'B', events: 2 },
  ])
})

test('suspects of a let, evidence of a window with a late event', () => {
  const rule = pairOf({
    lets: [{ name: 'pair', type: 'string', expression: call('concat', field('shop'), field('buyer')) }],
    suspects: { of: 'pair', k: 5 },
    evidence: { events: 5, fields: ['pair'] },
  })
  const { alerts } = play({ set: setOf([rule]) }, [deal(9, { id: 'a', offset: 1 }), deal(3, { id: 'b', offset: 2 })])
  expect(alerts[0]!.suspects).toEqual([{ value: 'SB', events: 2 }])
  const position = { topic: 'deals.v1', partition: 0 }
  expect(alerts[0]!.evidence).toEqual({
    events: [
      { event_id: 'b', event_time: 3, ...position, offset: 2, pair: 'SB' },
      { event_id: 'a', event_time: 9, ...position, offset: 1, pair: 'SB' },
    ],
    total: 2,
    truncated: false,
  })
})

test('keys by let, parameters, templates', () => {
  const rule = pairOf({
    lets: [{ name: 'pair', type: 'string', expression: call('unordered', field('shop'), field('buyer')) }],
    by: ['pair'],
    about: 'pair',
    params: { limit: 2 },
    when: call('ge', measured('n'), param('limit')),
    explain: [
      { expression: call('div', measured('n'), 3), format: 'plain', digits: 0 },
      { text: ' ' },
      { expression: call('div', measured('n'), 3), format: 'fixed', digits: 2 },
      { text: ' ' },
      { expression: call('div', measured('n'), 3), format: 'percent', digits: 1 },
      { text: ' ' },
      { expression: literal(3_900_000), format: 'duration', digits: 0 },
      { text: ' ' },
      { expression: literal(null), format: 'fixed', digits: 2 },
      { text: ' ' },
      { expression: call('add', 0.1, 0.2), format: 'plain', digits: 0 },
      { text: ' ' },
      { expression: letValue('pair', 'string'), format: 'plain', digits: 0 },
    ],
  })
  const swapped = [deal(0, { shop: 'x', buyer: 'y' }), deal(1, { shop: 'y', buyer: 'x' })]
  const { alerts } = play({ set: setOf([rule]) }, swapped)
  expect(alerts).toHaveLength(1)
  expect(alerts[0]!.params).toEqual({ limit: 2 })
  expect(alerts[0]!.explain).toBe(`0.666667 0.67 66.7% 1h 5m unknown 0.3 ${alerts[0]!.key.pair}`)
})

test('coverage is the share of the window since the history began, and 1 for a finite input', () => {
  const covered = (finite: boolean) =>
    play({ set: setOf([ruleOf({ windowMs: 20, evaluate: 'arrival' })]), finite }, [deal(100), deal(105), deal(130)])
      .alerts.filter((a) => a.status === 'open')
      .map((a) => a.coverage)
  expect(covered(false)).toEqual([0, 0.25, 1])
  expect(covered(true)).toEqual([1, 1, 1])
})
