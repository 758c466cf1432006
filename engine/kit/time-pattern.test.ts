import { expect, test } from 'vitest'
import { timePattern } from './time-pattern.ts'

test.each([
  ['yyyy-MM-dd HH:mm:ss', '2026-01-05 08:00:01', '2026-01-05T08:00:01Z'],
  ['yyyyMMddHHmmssSSS', '20260105080001250', '2026-01-05T08:00:01.250Z'],
  ['d.M.yyyy H:mm', '5.1.2026 8:07', '2026-01-05T08:07:00Z'],
  ["dd/MM/yyyy 'at' HH'h'", '05/01/2026 at 08h', '2026-01-05T08:00:00Z'],
  ['yyyy年MM月dd日', '2026年01月05日', '2026-01-05T00:00:00Z'],
  ['yyyy-MM-dd HH:mm:ss.SSSSSS', '2026-01-05 08:00:01.250999', '2026-01-05T08:00:01.250Z'],
])('%s reads %s', (pattern, text, iso) => {
  const read = timePattern(pattern)
  if (typeof read !== 'function') throw new Error(read.problem)
  expect(read(text)).toBe(Date.parse(iso))
  expect(read(`${text} `)).toBeNaN()
  expect(read(text.replace('2026', '２０２６'))).toBeNaN()
})

test('what no day has is no time', () => {
  const read = timePattern('yyyy-MM-dd HH:mm:ss') as (text: string) => number
  for (const text of ['2026-02-29 00:00:00', '2026-13-01 00:00:00', '2026-01-01 24:00:00', '2026-01-01 00:60:00'])
    expect(read(text), text).toBeNaN()
  expect(read('2024-02-29 00:00:00')).toBe(Date.UTC(2024, 1, 29))
})

test.each([
  ['yyyy-MM-dd hh:mm', '"hh" is none of'],
  ['HH:mm', 'it has no year and no month and no day'],
  ['yyyy-MM-dd MM', 'it has something twice'],
])('%s is refused', (pattern, problem) => {
  expect(timePattern(pattern)).toEqual({ problem: expect.stringContaining(problem) })
})
