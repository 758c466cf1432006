/**
 * Fixed-point numbers in 64 bits, without BigInt on the way in.
 *
 * Shape   value = (high * 2^32 + low) / 10^scale; high signed, low unsigned, together two's complement
 * Range   18 digits in all: below 10^18 over 10^scale, either sign. high = -2^31 is free for a column's null
 * Excess  digits behind the scale are rounded half away from zero
 */
export interface DecimalParts {
  high: number
  low: number
}

/** `malformed`: not a number at all; `out_of_range`: a number that does not fit. Only `ok` has set the parts. */
export type DecimalResult = 'ok' | 'malformed' | 'out_of_range'

const TWO_32 = 0x1_0000_0000
const HIGH_LIMIT = 0x8000_0000
/** 10^18 in two halves. */
const LIMIT_HIGH = 232_830_643
const LIMIT_LOW = 2_808_348_672
const DOUBLE_LIMIT = 2 ** 53
/** The largest power of ten whose double `10 ** n` is surely exact. */
const FACTOR_MAX = 1e15

/** `12`, `-0.5`, `.5`, `1e-3`: digits with at most one point, and an exponent. No blanks, no thousands. */
export function decimalFromText(text: string, scale: number, out: DecimalParts): DecimalResult {
  const exponentAt = Math.max(text.indexOf('e'), text.indexOf('E'))
  const end = exponentAt < 0 ? text.length : exponentAt
  const first = text.charCodeAt(0)
  const negative = first === MINUS
  const start = negative || first === PLUS ? 1 : 0
  let digits = 0
  let fraction = -1
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i)
    if (c === POINT && fraction < 0) fraction = 0
    else if (c < ZERO || c > ZERO + 9) return 'malformed'
    else {
      digits += 1
      if (fraction >= 0) fraction += 1
    }
  }
  if (digits === 0) return 'malformed'
  const exponent = exponentAt < 0 ? 0 : exponentOf(text, exponentAt + 1)
  if (Number.isNaN(exponent)) return 'malformed'
  return scaled(text, start, end, digits + exponent + scale - Math.max(fraction, 0), negative, out)
}

/** The decimal nearest to the shortest text of `value`: 1.00005 at scale 4 is 1.0001, whatever its last bit. */
export function decimalFromNumber(value: number, scale: number, out: DecimalParts): DecimalResult {
  const exact = value * 10 ** scale
  const size = Math.abs(exact)
  // Below 2^40 the product is right to 2^-12: away from a half, its rounding is that of the text.
  if (size < 2 ** 40) {
    const whole = Math.floor(size)
    const rest = size - whole
    if (Math.abs(rest - 0.5) > 2 ** -11) {
      const rounded = rest > 0.5 ? whole + 1 : whole
      return settle(Math.floor(rounded / TWO_32), rounded >>> 0, value < 0, out)
    }
  }
  return Number.isFinite(value) ? decimalFromText(String(value), scale, out) : 'malformed'
}

/** Big-endian two's complement in `source[start..end)`, as Avro writes decimals, of 63 bits; no bytes at all are 0. */
export function decimalFromBytes(source: Uint8Array, start: number, end: number, out: DecimalParts): DecimalResult {
  const fill = end > start && source[start]! >= 0x80 ? 0xff : 0
  let at = start
  for (; end - at > 8; at++) if (source[at] !== fill) return 'out_of_range'
  if (at > start && source[at]! >= 0x80 !== fill >= 0x80) return 'out_of_range'
  let high = fill === 0 ? 0 : -1
  let low = fill === 0 ? 0 : -1
  for (; at < end; at++) {
    high = (high << 8) | (low >>> 24)
    low = (low << 8) | source[at]!
  }
  if (high === -HIGH_LIMIT) return 'out_of_range'
  out.high = high
  out.low = low >>> 0
  return 'ok'
}

/** Writes the shortest big-endian two's complement (1 to 8 bytes) at `at`; returns the position behind it. */
export function decimalToBytes(high: number, low: number, target: Uint8Array, at: number): number {
  const word = (index: number) => (index < 4 ? high >> (24 - 8 * index) : low >>> (56 - 8 * index)) & 0xff
  let from = 0
  while (from < 7) {
    const sign = word(from)
    if (!((sign === 0 && word(from + 1) < 0x80) || (sign === 0xff && word(from + 1) >= 0x80))) break
    from += 1
  }
  for (let index = from; index < 8; index++) target[at++] = word(index)
  return at
}

/** Changes `parts`, of 63 bits, from one scale to another in place. */
export function decimalRescale(parts: DecimalParts, fromScale: number, toScale: number): DecimalResult {
  if (fromScale === toScale) return settle(...magnitudeOf(parts), parts.high < 0, parts)
  const value = parts.high * TWO_32 + parts.low
  const size = Math.abs(value)
  const factor = 10 ** Math.abs(toScale - fromScale)
  // Below 2^53 doubles count exactly; beyond, its text is taken.
  if (factor <= FACTOR_MAX && size < DOUBLE_LIMIT) {
    if (toScale < fromScale) return fromWhole(dividedBy(factor, size), value < 0, parts)
    if (size * factor < DOUBLE_LIMIT) return fromWhole(size * factor, value < 0, parts)
  }
  return decimalFromText(decimalToText(parts.high, parts.low, fromScale), toScale, parts)
}

/** Rounded half up. */
function dividedBy(factor: number, size: number): number {
  const rest = size % factor
  return (size - rest) / factor + (2 * rest >= factor ? 1 : 0)
}

function fromWhole(size: number, negative: boolean, out: DecimalParts): DecimalResult {
  return settle(Math.floor(size / TWO_32), size >>> 0, negative, out)
}

/** The nearest double. */
export function decimalToNumber(high: number, low: number, scale: number): number {
  const value = high * TWO_32 + low
  const isExact = value <= DOUBLE_LIMIT && value >= -DOUBLE_LIMIT
  return isExact ? value / 10 ** scale : Number(decimalToText(high, low, scale))
}

/** Exact, with all digits of the scale: `19.9900`. For people and tests; uses BigInt. */
export function decimalToText(high: number, low: number, scale: number): string {
  const value = BigInt(high) * BigInt(TWO_32) + BigInt(low)
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  const sign = value < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const ZERO = 48
const PLUS = 43
const MINUS = 45
const POINT = 46

/** Digits with a sign from `at` on; NaN if they are none. Beyond 10,000 it stays there: zero or out of range anyway. */
function exponentOf(text: string, at: number): number {
  const negative = text.charCodeAt(at) === MINUS
  let i = negative || text.charCodeAt(at) === PLUS ? at + 1 : at
  if (i >= text.length) return Number.NaN
  let value = 0
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < ZERO || c > ZERO + 9) return Number.NaN
    value = Math.min(10_000, value * 10 + c - ZERO)
  }
  return negative ? -value : value
}

/** The first `keep` digits of text[start..end) as an integer, rounded by the next one; zeros beyond the last. */
function scaled(text: string, start: number, end: number, keep: number, negative: boolean, out: DecimalParts) {
  let high = 0
  let low = 0
  let seen = 0
  for (let i = start; i < end && seen <= keep; i++) {
    const digit = text.charCodeAt(i) - ZERO
    if (digit < 0) continue // the point
    if (seen === keep) {
      if (digit >= 5) low += 1
    } else {
      low = low * 10 + digit
      high = high * 10 + Math.floor(low / TWO_32)
      low %= TWO_32
      if (high >= HIGH_LIMIT) return 'out_of_range'
    }
    seen += 1
  }
  if (high === 0 && low === 0) return settle(0, 0, false, out)
  for (; seen < keep; seen++) {
    low *= 10
    high = high * 10 + Math.floor(low / TWO_32)
    low %= TWO_32
    if (high >= HIGH_LIMIT) return 'out_of_range'
  }
  if (low === TWO_32) {
    low = 0
    high += 1
  }
  return settle(high, low, negative, out)
}

/** Sign applied to a magnitude. */
function settle(high: number, low: number, negative: boolean, out: DecimalParts): DecimalResult {
  if (isBeyond(high, low)) return 'out_of_range'
  if (!negative) {
    out.high = high
    out.low = low
    return 'ok'
  }
  const signed = low === 0 ? -high : -high - 1
  out.high = signed === 0 ? 0 : signed
  out.low = low === 0 ? 0 : TWO_32 - low
  return 'ok'
}

function magnitudeOf({ high, low }: DecimalParts): [high: number, low: number] {
  if (high >= 0) return [high, low]
  return low === 0 ? [-high, 0] : [-high - 1, TWO_32 - low]
}

/** True when a magnitude has more than 18 digits. */
function isBeyond(high: number, low: number): boolean {
  return high > LIMIT_HIGH || (high === LIMIT_HIGH && low >= LIMIT_LOW)
}
