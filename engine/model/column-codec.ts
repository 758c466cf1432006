import { type Column, DECIMAL_NULL_HIGH, type DecimalColumn, type StringColumn } from './block.ts'
import type { ByteReader } from './bytes.ts'

/*
 * A column as bytes: one byte that says how, then arrays that begin at multiples of 8.
 *
 * doubles   DOUBLES: as they are. CONSTANT: f64. DELTAS_8, _16, _32: f64 base, then base + u8, u16 or u32, where all are
 *           whole numbers. STEPS_8, _16: f64 before the first, then the difference to the one before, zigzag in u8 or u16
 * strings   u32 size of the text, text, then lengths as u8, or offsets as u32 (WIDE); nulls as u8 where some are (NULLS).
 *           DICTIONARY: u32 texts, u32 size of the text, text, offsets of the texts as u32, then u8 a row: which text it
 *           is, 255 = null
 * decimals  both halves; or NARROW: one i32 each, -2^31 for null
 * ALL_NULL  nothing more
 *
 * The writer is column-writer.ts. Every way that a version of the engine ever wrote can be read.
 */
export const ALL_NULL = 254
export const DOUBLES = 0
export const DELTAS_8 = 1
export const DELTAS_32 = 2
export const DELTAS_16 = 3
export const CONSTANT = 4
export const STEPS_8 = 5
export const STEPS_16 = 6
export const NULLS = 1
export const WIDE = 2
export const DICTIONARY = 4
export const DICTIONARY_MAX = 255
export const HALVES = 0
export const NARROW = 1

/** Throws a RangeError where the bytes make no sense. Null for a column of nulls alone. */
export function readColumn(input: ByteReader, kind: Column['kind'], scale: number, rows: number): Column | null {
  if (kind === 'string') return readStrings(input, rows)
  if (kind === 'decimal') return readDecimals(input, scale, rows)
  const values = readDoubles(input, rows)
  return values && { kind, values }
}

export function readDoubles(input: ByteReader, rows: number): Float64Array | null {
  const how = input.u8()
  if (how === ALL_NULL) return null
  if (how === DOUBLES) return input.doubles(rows)
  const base = input.f64()
  const values = new Float64Array(input.sized(rows, 8))
  if (how === CONSTANT) return values.fill(base)
  if (how === STEPS_8) return stepped(values, base, input.bytes(rows))
  if (how === STEPS_16) return stepped(values, base, input.halves(rows))
  if (how === DELTAS_8) return raised(values, base, input.bytes(rows))
  if (how === DELTAS_16) return raised(values, base, input.halves(rows))
  if (how === DELTAS_32) return raised(values, base, input.words(rows))
  throw new RangeError(`numbers of kind ${how}`)
}

function raised(values: Float64Array, base: number, deltas: Uint8Array | Uint16Array | Uint32Array): Float64Array {
  for (let i = 0; i < values.length; i++) values[i] = base + deltas[i]!
  return values
}

function stepped(values: Float64Array, base: number, steps: Uint8Array | Uint16Array): Float64Array {
  let value = base
  for (let i = 0; i < values.length; i++) {
    const step = steps[i]!
    value += step & 1 ? -((step + 1) >> 1) : step >> 1
    values[i] = value
  }
  return values
}

function readStrings(input: ByteReader, rows: number): StringColumn | null {
  const how = input.u8()
  if (how === ALL_NULL) return null
  if (how === DICTIONARY) return readDictionary(input, rows)
  if (how > (NULLS | WIDE)) throw new RangeError(`strings of kind ${how}`)
  const sizeBytes = input.u32()
  const bytes = input.bytes(sizeBytes)
  const offsets = how & WIDE ? ascending(input.words(rows + 1)) : summed(input.bytes(input.sized(rows, 4)))
  if (offsets[0] !== 0 || offsets[rows] !== sizeBytes) throw new RangeError('lengths of strings')
  return {
    kind: 'string',
    bytes,
    offsets,
    nulls: how & NULLS ? input.bytes(rows) : new Uint8Array(input.sized(rows, 1)),
  }
}

function readDictionary(input: ByteReader, rows: number): StringColumn {
  const count = input.u32()
  if (count > DICTIONARY_MAX) throw new RangeError('size of a dictionary')
  const sizeBytes = input.u32()
  const texts = input.bytes(sizeBytes)
  const starts = ascending(input.words(count + 1))
  if (starts[count] !== sizeBytes) throw new RangeError('lengths of a dictionary')
  const codes = input.bytes(rows)
  const offsets = new Uint32Array(input.sized(rows, 5) + 1)
  const nulls = new Uint8Array(rows)
  let size = 0
  for (let i = 0; i < rows; i++) {
    const code = codes[i]!
    if (code === DICTIONARY_MAX) nulls[i] = 1
    else if (code >= count) throw new RangeError('a text that the dictionary lacks')
    else size += starts[code + 1]! - starts[code]!
    offsets[i + 1] = size
  }
  const bytes = new Uint8Array(input.sized(size, 1))
  for (let i = 0; i < rows; i++) {
    if (nulls[i] === 1) continue
    const end = starts[codes[i]! + 1]!
    for (let from = starts[codes[i]!]!, to = offsets[i]!; from < end; from++, to++) bytes[to] = texts[from]!
  }
  return { kind: 'string', bytes, offsets, nulls }
}

function ascending(offsets: Uint32Array): Uint32Array {
  for (let i = 1; i < offsets.length; i++) if (offsets[i]! < offsets[i - 1]!) throw new RangeError('offsets of strings')
  return offsets
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

function readDecimals(input: ByteReader, scale: number, rows: number): DecimalColumn | null {
  const how = input.u8()
  if (how === ALL_NULL) return null
  if (how > NARROW) throw new RangeError(`decimals of kind ${how}`)
  if (how === HALVES) return { kind: 'decimal', scale, high: input.integers(rows), low: input.words(rows) }
  const values = input.integers(rows)
  const high = new Int32Array(input.sized(rows, 8))
  const low = new Uint32Array(rows)
  for (let i = 0; i < rows; i++) {
    const value = values[i]!
    const isNull = value === DECIMAL_NULL_HIGH
    high[i] = isNull ? DECIMAL_NULL_HIGH : value >> 31
    low[i] = isNull ? 0 : value
  }
  return { kind: 'decimal', scale, high, low }
}
