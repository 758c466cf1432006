import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseIsoTime } from './iso-time.ts'

const utc = (text: string) => new Date(text).getTime()

test('reads times with and without zone, T, seconds, fraction', () => {
  const same: Record<string, string> = {
    '2015-07-15 00:00:01.000': '2015-07-15T00:00:01.000Z',
    '2026-01-01T08:30:00.123Z': '2026-01-01T08:30:00.123Z',
    '2026-01-01T08:30:00.1239999+08:00': '2026-01-01T00:30:00.123Z',
    '2026-01-01 08:30-0130': '2026-01-01T10:00:00Z',
    '2026-01-01T08:30:05+08': '2026-01-01T00:30:05Z',
    '2026-01-01T08:30:05,5Z': '2026-01-01T08:30:05.500Z',
    '2024-02-29': '2024-02-29T00:00:00Z',
    '1969-12-31T23:59:59.999Z': '1969-12-31T23:59:59.999Z',
    '0001-01-01T00:00:00Z': '0001-01-01T00:00:00Z',
  }
  for (const [text, expected] of Object.entries(same)) expect(parseIsoTime(text), text).toBe(utc(expected))
})

test('refuses what is no time', () => {
  const wrong = [
    '',
    '2026',
    '2026-1-1',
    '2026-13-01',
    '2026-00-01',
    '2026-02-29',
    '1900-02-29',
    '2026-04-31',
    '2026-01-00',
  ]
  wrong.push('2026-01-01T24:00', '2026-01-01T08:60', '2026-01-01T08:30:60', '2026-01-01T08', '2026-01-01T08:30:00.')
  wrong.push(
    '2026-01-01T08:30:00 Z',
    '2026-01-01T08:30:00+8',
    '2026-01-01T08:30:00+08:0',
    '2026-01-01T08:30:00Zx',
    '2026-01-01x08:30',
  )
  wrong.push('2026/01/01', '-026-01-01', '2026-01-01T08:30:00+25:00', '1767225600000')
  for (const text of wrong) expect(parseIsoTime(text), text).toBeNaN()
})

test('agrees with Date', () => {
  const date = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  fc.assert(fc.property(date, (at) => parseIsoTime(at.toISOString()) === at.getTime()))
})
