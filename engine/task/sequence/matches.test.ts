import { expect, test } from 'vitest'
import { call, key } from '../../sim/build.ts'
import { at, matching, opened, play, records, sequenceOf, TYPES, violating } from './testing.ts'

const takeover = { name: 'takeover', order: ['a', 'b', 'c'], without: ['d'], withinMs: 10 }
const rule = sequenceOf(matching(takeover))
const two = sequenceOf(matching({ name: 'two', order: ['a', 'b'], without: [], withinMs: 10 }))
const told = (...args: Parameters<typeof play>) => opened(play(...args))

test('one step after the other stands at the last one, closes with its cooldown, and names its events', () => {
  const { alerts } = play({ ...rule, cooldownMs: 5 }, 'A@0 B@4 C@9 end')
  expect(records({ alerts })).toBe('takeover.open@9 takeover.closed@14')
  expect(alerts[0]).toMatchObject({
    severity: 'critical',
    coverage: 1,
    source: at(2),
    window: { start: 0, end: 9 },
    evidence: {
      events: [
        { step: 'a', event_time: 0, ...at(0) },
        { step: 'b', event_time: 4, ...at(1) },
        { step: 'c', event_time: 9, ...at(2) },
      ],
      total: 3,
      truncated: false,
    },
  })
})

test('each step strictly later than the one before it; within is inclusive, from the first to the last', () => {
  expect(told(rule, 'A@0 B@0 C@1 end')).toBe('')
  expect(told(rule, 'A@0 B@1 C@1 end')).toBe('')
  expect(told(rule, 'A@0 B@1 C@10 end')).toBe('takeover@10')
  expect(told(rule, 'A@0 B@1 C@11 end')).toBe('')
})

test('without: not between the first and the last, the first itself left out, the last left in', () => {
  expect(told(rule, 'A@0 B@1 D@2 C@3 end')).toBe('')
  expect(told(rule, 'A@0 D@0 B@1 C@3 end')).toBe('takeover@3')
  expect(told(rule, 'A@0 B@1 C@3 D@3 end')).toBe('takeover@3')
  expect(told(rule, 'A@0 B@1 D@3 C@3 end')).toBe('takeover@3')
  expect(told(rule, 'D@0 A@1 B@2 C@3 end')).toBe('takeover@3')
})

test('what was blocked is gone once the clock has passed it', () => {
  expect(told(rule, 'A@0 B@1 D@5 C@9/T C@4 end')).toBe('')
  expect(told(rule, 'A@0 B@1 D@5 C@4 end')).toBe('takeover@5')
})

test('an event advances the oldest partial match that can take it, and only that one', () => {
  expect(told(two, 'A@0 A@1 B@2 end')).toBe('two@2')
  expect(told(two, 'A@0 A@1 B@2 B@3 end')).toBe('two@2 two@3')
  const { alerts } = play(two, 'A@0 A@1 B@2 B@3 end')
  expect(alerts.filter((a) => a.status === 'open').map((a) => a.window)).toEqual([
    { start: 0, end: 2 },
    { start: 1, end: 3 },
  ])
})

test('a late event opens at the clock, and takes part by its own time', () => {
  const { alerts } = play(two, 'A@0 C@8/T B@5')
  expect(alerts[0]).toMatchObject({ first_seen: 8, event_time: 8, window: { start: 0, end: 8 } })
  expect(told(two, 'A@0 C@11/T B@5')).toBe('')
})

test('partial matches whose time is over are gone: a later first step starts anew', () => {
  expect(told(two, 'A@0 A@20 B@30 end')).toBe('two@30')
  expect(play(two, 'A@0 |10').task.gauges.rememberedKeys).toBe(1)
  expect(play(two, 'A@0 |11').task.gauges.rememberedKeys).toBe(0)
})

test('at most 16 partial matches: the oldest goes, counted', () => {
  const firsts = (n: number) => Array.from({ length: n }, (_, i) => `A@${i}`).join(' ')
  const wide = sequenceOf(matching({ name: 'wide', order: ['a', 'b'], without: [], withinMs: 100 }))
  const full = play(wide, `${firsts(16)} B@50`)
  expect([full.alerts[0].window.start, full.counters.total('partial_matches_dropped_total')]).toEqual([0, 0])
  const over = play(wide, `${firsts(18)} B@50`)
  expect([over.alerts[0].window.start, over.counters.total('partial_matches_dropped_total')]).toEqual([2, 2])
})

test('one step stands at once; the same step twice is two events', () => {
  const one = sequenceOf(matching({ name: 'one', order: ['a'], without: [], withinMs: 10 }))
  expect(told(one, 'A@0 A@3 end')).toBe('one@0 one@3')
  const twice = sequenceOf(matching({ name: 'twice', order: ['a', 'a'], without: [], withinMs: 10 }))
  expect(told(twice, 'A@0 A@3 A@5 end')).toBe('twice@3')
})

test('an event that is two steps may be the next one of a partial match or the first of another, not both', () => {
  const steps = sequenceOf().steps.map((s) => (s.name === 'b' ? { ...s, on: [TYPES.A, TYPES.B] } : s))
  expect(told({ ...two, steps }, 'A@0 A@3 B@5 end')).toBe('two@3')
})

test('matches of one event come before what its violations do, names in the order of the file', () => {
  const both = sequenceOf({
    ...violating({ kind: 'expect', name: 'late', after: 'b', expect: ['c'], withinMs: 1 }),
    ...matching(
      { name: 'x', order: ['a', 'b'], without: [], withinMs: 50 },
      { name: 'y', order: ['b'], without: [], withinMs: 50 },
    ),
  })
  expect(told(both, 'A@0 C@40/T B@20')).toBe('x@40 y@40 late@40')
})

test('what is forgotten for violations is not forgotten for matches', () => {
  const both = sequenceOf({
    ...violating({ kind: 'forbid', name: 'early', forbid: 'b', before: 'a' }),
    ...matching({ name: 'slow', order: ['a', 'b'], without: [], withinMs: 500 }),
  })
  expect(told(both, 'A@0 B@300 |400')).toBe('slow@300 early@300')
})

test('muted, a match is gone all the same, and counted', () => {
  const exceptions = [
    { name: 'x', reason: '', when: call('eq', key('shop'), 'S'), apply: 'mute_alert', untilMs: 3 } as const,
  ]
  const run = play({ ...two, exceptions }, 'A@0 B@2 B@4 end')
  expect([opened(run), run.counters.total('muted_total')]).toEqual(['', 1])
})

test('matches of a rule without violations cover all; of one with them, what is known of forget_after', () => {
  const coverage = (r: typeof two) => play(r, 'A@0 B@5', { finite: false }).alerts[0].coverage
  expect(coverage(two)).toBe(1)
  const violations = violating({ kind: 'forbid', name: 'early', forbid: 'c', before: 'a' })
  expect(coverage({ ...two, ...violations })).toBeCloseTo(0.05)
})

test('the account takeover of the rule format', () => {
  const minutes = (n: number) => n * 60_000
  const r = sequenceOf(matching({ ...takeover, withinMs: minutes(30) }))
  expect(told(r, `A@0 B@${minutes(5)} C@${minutes(30)} end`)).toBe(`takeover@${minutes(30)}`)
  expect(told(r, `A@0 B@${minutes(5)} C@${minutes(30) + 1} end`)).toBe('')
  expect(told(r, `A@0 D@${minutes(1)} B@${minutes(5)} C@${minutes(6)} end`)).toBe('')
  expect(told(r, `B@0 A@${minutes(1)} C@${minutes(6)} end`)).toBe('')
})
