import { type Column, DECIMAL_NULL_HIGH, type DecimalColumn, type NumberColumn, type StringColumn } from './block.ts'
import type { ByteWriter } from './bytes.ts'
import {
  ALL_NULL,
  CONSTANT,
  DELTAS_8,
  DELTAS_16,
  DELTAS_32,
  DICTIONARY,
  DICTIONARY_MAX,
  DOUBLES,
  HALVES,
  NARROW,
  NULLS,
  STEPS_8,
  STEPS_16,
  WIDE,
} from './column-codec.ts'
import { TextDictionary } from './text-dictionary.ts'

/** Where the rows of a column come from: row k is row `rows[k]` of `columns[which[k]]`. */
export interface ColumnRows<C extends Column = Column> {
  readonly columns: readonly C[]
  readonly which: Uint16Array
  readonly rows: Uint32Array
  readonly length: number
}

/**
 * Writes the rows of one column as column-codec.ts reads them, in the smallest form that fits. False, and nothing is
 * written, where all are null.
 */
export function writeColumn(out: ByteWriter, kind: Column['kind'], from: ColumnRows): boolean {
  if (kind === 'string') return writeStrings(out, from as ColumnRows<StringColumn>)
  if (kind === 'decimal') return writeDecimals(out, from as ColumnRows<DecimalColumn>)
  const { columns, which, rows, length } = from as ColumnRows<NumberColumn>
  const values = doubles(length)
  let nulls = 0
  for (let k = 0; k < length; k++) {
    const value = columns[which[k]!]!.values[rows[k]!]!
    values[k] = value
    if (Number.isNaN(value)) nulls += 1
  }
  if (nulls === length) return false
  writeDoubles(out, values)
  return true
}

/** NaN is null. */
export function writeDoubles(out: ByteWriter, values: Float64Array): void {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  let step = 0
  let whole = true
  let nulls = 0
  let before = values[0]!
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) nulls += 1
    else if (!Number.isSafeInteger(value) || Object.is(value, -0)) whole = false
    if (value < least) least = value
    if (value > most) most = value
    step = Math.max(step, Math.abs(value - before))
    before = value
  }
  const range = most - least
  if (nulls === values.length) out.u8(ALL_NULL)
  else if (nulls > 0 || !whole || range > 0xffff_ffff) {
    out.u8(DOUBLES)
    out.array(values)
  } else if (range === 0) {
    out.u8(CONSTANT)
    out.f64(least)
  } else if (range <= 0xff) writeRaised(out, DELTAS_8, values, least, new Uint8Array(values.length))
  else if (step <= 0x7f) writeSteps(out, STEPS_8, values, new Uint8Array(values.length))
  else if (range <= 0xffff) writeRaised(out, DELTAS_16, values, least, new Uint16Array(values.length))
  else if (step <= 0x7fff) writeSteps(out, STEPS_16, values, new Uint16Array(values.length))
  else writeRaised(out, DELTAS_32, values, least, new Uint32Array(values.length))
}

function writeRaised(
  out: ByteWriter,
  how: number,
  values: Float64Array,
  base: number,
  deltas: Uint8Array | Uint16Array | Uint32Array,
): void {
  for (let i = 0; i < values.length; i++) deltas[i] = values[i]! - base
  out.u8(how)
  out.f64(base)
  out.array(deltas)
}

function writeSteps(out: ByteWriter, how: number, values: Float64Array, steps: Uint8Array | Uint16Array): void {
  let before = values[0]!
  for (let i = 0; i < values.length; i++) {
    const step = values[i]! - before
    steps[i] = step < 0 ? -2 * step - 1 : 2 * step
    before = values[i]!
  }
  out.u8(how)
  out.f64(values[0]!)
  out.array(steps)
}

function writeStrings(out: ByteWriter, from: ColumnRows<StringColumn>): boolean {
  const { columns, which, rows, length } = from
  let [sizeBytes, nulls, longest] = [0, 0, 0]
  for (let k = 0; k < length; k++) {
    const column = columns[which[k]!]!
    const row = rows[k]!
    nulls += column.nulls[row]!
    const bytes = column.offsets[row + 1]! - column.offsets[row]!
    sizeBytes += bytes
    if (bytes > longest) longest = bytes
  }
  if (nulls === length) return false
  if (length > DICTIONARY_ROWS_MIN && writeDictionary(out, from)) return true
  const wide = longest > 0xff
  out.u8((nulls > 0 ? NULLS : 0) | (wide ? WIDE : 0))
  out.u32(sizeBytes)
  const text = out.claim(sizeBytes)
  const lengths = wide ? new Uint32Array(length + 1) : new Uint8Array(length)
  let to = 0
  for (let k = 0; k < length; k++) {
    const { bytes, offsets } = columns[which[k]!]!
    const end = offsets[rows[k]! + 1]!
    const size = end - offsets[rows[k]!]!
    if (size > LONG_BYTES) {
      text.set(bytes.subarray(end - size, end), to)
      to += size
    } else for (let at = end - size; at < end; at++) text[to++] = bytes[at]!
    if (wide) lengths[k + 1] = to
    else lengths[k] = size
  }
  out.array(lengths)
  if (nulls > 0) out.array(Uint8Array.from({ length }, (_, k) => columns[which[k]!]!.nulls[rows[k]!]!))
  return true
}

/** Below, what a dictionary saves is less than what it costs. */
const DICTIONARY_ROWS_MIN = 32
/** From here on a copy by the engine beats a loop. */
const LONG_BYTES = 32
const dictionary = new TextDictionary(DICTIONARY_MAX)

/** False, and nothing is written, where the texts are too many, or hardly repeat. */
function writeDictionary(out: ByteWriter, { columns, which, rows, length }: ColumnRows<StringColumn>): boolean {
  const codes = new Uint8Array(length)
  dictionary.clear()
  for (let k = 0; k < length; k++) {
    const { bytes, offsets, nulls } = columns[which[k]!]!
    const row = rows[k]!
    if (nulls[row] === 1) codes[k] = DICTIONARY_MAX
    else {
      const code = dictionary.code(bytes, offsets[row]!, offsets[row + 1]!)
      if (code < 0) return false
      codes[k] = code
    }
  }
  if (2 * dictionary.count > length) return false
  out.u8(DICTIONARY)
  out.u32(dictionary.count)
  out.u32(dictionary.sizeBytes)
  out.array(dictionary.bytes)
  out.array(dictionary.offsets)
  out.array(codes)
  return true
}

function writeDecimals(out: ByteWriter, { columns, which, rows, length }: ColumnRows<DecimalColumn>): boolean {
  const values = integers(length)
  let [nulls, narrow] = [0, true]
  for (let k = 0; k < length; k++) {
    const column = columns[which[k]!]!
    const high = column.high[rows[k]!]!
    const low = column.low[rows[k]!]! | 0
    if (high === DECIMAL_NULL_HIGH) nulls += 1
    else if (high !== low >> 31 || low === DECIMAL_NULL_HIGH) narrow = false
    values[k] = high === DECIMAL_NULL_HIGH ? DECIMAL_NULL_HIGH : low
  }
  if (nulls === length) return false
  if (narrow) {
    out.u8(NARROW)
    out.array(values)
    return true
  }
  out.u8(HALVES)
  for (let k = 0; k < length; k++) values[k] = columns[which[k]!]!.high[rows[k]!]!
  out.array(values)
  for (let k = 0; k < length; k++) values[k] = columns[which[k]!]!.low[rows[k]!]! | 0
  out.array(values)
  return true
}

let scratchDoubles = new Float64Array(4_096)
let scratchIntegers = new Int32Array(4_096)

function doubles(length: number): Float64Array {
  if (length > scratchDoubles.length) scratchDoubles = new Float64Array(2 * length)
  return scratchDoubles.subarray(0, length)
}

function integers(length: number): Int32Array {
  if (length > scratchIntegers.length) scratchIntegers = new Int32Array(2 * length)
  return scratchIntegers.subarray(0, length)
}
