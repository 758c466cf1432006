import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Calendar, offsetLookup } from './calendar.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const at = (iso: string): number => Date.parse(iso)

test('a day with a clock change is 23, 25 or 24 and a half hours long, and one is missing', () => {
  const hours = (zone: string, iso: string): number => {
    const days = new Calendar(DAY, zone)
    return (days.endOf(at(iso)) - days.startOf(at(iso))) / HOUR
  }
  expect(hours('Europe/Berlin', '2026-03-29T12:00Z')).toBe(23)
  expect(hours('Europe/Berlin', '2026-10-25T12:00Z')).toBe(25)
  expect(hours('America/New_York', '2026-03-08T12:00Z')).toBe(23)
  expect(hours('Australia/Lord_Howe', '2026-04-05T00:00Z')).toBe(24.5)
  expect(hours('Asia/Shanghai', '2026-04-05T00:00Z')).toBe(24)
  // Samoa went from the 29th of December 2011 to the 31st
  const apia = new Calendar(DAY, 'Pacific/Apia')
  expect(apia.endOf(at('2011-12-29T12:00Z'))).toBe(at('2011-12-30T10:00Z'))
  expect(apia.endOf(at('2011-12-30T10:00Z'))).toBe(at('2011-12-31T10:00Z'))
  // Havana turns one o'clock back to midnight: still the same day
  const havana = new Calendar(DAY, 'America/Havana')
  expect(havana.endOf(at('2026-11-01T04:30Z')) - havana.startOf(at('2026-11-01T04:30Z'))).toBe(25 * HOUR)
})

test('an hour that is passed twice is two windows, whatever their length below a day', () => {
  const windows = (lengthMs: number, zone: string, iso: string) => {
    const calendar = new Calendar(lengthMs, zone)
    const [before, after] = [at(iso) - 1, at(iso)]
    return [calendar.startOf(before), calendar.endOf(before), calendar.startOf(after), calendar.endOf(after)].map(
      (ms) => (ms - at(iso)) / HOUR,
    )
  }
  expect(windows(HOUR, 'Europe/Berlin', '2026-10-25T01:00Z')).toEqual([-1, 0, 0, 1])
  expect(windows(HOUR, 'America/New_York', '2026-11-01T06:00Z')).toEqual([-1, 0, 0, 1])
  expect(windows(12 * HOUR, 'America/New_York', '2026-11-01T06:00Z')).toEqual([-2, 0, 0, 11])
  expect(windows(HOUR, 'Australia/Lord_Howe', '2026-04-04T15:00Z')).toEqual([-1, 0, 0, 0.5])
  expect(windows(DAY, 'America/New_York', '2026-11-01T06:00Z')).toEqual([-2, 23, -2, 23])
})

test('a window holds a time, ends after it, and local time leaves its multiple there and nowhere before', () => {
  const places: [string, string][] = [
    ['Europe/Berlin', '2026-03-29T01:00Z'],
    ['Europe/Berlin', '2026-10-25T01:00Z'],
    ['America/New_York', '2026-11-01T06:00Z'],
    ['America/Havana', '2026-11-01T05:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00Z'],
    ['Antarctica/Casey', '2018-03-10T17:00Z'],
    ['Antarctica/Casey', '2009-10-17T18:00Z'],
    ['Europe/Amsterdam', '1937-06-30T23:40Z'],
    ['UTC', '2026-01-01T00:00Z'],
  ]
  const lengths = [15 * MINUTE, HOUR, 6 * HOUR, DAY, 2 * DAY, 7 * DAY]
  fc.assert(
    fc.property(
      fc.constantFrom(...places),
      fc.constantFrom(...lengths),
      fc.array(fc.integer({ min: -9 * DAY, max: 9 * DAY }), { minLength: 1, maxLength: 5 }),
      ([zone, around], lengthMs, shifts) => {
        const calendar = new Calendar(lengthMs, zone)
        const offset = offsetLookup(zone)
        const index = (ms: number): number => Math.floor((ms + offset(ms)) / lengthMs)
        const isPutBack = (ms: number): boolean => lengthMs < DAY && offset(ms) < offset(ms - 1)
        for (const shift of shifts) {
          const ms = at(around) + shift
          const [start, end] = [calendar.startOf(ms), calendar.endOf(ms)]
          expect(start).toBeLessThanOrEqual(ms)
          expect(end).toBeGreaterThan(ms)
          expect(index(start - 1) !== index(ms) || isPutBack(start)).toBe(true)
          expect(index(end) !== index(ms) || isPutBack(end)).toBe(true)
          const stepMs = Math.max(5 * MINUTE, lengthMs / 50)
          for (let inside = start; inside < end; inside += stepMs) expect(index(inside)).toBe(index(ms))
          expect(index(end - 1)).toBe(index(ms))
          expect([calendar.startOf(end), calendar.endOf(start - 1)]).toEqual([end, start])
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('thousands of windows in a row, and a jump of years', () => {
  const calendar = new Calendar(15 * MINUTE, 'Europe/Berlin')
  let ms = at('2026-01-01T00:00Z')
  for (let i = 0; i < 10_000; i++) {
    const end = calendar.endOf(ms)
    expect(end).toBe(ms + 15 * MINUTE)
    ms = end
  }
  expect(calendar.startOf(at('1999-05-05T05:05Z'))).toBe(at('1999-05-05T05:00Z'))
  expect(calendar.startOf(ms - 1)).toBe(ms - 15 * MINUTE)
})
