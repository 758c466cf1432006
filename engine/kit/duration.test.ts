import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from './duration.ts'

test('reads amounts with units', () => {
  expect(['500ms', '5s', '2m', '24h', '7d', '0s', '1.5h', '1h30m', '0.5s'].map(parseDuration)).toEqual([
    500, 5_000, 120_000, 86_400_000, 604_800_000, 0, 5_400_000, 5_400_000, 500,
  ])
})

test('refuses what is not a duration', () => {
  for (const text of ['', '5', 's', '5 s', '-5s', '5S', '1m1h', '1s1s', '0.5ms', '5sec', '1e3s', '999999999999999d'])
    expect(parseDuration(text), text).toBeNull()
})

test('formats with the largest units first', () => {
  expect([0, 250, 3_600_000, 5_400_000, 90_061_001, -60_000].map(formatDuration)).toEqual([
    '0s',
    '250ms',
    '1h',
    '1h30m',
    '1d1h1m1s1ms',
    '-1m',
  ])
})

test('what is formatted is read back', () => {
  fc.assert(fc.property(fc.nat({ max: 1e13 }), (ms) => parseDuration(formatDuration(ms)) === ms))
})
