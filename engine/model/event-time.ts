import { parseIsoTime } from '../kit/iso-time.ts'
import { localTime } from '../kit/local-time.ts'
import { numberFromText } from '../kit/number-text.ts'
import { timePattern } from '../kit/time-pattern.ts'
import { shown } from './shown.ts'
import type { Stream, TimeFormat } from './stream.ts'

/** Beyond this a Date cannot hold a moment: some 270,000 years from 1970 either way. */
const TIME_MS_MAX = 8.64e15
/** Events of other years are taken for times in another unit. */
const PLAUSIBLE_FROM_MS = Date.UTC(2000, 0)
const PLAUSIBLE_TO_MS = Date.UTC(2100, 0)
const DASH = 45
const WHOLE = /^\d+$/

/** Whole epoch milliseconds of what a record has in its time field; NaN where that is no time. */
export type TimeReader = (value: unknown) => number

type Timed = Pick<Stream, 'timeFormat' | 'zone'>

/**
 * Numbers, and texts of digits, count what `timeFormat` says (`iso`: milliseconds); other texts are ISO 8601, in `zone`
 * where they name none. A pattern takes nothing but texts in that pattern, and numbers whose digits are. Fractions of a
 * millisecond are cut off.
 */
export function timeReaderOf({ timeFormat, zone = 'UTC' }: Timed): TimeReader {
  if (typeof timeFormat === 'object') return patternReader(timeFormat.pattern, zone)
  const isoOf = isoReader(zone)
  return (value) => {
    if (typeof value === 'number') return fromNumber(value, timeFormat)
    if (typeof value !== 'string') return Number.NaN
    const plain = value.charCodeAt(4) === DASH ? Number.NaN : numberFromText(value)
    if (Number.isNaN(plain)) return inRange(Math.floor(isoOf(value)))
    return timeFormat === 'ns' && WHOLE.test(value) ? inRange(millisOfNanos(value)) : fromNumber(plain, timeFormat)
  }
}

/** False for NaN, and for years that only a time in another unit has. */
export function isPlausible(timeMs: number): boolean {
  return timeMs >= PLAUSIBLE_FROM_MS && timeMs < PLAUSIBLE_TO_MS
}

/** Why `value` is no time of the stream, or none that is believed. */
export function timeFault(stream: Timed & Pick<Stream, 'timeField'>, value: unknown): string {
  const { timeField } = stream
  if (value === undefined || value === null || value === '') return `no "${timeField}"`
  const timeMs = timeReaderOf(stream)(value)
  const what = Number.isNaN(timeMs) ? 'is no time' : `is in the year ${new Date(timeMs).getUTCFullYear()}`
  return `"${timeField}" ${what}: ${shown(value)}${guessOf(value)}`
}

/** Epoch ms of a time that a person gives: milliseconds, or ISO 8601; NaN if it is none. */
export const momentOf: (text: string) => number = timeReaderOf({ timeFormat: 'ms' })

/** A double does not hold nanoseconds since 1970: by the digits. */
function millisOfNanos(digits: string): number {
  return Number(digits.slice(0, -6))
}

/** Seconds by way of whole microseconds: 1.001 s is 1001 ms, though 1.001 * 1000 is a little less. */
function fromNumber(value: number, format: Exclude<TimeFormat, object>): number {
  if (format === 's') return inRange(Math.floor(Math.round(value * 1e6) / 1e3))
  return inRange(Math.floor(format === 'us' ? value / 1e3 : format === 'ns' ? value / 1e6 : value))
}

function inRange(timeMs: number): number {
  return Math.abs(timeMs) <= TIME_MS_MAX ? timeMs : Number.NaN
}

const HAS_ZONE = /[T ]\S*(?:[zZ]|[+-]\d\d(?::?\d\d)?)$/

function isoReader(zone: string): (text: string) => number {
  if (zone === 'UTC') return parseIsoTime
  const toEpoch = localTime(zone)
  return (text) => {
    const timeMs = parseIsoTime(text)
    return HAS_ZONE.test(text) ? timeMs : toEpoch(timeMs)
  }
}

function patternReader(pattern: string, zone: string): TimeReader {
  const read = timePattern(pattern)
  if (typeof read !== 'function') throw new Error(`time_format ${pattern}: ${read.problem}`)
  const toEpoch = localTime(zone)
  return (value) => (typeof value === 'string' || typeof value === 'number' ? toEpoch(read(String(value))) : Number.NaN)
}

const UNITS = { s: 'seconds', ms: 'milliseconds', us: 'microseconds', ns: 'nanoseconds' } as const
const PATTERNS = ['yyyyMMddHHmmss', 'yyyyMMddHHmmssSSS', 'yyyyMMdd', 'yyyy/MM/dd HH:mm:ss', 'yyyy/MM/dd']

/** `, which looks like seconds: time_format: s`; empty where no other format makes a plausible time of it. */
function guessOf(value: unknown): string {
  const reads = (timeFormat: TimeFormat) => isPlausible(timeReaderOf({ timeFormat })(value))
  if (typeof value === 'number' || (typeof value === 'string' && WHOLE.test(value))) {
    const units = Object.keys(UNITS) as (keyof typeof UNITS)[]
    const unit = units.find(reads)
    if (unit) return `, which looks like ${UNITS[unit]}: time_format: ${unit}`
  } else if (reads('iso')) return ', which looks like ISO 8601: time_format: iso'
  const pattern = PATTERNS.find((p) => reads({ pattern: p }))
  return pattern === undefined ? '' : `, which looks like ${pattern}: time_format: ${pattern}`
}
