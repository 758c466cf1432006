import { expect, test } from 'vitest'
import { at, opened, play, records, sequenceOf, violating } from './testing.ts'

const unconfirmed = { kind: 'expect_each', name: 'open', after: 'a', expect: ['b'], withinMs: 10 } as const
const each = sequenceOf(violating(unconfirmed))
const told = (...args: Parameters<typeof play>) => opened(play(...args))

test('each occurrence is asked after, not only the first one', () => {
  expect(told(each, 'A@0 B@5 A@60 A@70 |90')).toBe('open@71 open@81')
  expect(told(each, 'A@0 A@20 A@40/T end')).toBe('open@11 open@31 open@51/T')
})

test('an answer comes at the time of what it answers, or up to the last millisecond after it; never before', () => {
  expect(told(each, 'A@0 B@10 end')).toBe('')
  expect(told(each, 'A@0 B@11 end')).toBe('open@11')
  expect(told(each, 'B@5 A@5 end')).toBe('')
  expect(told(each, 'B@4 A@5 end')).toBe('open@16')
})

test('one answer is enough for all that it follows in time', () => {
  expect(told(each, 'A@0 A@1 A@8 B@11 end')).toBe('open@11')
})

test('late events answer and ask by their own time', () => {
  expect(told(each, 'A@0 C@9 B@5 end')).toBe('')
  expect(told(each, 'A@20 B@25 C@60 A@16 A@14 end')).toBe('open@60')
  expect(told(each, 'C@60 B@25 A@14 A@16 end')).toBe('open@60')
})

test('as late as the rule forgets, an event counts for nothing', () => {
  expect(told(each, 'C@200 A@101 end')).toBe('open@200')
  expect(told(each, 'C@200 A@100 end')).toBe('')
})

test('each has an alert of its own, with its event as source and evidence; in a cooldown it is folded', () => {
  const { alerts } = play(each, 'A@0 A@20 end')
  expect(new Set(alerts.map((a) => a.alert_id)).size).toBe(2)
  expect(alerts.filter((a) => a.status === 'open')).toMatchObject([
    { source: at(0), evidence: { events: [{ step: 'a', event_time: 0 }], total: 1 }, window: { start: 0, end: 11 } },
    { source: at(1), evidence: { events: [{ step: 'a', event_time: 20 }], total: 1 }, window: { start: 20, end: 31 } },
  ])
  const folded = play({ ...each, cooldownMs: 1_000 }, 'A@0 A@20 end')
  expect(records(folded)).toBe('open.open@11 open.closed@1011')
  expect(folded.alerts.at(-1)).toMatchObject({ folded: 1, episodes: 2, last_seen: 31 })
})

test('two at the same millisecond are two alerts', () => {
  const { alerts } = play(each, 'A@0 A@0 end')
  expect(new Set(alerts.map((a) => a.alert_id)).size).toBe(2)
})

test('violations that ask after first steps see nothing of it', () => {
  const both = sequenceOf(violating(unconfirmed, { ...unconfirmed, kind: 'expect', name: 'first' }))
  expect(told(both, 'A@0 A@20 A@105 end')).toBe('open@11 first@11 open@31 open@116 first@116')
})

test('a key is kept until the rule forgets its newest step, and no longer', () => {
  const { gauges } = play(each, 'A@0 A@50 |149', { finite: false }).task
  expect([gauges.rememberedKeys, gauges.liveTimers]).toEqual([1, 0])
  expect(play(each, 'A@0 A@50 |150', { finite: false }).task.gauges.rememberedKeys).toBe(0)
})

test('of a key the newest 16 spans of answers are kept apart; what is between the oldest two then passes as answered', () => {
  const answers = (n: number) => Array.from({ length: n }, (_, i) => `B@${1 + i * 2}`).join(' ')
  const atOnce = sequenceOf(violating({ ...unconfirmed, withinMs: 0 }))
  const counted = (n: number) => {
    const run = play(atOnce, `${answers(n)} A@2 A@4 end`)
    return [opened(run), run.counters.total('sequence_answers_joined_total')]
  }
  expect(counted(16)).toEqual(['open@31 open@31', 0])
  expect(counted(17)).toEqual(['open@33', 1])
})
