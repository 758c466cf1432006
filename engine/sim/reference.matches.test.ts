import { expect, test } from 'vitest'
import type { SequenceMatch, SequenceRule, SequenceStep } from '../model/rule.ts'
import { call, deal, field, key, sequenceOf, setOf } from './build.ts'
import type { DealType } from './deals.ts'
import { play, story } from './play.ts'

/** `a0 b5`: steps a, b, c, d are the four types, at these times. */
function timeline(text: string) {
  const types: Record<string, DealType> = { a: 'deal.made', b: 'deal.paid', c: 'deal.seen', d: 'deal.void' }
  return text.split(' ').map((word) => deal(Number(word.slice(1)), { type: types[word[0]!]! }))
}
const steps: SequenceStep[] = [
  { name: 'a', on: ['deal.made'], where: null },
  { name: 'b', on: ['deal.paid'], where: null },
  { name: 'c', on: ['deal.seen'], where: null },
  { name: 'd', on: ['deal.void'], where: null },
]
const match = (overrides: Partial<SequenceMatch> = {}): SequenceMatch => ({
  name: 'm',
  order: ['a', 'b'],
  without: [],
  withinMs: 10,
  severity: 'high',
  explain: [],
  ...overrides,
})
const played = (text: string, overrides: Partial<SequenceMatch> = {}, rule: Partial<SequenceRule> = {}) =>
  play({ set: setOf([], [], [], [sequenceOf({ steps, matches: [match(overrides)], ...rule })]) }, timeline(text))
/** Times of the events of each match. */
const told = (text: string, overrides: Partial<SequenceMatch> = {}, rule: Partial<SequenceRule> = {}) =>
  played(text, overrides, rule)
    .alerts.filter((a) => a.status === 'open')
    .map((a) => a.evidence!.events.map((e) => `${e.step}${e.event_time}`).join(' '))

test('steps one after the other, each strictly later, `within` inclusive', () => {
  expect(told('a0 b10')).toEqual(['a0 b10'])
  expect(told('a0 b11')).toEqual([])
  expect(told('a0 b0')).toEqual([])
  expect(told('b0 a1')).toEqual([])
  expect(told('a0 b5 c9', { order: ['a', 'b', 'c'] })).toEqual(['a0 b5 c9'])
  expect(told('a0 b5 c11', { order: ['a', 'b', 'c'] })).toEqual([]) // from the first to the last
})

test('what a match says of itself', () => {
  const { alerts } = played('a3 b5', {}, { cooldownMs: 100 })
  expect(alerts[0]).toMatchObject({
    violation: 'm',
    severity: 'high',
    event_time: 5,
    first_seen: 5,
    window: { start: 3, end: 5 },
    coverage: 1,
    measures: {},
    evidence: { total: 2, truncated: false },
  })
  expect(alerts[0]!.source.offset).toBe(alerts[0]!.evidence!.events[1]!.offset)
  expect(story(played('a0 b1').alerts)).toEqual(['open@1', 'closed@1'])
})

test('an event advances the oldest partial match that can take it, and only that one', () => {
  expect(told('a0 a2 b5 b6')).toEqual(['a0 b5', 'a2 b6'])
  expect(told('a0 b5 b6')).toEqual(['a0 b5'])
  expect(told('a0 a5 b11')).toEqual(['a5 b11']) // that of 0 is gone
  // An event that is both the next step and the first one does not begin a new partial match.
  expect(told('a0 a1 a2 a3', { order: ['a', 'a'] })).toEqual(['a0 a1', 'a2 a3'])
  expect(told('a0 a1 b2 a3 b4', { order: ['a', 'a', 'b'] })).toEqual(['a0 a1 b2'])
})

test('oldest is the one that began first, by entry', () => {
  expect(told('a5 a3 b6 b7')).toEqual(['a5 b6', 'a3 b7'])
})

test('a late event may be taken while its partial match is there', () => {
  expect(told('a0 c8 b5')).toEqual(['a0 b5'])
  expect(told('a0 c11 b5')).toEqual([])
  expect(told('a5 b4')).toEqual([])
})

test('without: not between the first and the last', () => {
  const without = ['c']
  expect(told('a0 c3 b5', { without })).toEqual([])
  expect(told('c0 a1 b5', { without })).toEqual(['a1 b5'])
  expect(told('a0 b5 c6', { without })).toEqual(['a0 b5'])
  expect(told('a0 c0 b5', { without })).toEqual(['a0 b5']) // not after the first
  expect(told('a0 c3 a4 b5', { without })).toEqual(['a4 b5'])
  expect(told('a0 c5 b5', { without })).toEqual(['a0 b5']) // not before the last
  expect(told('a0 c5 c3 b5', { without })).toEqual([])
  expect(told('a0 c5 c7 b5', { without })).toEqual([])
})

test('a late step from before what blocks is taken as long as the clock stands there', () => {
  expect(told('a0 c5 b4', { without: ['c'] })).toEqual(['a0 b4'])
  expect(told('a0 c5 d6 b4', { without: ['c'] })).toEqual([])
})

test('one step is a match at once', () => {
  expect(told('a0 a0 b1', { order: ['a'] })).toEqual(['a0', 'a0'])
})

test('sixteen partial matches at most: the seventeenth pushes the oldest out', () => {
  const many = Array.from({ length: 17 }, (_, i) => `a${i}`).join(' ')
  const { alerts, counters } = played(`${many} b17`, { withinMs: 100 })
  expect(alerts[0]!.evidence!.events[0]!.event_time).toBe(1)
  expect(counters.partial_matches_dropped_total).toBe(1)
  const fewer = played(`${many.slice(0, many.lastIndexOf(' '))} b17`, { withinMs: 100 })
  expect(fewer.alerts[0]!.evidence!.events[0]!.event_time).toBe(0)
  expect(fewer.counters.partial_matches_dropped_total).toBeUndefined()
})

test('names have partial matches of their own, in the order of the file, and come before violations', () => {
  const violations = [
    { name: 'v', severity: 'low', explain: [], kind: 'expect', after: 'b', expect: ['d'], withinMs: 0 } as const,
  ]
  const sequence = sequenceOf({ steps, matches: [match(), match({ name: 'n' })], violations })
  const { alerts } = play({ set: setOf([], [], [], [sequence]) }, timeline('a0 c20 b1 a30 b31'))
  expect(alerts.map((a) => `${a.violation} ${a.status}`)).toEqual([
    'v open', // b of 1: too late for the matches, due at once
    'v closed',
    'm open',
    'm closed',
    'n open',
    'n closed',
  ])
})

test('matches fold into the alert of their name and key', () => {
  const { alerts } = played('a0 b1 a2 b3', {}, { cooldownMs: 50 })
  expect(story(alerts)).toEqual(['open@1'])
  const closed = played('a0 b1 a2 b3 d51', {}, { cooldownMs: 50 }).alerts.at(-1)!
  expect(closed).toMatchObject({ status: 'closed', event_time: 51, folded: 1, episodes: 2, last_seen: 3 })
})

test('a muted match is gone all the same; forget_after is nothing to it', () => {
  const mute = { name: 'x', reason: '', apply: 'mute_alert', when: call('eq', key('shop'), 'S'), untilMs: 6 } as const
  const { counters } = played('a0 b5 b6', {}, { exceptions: [mute] })
  expect(counters.muted_total).toBe(1)
  expect(told('a0 b5 b6', {}, { exceptions: [mute] })).toEqual([])
  expect(told('a0 b9', {}, { forgetAfterMs: 1 })).toEqual(['a0 b9'])
})

test('an event of several steps: what blocks comes first, then what it advances', () => {
  const both: SequenceStep[] = [...steps, { name: 'big', on: ['deal.paid'], where: call('gt', field('count'), 5) }]
  const [a, b] = timeline('a0 b5')
  const set = setOf([], [], [], [sequenceOf({ steps: both, matches: [match({ without: ['big'] })] })])
  const opened = (count: number) => play({ set }, [a!, { ...b!, count }]).alerts.length
  expect([opened(1), opened(9)]).toEqual([2, 2]) // at the very time of the last step it is not between
})
