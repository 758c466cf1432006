import { expect, test } from 'vitest'
import { localTime } from './local-time.ts'

const iso = (zone: string, local: string) => new Date(localTime(zone)(Date.parse(`${local}Z`))).toISOString()

test('local time becomes UTC by the offset that was in force', () => {
  expect(iso('UTC', '2026-01-05T08:00:00')).toBe('2026-01-05T08:00:00.000Z')
  expect(iso('Asia/Shanghai', '2026-01-05T08:00:00')).toBe('2026-01-05T00:00:00.000Z')
  expect(iso('America/New_York', '2026-03-08T01:59:59')).toBe('2026-03-08T06:59:59.000Z')
  expect(iso('America/New_York', '2026-03-08T03:00:00')).toBe('2026-03-08T07:00:00.000Z')
  expect(iso('Australia/Lord_Howe', '2026-04-05T02:00:00')).toBe('2026-04-04T15:30:00.000Z')
})

// New York, 2026: 02:00 to 03:00 is left out on 8 March, 01:00 to 02:00 comes twice on 1 November
test('of a repeated hour the first one is taken; a skipped hour goes on as without the change', () => {
  expect(iso('America/New_York', '2026-11-01T01:30:00')).toBe('2026-11-01T05:30:00.000Z')
  expect(iso('America/New_York', '2026-11-01T02:00:00')).toBe('2026-11-01T07:00:00.000Z')
  expect(iso('America/New_York', '2026-03-08T02:30:00')).toBe('2026-03-08T07:30:00.000Z')
})

test('what is no time stays none', () => {
  expect(localTime('Asia/Shanghai')(Number.NaN)).toBeNaN()
})
