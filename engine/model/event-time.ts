import { parseIsoTime } from '../kit/iso-time.ts'
import type { TimeFormat } from './stream.ts'

/** Beyond this a Date cannot hold a moment: some 270,000 years from 1970 either way. */
const TIME_MS_MAX = 8.64e15

/**
 * Whole epoch milliseconds of a record's time field; NaN if there is none in it. Numbers, and texts of digits, count
 * what `format` says (`iso`: milliseconds); any other text is ISO 8601. Fractions of a millisecond are cut off.
 */
export function eventTimeMs(value: unknown, format: TimeFormat): number {
  if (typeof value === 'string') {
    const plain = value.charCodeAt(4) === DASH ? Number.NaN : numberOf(value)
    return Number.isNaN(plain) ? inRange(Math.floor(parseIsoTime(value))) : fromNumber(plain, format)
  }
  return typeof value === 'number' ? fromNumber(value, format) : Number.NaN
}

const DASH = 45

function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text)
}

/** Seconds by way of whole microseconds: 1.001 s is 1001 ms, though 1.001 * 1000 is a little less. */
function fromNumber(value: number, format: TimeFormat): number {
  return inRange(Math.floor(format === 's' ? Math.round(value * 1e6) / 1e3 : value))
}

function inRange(timeMs: number): number {
  return Math.abs(timeMs) <= TIME_MS_MAX ? timeMs : Number.NaN
}
