import { own } from '../../../kit/own.ts'
import type { Field } from '../../../model/stream.ts'
import type { Form, TimeUnit } from './connect-forms.ts'
import { isObject } from './json-object.ts'

/** Longer than any decimal of a database; what is longer stays as it is. */
const BASE64_CHARS_MAX = 128
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const SCALE_MAX = 1_000
const DAY_MS = 86_400_000
const TIME_MS_MAX = 8.64e15
/** What PostgreSQL's connector writes for a large value that an update left as it was. */
export const UNAVAILABLE = '__debezium_unavailable_value'

/** A column's value as a field takes it: decimals as texts of digits, times as epoch ms, in a text field as ISO 8601. */
export function plainValue(value: unknown, form: Form | undefined, field: Field | undefined): unknown {
  if (value === UNAVAILABLE) return null
  if (form === undefined || value === null) return value
  if (form.is === 'decimal') return decimalText(value, form.scale)
  if (form.is === 'scaled_decimal') {
    const [digits, scale] = isObject(value) ? [own(value, 'value'), own(value, 'scale')] : []
    return isScale(scale) ? decimalText(digits, scale) : value
  }
  const timeMs = epochMs(value, form.unit)
  if (Number.isNaN(timeMs)) return value
  if (field?.kind !== 'string') return timeMs
  return new Date(timeMs).toISOString().slice(0, form.unit === 'days' ? 10 : undefined)
}

/** Digits behind the point; below 0, zeros before it. */
export function isScale(scale: unknown): scale is number {
  return Number.isInteger(scale) && Math.abs(scale as number) <= SCALE_MAX
}

/** Epoch ms of a count of `unit`; NaN where it is none, or beyond what a date can be. */
export function epochMs(value: unknown, unit: TimeUnit): number {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || !/^-?\d{1,20}$/.test(text)) return Number.NaN
  const ms = unit === 'days' ? Number(text) * DAY_MS : unit === 'ms' ? Number(text) : cut(text, unit === 'us' ? 3n : 6n)
  return Math.abs(ms) <= TIME_MS_MAX ? ms : Number.NaN
}

/**
 * The unit of a time that no schema speaks of, by its size: from the year 1973 on microseconds are above what milliseconds
 * are before the year 5138, and nanoseconds above that.
 */
export function unitBySize(value: unknown): TimeUnit | null {
  const size = typeof value === 'number' || typeof value === 'string' ? Math.abs(Number(value)) : 0
  return size >= 1e17 ? 'ns' : size >= 1e14 ? 'us' : null
}

/**
 * The digits of a decimal that is bytes, or base64 of them: big-endian two's complement. A text with a point, or of so many
 * digits that no base64 has them by chance, is one of digits; anything else stays as it is.
 */
export function decimalText(value: unknown, scale: number): unknown {
  if (value instanceof Uint8Array) return value.length > BASE64_CHARS_MAX ? value : digitsOf(value, scale)
  if (typeof value !== 'string' || value === '' || value.length > BASE64_CHARS_MAX) return value
  const isDigits = /^[+-]?\d*\.\d*$|^-?\d{16,}$/.test(value)
  return isDigits || !BASE64.test(value) ? value : digitsOf(Buffer.from(value, 'base64'), scale)
}

/** A decimal that came without a schema: what can only be base64 gets the way out into the message of the dead letter. */
export function withWayOut(value: unknown): unknown {
  const isBase64 = typeof value === 'string' && /^[A-Za-z/]/.test(value) && BASE64.test(value)
  return isBase64 ? `${value.slice(0, 16)} (base64: name its scale in decimals)` : value
}

/** All digits, with the point where `scale` puts it. */
function digitsOf(bytes: Uint8Array, scale: number): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  const value = hex === '' ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex}`))
  if (scale <= 0) return String(value * 10n ** BigInt(-scale))
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0')
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Without the last `digits` digits, towards the past. */
function cut(text: string, digits: bigint): number {
  const [whole, divisor] = [BigInt(text), 10n ** digits]
  return Number((whole - (((whole % divisor) + divisor) % divisor)) / divisor)
}
