import { expect, test } from 'vitest'
import type { Tumbling } from '../model/rule.ts'
import { call, deal, markOf, measured, ruleOf, running, setOf } from './build.ts'
import { play, story } from './play.ts'
import { stretchAt } from './reference/calendar.ts'

const HOUR_MS = 3_600_000
const hours = (around: string, lengthHours: number, zone: string) => {
  const { startMs, endMs } = stretchAt(Date.parse(around), { lengthMs: lengthHours * HOUR_MS, zone })
  return [new Date(startMs), new Date(endMs)].map((d) => d.toISOString().slice(5, 16))
}

test('windows follow local time: days of 23 and 25 hours, hours that are skipped or come twice', () => {
  expect(hours('2026-01-01T10:00Z', 24, 'UTC')).toEqual(['01-01T00:00', '01-02T00:00'])
  expect(hours('2026-01-01T10:00Z', 24, 'Asia/Shanghai')).toEqual(['12-31T16:00', '01-01T16:00'])
  expect(hours('2026-03-29T10:00Z', 24, 'Europe/Berlin')).toEqual(['03-28T23:00', '03-29T22:00'])
  expect(hours('2026-10-25T10:00Z', 24, 'Europe/Berlin')).toEqual(['10-24T22:00', '10-25T23:00'])
  // 02:00 comes twice on that night: two windows
  expect(hours('2026-10-25T00:30Z', 1, 'Europe/Berlin')).toEqual(['10-25T00:00', '10-25T01:00'])
  expect(hours('2026-10-25T01:30Z', 1, 'Europe/Berlin')).toEqual(['10-25T01:00', '10-25T02:00'])
  expect(hours('2026-10-25T00:59Z', 0.5, 'Europe/Berlin')).toEqual(['10-25T00:30', '10-25T01:00'])
  expect(hours('2026-10-25T01:00Z', 0.5, 'Europe/Berlin')).toEqual(['10-25T01:00', '10-25T01:30'])
  // and does not come at all on this one: [02:00, 04:00) lasts an hour
  expect(hours('2026-03-29T01:30Z', 2, 'Europe/Berlin')).toEqual(['03-29T01:00', '03-29T02:00'])
  expect(hours('2026-03-29T00:59Z', 3, 'Europe/Berlin')).toEqual(['03-28T23:00', '03-29T01:00'])
  // put back by half an hour, from 02:00 to 01:30
  expect(hours('2026-04-04T14:50Z', 1, 'Australia/Lord_Howe')).toEqual(['04-04T14:00', '04-04T15:00'])
  expect(hours('2026-04-04T15:10Z', 1, 'Australia/Lord_Howe')).toEqual(['04-04T15:00', '04-04T15:30'])
  expect(hours('2026-01-05T10:00Z', 7 * 24, 'UTC')).toEqual(['01-01T00:00', '01-08T00:00'])
})

const tens: Tumbling = { lengthMs: 10, zone: 'UTC' }
const counted = (when: Parameters<typeof call>[1], overrides = {}) =>
  ruleOf({
    windowMs: 10,
    tumbling: tens,
    measures: [{ ...running('n', 'count', null, 10), tumbling: tens }],
    when: call('ge', measured('n'), when),
    ...overrides,
  })

test('a tumbling window is [start, end): nothing leaves in between, all is gone at the end', () => {
  // time     1  9 | 10  19 |      count: 1, 2, 1, 2
  const { measures } = play({ set: setOf([counted(9)]), measures: true }, [deal(1), deal(9), deal(10), deal(19)])
  expect(measures.map((m) => m.measures.n)).toEqual([1, 2, 1, 2])
})

test('an open episode is evaluated at the end of the window, which is empty then', () => {
  const { alerts } = play({ set: setOf([counted(2)]) }, [deal(11), deal(13), markOf(40)])
  expect(story(alerts)).toEqual(['open@13', 'closed@20'])
  expect(alerts[0]!.window).toEqual({ start: 10, end: 13 })
  const arrivals = counted(2, { evaluate: 'arrival', cooldownMs: 100 })
  expect(story(play({ set: setOf([arrivals]) }, [deal(11), deal(13), markOf(50)]).alerts)).toEqual(['open@13'])
  const always = counted(0, { evaluate: 'arrival', cooldownMs: 15 })
  expect(story(play({ set: setOf([always]) }, [deal(11), markOf(50)]).alerts)).toEqual(['open@11', 'closed@26'])
})

test('the end evaluates open episodes only, at each end, and keys of a departure once', () => {
  const few = counted(0, { when: call('le', measured('n'), 1) })
  // Open at 1, false at 3: no episode at 10, and nobody looks. The one that opens at 11 is found true at 20 and 30.
  const { alerts } = play({ set: setOf([few]) }, [deal(1), deal(3), deal(11), markOf(39)])
  expect(story(alerts)).toEqual(['open@1', 'closed@3', 'open@11'])
  const later = play({ set: setOf([few]) }, [deal(11), markOf(39), [deal(39), deal(39)]]).alerts
  expect(story(later)).toEqual(['open@11', 'closed@39'])
  expect(later[1]!.last_seen).toBe(39)
  expect(play({ set: setOf([few]), until: 'last' }, [deal(11), markOf(35)]).alerts[1]!.last_seen).toBe(30)
  // A sliding window that an event leaves at the very end: what is muted then is counted once, and the next time at 30.
  const mute = { name: 'x', when: call('eq', measured('n'), 0), apply: 'mute_alert', reason: '', untilMs: 99 } as const
  const both = counted(0, {
    measures: [running('s', 'count', null, 10), { ...running('n', 'count', null, 10), tumbling: tens }],
    exceptions: [mute],
  })
  const mutedBy = (t: number) => play({ set: setOf([both]) }, [deal(10), markOf(t)]).counters.muted_total
  expect([mutedBy(29), mutedBy(30)]).toEqual([1, 2])
})

test('a late event enters the window that holds its time only while the clock stands in it', () => {
  const { measures, counters } = play({ set: setOf([counted(9)]), measures: true }, [deal(12), deal(11), deal(9)])
  expect(measures.map((m) => m.measures.n)).toEqual([1, 2])
  expect(counters.missed_windows_total).toBe(1)
})

test('suspects, evidence and coverage of a tumbling window', () => {
  const rule = counted(2, { suspects: { of: 'buyer', k: 1 }, evidence: { events: 5, fields: [] }, windowMs: 20 })
  const timeline = [deal(9, { buyer: 'A' }), deal(11, { buyer: 'B' }), deal(14, { buyer: 'B' })]
  const [alert] = play({ set: setOf([rule]), finite: false }, timeline).alerts
  expect(alert!.suspects).toEqual([{ value: 'B', events: 2 }])
  expect(alert!.evidence!.total).toBe(2)
  expect(alert!.coverage).toBe(1) // the history begins before the window does, at 10
  const [late] = play({ set: setOf([rule]), finite: false }, [deal(12), deal(15)]).alerts
  expect(late!.coverage).toBe(3 / 5)
})

test('drained: the last tumbling window with an event has ended; ends of empty ones are not awaited', () => {
  const few = counted(0, { when: call('le', measured('n'), 1) })
  const { alerts } = play({ set: setOf([few]), until: 'drained' }, [deal(11)])
  expect(alerts[1]).toMatchObject({ status: 'closed', event_time: 20, last_seen: 20 })
})
