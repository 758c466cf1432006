import { type Column, DECIMAL_NULL_HIGH, type DecimalColumn, type StringColumn } from './block.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'

/*
 * A column as bytes: one byte that says how, then arrays that begin at multiples of 8.
 *
 * doubles   DOUBLES: as they are. DELTAS_8, DELTAS_32: f64 base, then base + u8 or u32, where all are whole numbers
 * strings   u32 size of the text, text, then lengths as u8, or offsets as u32 (WIDE); nulls as u8 where some are (NULLS)
 * decimals  both halves; or NARROW: one i32 each, -2^31 for null
 * ALL_NULL  nothing more
 */
const ALL_NULL = 254
const DOUBLES = 0
const DELTAS_8 = 1
const DELTAS_32 = 2
const NULLS = 1
const WIDE = 2
const HALVES = 0
const NARROW = 1

export function writeColumn(out: ByteWriter, column: Column, rows: number): void {
  if (column.kind === 'string') writeStrings(out, column, rows)
  else if (column.kind === 'decimal') writeDecimals(out, column, rows)
  else writeDoubles(out, column.values)
}

/** Throws a RangeError where the bytes make no sense. Null for a column of nulls alone. */
export function readColumn(input: ByteReader, kind: Column['kind'], scale: number, rows: number): Column | null {
  if (kind === 'string') return readStrings(input, rows)
  if (kind === 'decimal') return readDecimals(input, scale, rows)
  const values = readDoubles(input, rows)
  return values && { kind, values }
}

export function writeDoubles(out: ByteWriter, values: Float64Array): void {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  let whole = true
  let nulls = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) nulls += 1
    else if (!Number.isSafeInteger(value) || Object.is(value, -0)) whole = false
    if (value < least) least = value
    if (value > most) most = value
  }
  const range = most - least
  if (nulls === values.length) out.u8(ALL_NULL)
  else if (nulls > 0 || !whole || range > 0xffff_ffff) {
    out.u8(DOUBLES)
    out.array(values)
  } else {
    const deltas = range > 0xff ? new Uint32Array(values.length) : new Uint8Array(values.length)
    for (let i = 0; i < values.length; i++) deltas[i] = values[i]! - least
    out.u8(range > 0xff ? DELTAS_32 : DELTAS_8)
    out.f64(least)
    out.array(deltas)
  }
}

export function readDoubles(input: ByteReader, rows: number): Float64Array | null {
  const how = input.u8()
  if (how === ALL_NULL) return null
  if (how === DOUBLES) return input.doubles(rows)
  if (how !== DELTAS_8 && how !== DELTAS_32) throw new RangeError(`numbers of kind ${how}`)
  const base = input.f64()
  const deltas = how === DELTAS_8 ? input.bytes(rows) : input.words(rows)
  const values = new Float64Array(rows)
  for (let i = 0; i < rows; i++) values[i] = base + deltas[i]!
  return values
}

function writeStrings(out: ByteWriter, column: StringColumn, rows: number): void {
  const { offsets, nulls } = column
  const sizeBytes = offsets[rows]! - offsets[0]!
  let nullCount = 0
  let longest = 0
  for (let i = 0; i < rows; i++) {
    nullCount += nulls[i]!
    const length = offsets[i + 1]! - offsets[i]!
    if (length > longest) longest = length
  }
  if (nullCount === rows) {
    out.u8(ALL_NULL)
    return
  }
  const wide = longest > 0xff || offsets[0] !== 0
  out.u8((nullCount > 0 ? NULLS : 0) | (wide ? WIDE : 0))
  out.u32(sizeBytes)
  out.array(column.bytes.subarray(offsets[0], offsets[rows]))
  if (wide) out.array(offsets.map((offset) => offset - offsets[0]!))
  else {
    const lengths = new Uint8Array(rows)
    for (let i = 0; i < rows; i++) lengths[i] = offsets[i + 1]! - offsets[i]!
    out.array(lengths)
  }
  if (nullCount > 0) out.array(nulls)
}

function readStrings(input: ByteReader, rows: number): StringColumn | null {
  const how = input.u8()
  if (how === ALL_NULL) return null
  if (how > (NULLS | WIDE)) throw new RangeError(`strings of kind ${how}`)
  const sizeBytes = input.u32()
  const bytes = input.bytes(sizeBytes)
  const offsets = how & WIDE ? input.words(rows + 1) : summed(input.bytes(rows))
  if (offsets[rows] !== sizeBytes) throw new RangeError('lengths of strings')
  return { kind: 'string', bytes, offsets, nulls: how & NULLS ? input.bytes(rows) : new Uint8Array(rows) }
}

function summed(lengths: Uint8Array): Uint32Array {
  const offsets = new Uint32Array(lengths.length + 1)
  let at = 0
  for (let i = 0; i < lengths.length; i++) {
    at += lengths[i]!
    offsets[i + 1] = at
  }
  return offsets
}

function writeDecimals(out: ByteWriter, column: DecimalColumn, rows: number): void {
  const { high, low } = column
  let nulls = 0
  let narrow = true
  for (let i = 0; i < rows; i++) {
    const h = high[i]!
    const l = low[i]! | 0
    if (h === DECIMAL_NULL_HIGH) nulls += 1
    else if (h !== l >> 31 || l === DECIMAL_NULL_HIGH) narrow = false
  }
  if (nulls === rows) out.u8(ALL_NULL)
  else if (narrow) {
    const values = new Int32Array(rows)
    for (let i = 0; i < rows; i++) values[i] = high[i] === DECIMAL_NULL_HIGH ? DECIMAL_NULL_HIGH : low[i]!
    out.u8(NARROW)
    out.array(values)
  } else {
    out.u8(HALVES)
    out.array(high)
    out.array(low)
  }
}

function readDecimals(input: ByteReader, scale: number, rows: number): DecimalColumn | null {
  const how = input.u8()
  if (how === ALL_NULL) return null
  if (how > NARROW) throw new RangeError(`decimals of kind ${how}`)
  if (how === HALVES) return { kind: 'decimal', scale, high: input.integers(rows), low: input.words(rows) }
  const values = input.integers(rows)
  const high = new Int32Array(rows)
  const low = new Uint32Array(rows)
  for (let i = 0; i < rows; i++) {
    const value = values[i]!
    const isNull = value === DECIMAL_NULL_HIGH
    high[i] = isNull ? DECIMAL_NULL_HIGH : value >> 31
    low[i] = isNull ? 0 : value
  }
  return { kind: 'decimal', scale, high, low }
}
