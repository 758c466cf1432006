import { expect, test } from 'vitest'
import { isPlausible, momentOf, timeFault, timeReaderOf } from './event-time.ts'
import type { TimeFormat } from './stream.ts'

const read = (value: unknown, timeFormat: TimeFormat = 'ms', zone = 'UTC') => timeReaderOf({ timeFormat, zone })(value)
const fault = (value: unknown, timeFormat: TimeFormat = 'ms') => timeFault({ timeField: 'at', timeFormat }, value)

test('numbers count what the format says', () => {
  expect(read(1_533_081_619, 's')).toBe(1_533_081_619_000)
  expect(read('1533081619', 's')).toBe(1_533_081_619_000)
  expect(read(1_533_081_619.001, 's')).toBe(1_533_081_619_001)
  expect(read(1_533_081_619_000.9, 'ms')).toBe(1_533_081_619_000)
  expect(read('1533081619000', 'iso')).toBe(1_533_081_619_000)
  expect(read(1_533_081_619_000_999, 'us')).toBe(1_533_081_619_000)
  expect(read('1533081619001000000', 'ns')).toBe(1_533_081_619_001)
  expect(read('1533081619000999999', 'ns')).toBe(1_533_081_619_000)
})

test('other texts are ISO 8601 under any unit, in the zone where they name none', () => {
  for (const format of ['ms', 's', 'us', 'ns', 'iso'] as const)
    expect(read('2015-07-15 00:00:01.000', format)).toBe(1436918401000)
  expect(read('2015-07-15 08:00:01', 'iso', 'Asia/Shanghai')).toBe(1436918401000)
  for (const text of ['2015-07-15T00:00:01Z', '2015-07-15 02:00:01+02:00', '2015-07-14T20:00:01-0400'])
    expect(read(text, 'iso', 'Asia/Shanghai'), text).toBe(1436918401000)
  expect(read('2015-07-15', 'iso', 'Asia/Shanghai')).toBe(Date.parse('2015-07-14T16:00:00Z'))
})

test('a pattern takes texts in that pattern alone, in its zone', () => {
  const pattern = { pattern: 'yyyy-MM-dd HH:mm:ss' }
  expect(read('2026-01-05 08:00:01', pattern, 'Asia/Shanghai')).toBe(Date.parse('2026-01-05T00:00:01Z'))
  for (const value of ['2026-01-05T08:00:01', '2026-01-05 08:00:01Z', '2026-02-30 08:00:01', 1767571201000])
    expect(read(value, pattern), String(value)).toBeNaN()
  for (const value of ['20260105080001', 20260105080001])
    expect(read(value, { pattern: 'yyyyMMddHHmmss' })).toBe(Date.parse('2026-01-05T08:00:01Z'))
})

test('what is no time is NaN; what is of another unit is implausible', () => {
  for (const value of [
    null,
    undefined,
    '',
    ' ',
    'soon',
    true,
    {},
    Number.NaN,
    1e300,
    '-9e99',
    ' 1772409600000',
    '0x19c',
  ])
    expect(read(value), String(value)).toBeNaN()
  for (const value of [0, 1, -1, 1_772_409_600, '20260105080001', 1_767_600_000_000_000, '1970-01-01', '2100-01-01'])
    expect(isPlausible(read(value)), String(value)).toBe(false)
  expect(isPlausible(Number.NaN)).toBe(false)
  expect(isPlausible(read('2000-01-01'))).toBe(true)
  expect(isPlausible(read('2099-12-31T23:59:59.999Z'))).toBe(true)
})

test('the reason shows the value, and guesses the unit', () => {
  expect(fault(undefined)).toBe('no "at"')
  expect(fault('soon')).toBe('"at" is no time: "soon"')
  expect(fault(0)).toBe('"at" is in the year 1970: 0')
  expect(fault(1_772_409_600)).toBe('"at" is in the year 1970: 1772409600, which looks like seconds: time_format: s')
  expect(fault(1_767_600_000_000_000)).toContain('looks like microseconds: time_format: us')
  expect(fault('1767600000000000000')).toContain('looks like nanoseconds: time_format: ns')
  expect(fault(1_767_600_000_000, 's')).toContain('looks like milliseconds: time_format: ms')
  expect(fault('20260105080001')).toContain('looks like yyyyMMddHHmmss: time_format: yyyyMMddHHmmss')
  expect(fault('2026/01/05 08:00:01')).toContain('looks like yyyy/MM/dd HH:mm:ss')
  expect(fault('2026-01-05', { pattern: 'yyyyMMdd' })).toContain('looks like ISO 8601: time_format: iso')
})

test('a person may give any moment, in milliseconds or ISO 8601', () => {
  expect(momentOf('1')).toBe(1)
  expect(momentOf('1970-01-01T00:00:01Z')).toBe(1_000)
  expect(momentOf('soon')).toBeNaN()
})
