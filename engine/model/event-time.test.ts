import { expect, test } from 'vitest'
import { eventTimeMs } from './event-time.ts'

test('numbers count what the format says', () => {
  expect(eventTimeMs(1_533_081_619, 's')).toBe(1_533_081_619_000)
  expect(eventTimeMs('1533081619', 's')).toBe(1_533_081_619_000)
  expect(eventTimeMs(1.001, 's')).toBe(1_001)
  expect(eventTimeMs(1_533_081_619_000.9, 'ms')).toBe(1_533_081_619_000)
  expect(eventTimeMs('1533081619000', 'iso')).toBe(1_533_081_619_000)
})

test('other texts are ISO 8601 under any format', () => {
  for (const format of ['ms', 's', 'iso'] as const)
    expect(eventTimeMs('2015-07-15 00:00:01.000', format)).toBe(1436918401000)
})

test('what is no time is NaN', () => {
  for (const value of [null, undefined, '', ' ', 'soon', true, {}, Number.NaN, 1e300, '-9e99'])
    expect(eventTimeMs(value, 'ms'), String(value)).toBeNaN()
})
