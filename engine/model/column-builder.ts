import {
  type DecimalParts,
  decimalFromBytes,
  decimalFromNumber,
  decimalFromText,
  decimalRescale,
} from '../kit/decimal.ts'
import { isUtf8 } from '../kit/utf8.ts'
import { DECIMAL_NULL_HIGH, type DecimalColumn, type NumberColumn, type StringColumn } from './block.ts'

const ROWS_FIRST = 64
const BYTES_FIRST = 1_024
/** Up to this many UTF-16 units a loop beats TextEncoder's fixed cost. */
const SHORT_STRING = 48
/** Of four bytes: none of them is set in ASCII. */
const HIGH_BITS = 0x8080_8080 | 0
const encoder = new TextEncoder()
const parts: DecimalParts = { high: 0, low: 0 }

/** Hands out pieces of one buffer, so that a block costs one allocation instead of dozens. */
export class Arena {
  readonly #buffer: ArrayBuffer
  #used = 0
  constructor(sizeBytes: number) {
    this.#buffer = new ArrayBuffer(sizeBytes)
  }
  bytes(source: Uint8Array, length: number): Uint8Array {
    const copy = new Uint8Array(this.#buffer, this.#take(length), length)
    copy.set(source.subarray(0, length))
    return copy
  }
  doubles(source: Float64Array, length: number): Float64Array {
    const copy = new Float64Array(this.#buffer, this.#take(8 * length), length)
    copy.set(source.subarray(0, length))
    return copy
  }
  words(source: Uint32Array, length: number): Uint32Array {
    const copy = new Uint32Array(this.#buffer, this.#take(4 * length), length)
    copy.set(source.subarray(0, length))
    return copy
  }
  integers(source: Int32Array, length: number): Int32Array {
    const copy = new Int32Array(this.#buffer, this.#take(4 * length), length)
    copy.set(source.subarray(0, length))
    return copy
  }
  #take(sizeBytes: number): number {
    const at = this.#used
    this.#used += padded(sizeBytes)
    return at
  }
}

export type ColumnBuilder = StringColumnBuilder | NumberColumnBuilder | DecimalColumnBuilder

/** Rounded up to the next multiple of 8. */
export function padded(sizeBytes: number): number {
  return (sizeBytes + 7) & ~7
}

/** How long texts may be, for all columns of a builder, and the last of them that was given a longer one. */
export interface TextLimit {
  readonly bytesMax: number
  exceeded: StringColumnBuilder | null
}

const NO_LIMIT: TextLimit = { bytesMax: Number.POSITIVE_INFINITY, exceeded: null }

/**
 * Columns under construction. `row` never falls; rows that were not set are null; setting one again replaces it. The
 * arrays grow by doubling and stay for the next block: `build` copies `rows` of them into an arena and starts anew.
 */
export class StringColumnBuilder {
  readonly #limit: TextLimit
  #bytes = new Uint8Array(BYTES_FIRST)
  #words = new DataView(this.#bytes.buffer)
  #offsets = new Uint32Array(ROWS_FIRST + 1)
  #nulls = new Uint8Array(ROWS_FIRST)
  #filled = 0

  constructor(limit: TextLimit = NO_LIMIT) {
    this.#limit = limit
  }

  set(row: number, value: string): void {
    const length = value.length
    const start = this.#open(row, 3 * length)
    if (length > SHORT_STRING) {
      this.#close(row, start + encoder.encodeInto(value, this.#bytes.subarray(start)).written)
      return
    }
    const bytes = this.#bytes
    for (let i = 0; i < length; i++) {
      const c = value.charCodeAt(i)
      if (c > 0x7f) {
        this.#close(row, start + encoder.encodeInto(value, bytes.subarray(start)).written)
        return
      }
      bytes[start + i] = c
    }
    this.#close(row, start + length)
  }

  setBytes(row: number, source: Uint8Array, from: number, to: number): void {
    const length = to - from
    const start = this.#open(row, length)
    const bytes = this.#bytes
    if (length > SHORT_STRING) bytes.set(source.subarray(from, to), start)
    else for (let i = 0; i < length; i++) bytes[start + i] = source[from + i]!
    this.#close(row, start + length)
  }

  /**
   * Like `setBytes`, of bytes that may be anything: false where they are no UTF-8, and the row must be taken back. `source`
   * and `words` are views of the same whole buffer: four bytes go in one step.
   */
  copyText(row: number, source: Uint8Array, words: DataView, from: number, to: number): boolean {
    const length = to - from
    const start = this.#open(row, length)
    this.#close(row, start + length)
    let all = 0
    if (length < 4) {
      const bytes = this.#bytes
      for (let i = 0; i < length; i++) {
        const byte = source[from + i]
        bytes[start + i] = byte
        all |= byte
      }
    } else {
      // The last four may overlap those before: no byte beyond the text is touched.
      const target = this.#words
      const last = length - 4
      for (let i = 0; i < last; i += 4) {
        const word = words.getInt32(from + i, true)
        target.setInt32(start + i, word, true)
        all |= word
      }
      const word = words.getInt32(from + last, true)
      target.setInt32(start + last, word, true)
      all |= word
    }
    return (all & HIGH_BITS) === 0 || isUtf8(source, from, to)
  }

  /** Of all rows, as bytes and as words of any alignment; the next row that is set may move them. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  get words(): DataView {
    return this.#words
  }

  /** Where the text of `row` begins in `bytes`; -1 where it was not set, or is null. */
  startOf(row: number): number {
    return row >= this.#filled || this.#nulls[row] === 1 ? -1 : this.#offsets[row]
  }

  endOf(row: number): number {
    return this.#offsets[row + 1]
  }

  setNull(row: number): void {
    const start = this.#open(row, 0)
    this.#offsets[row + 1] = start
    this.#nulls[row] = 1
  }

  /** Forgets rows from `rows` on. */
  truncate(rows: number): void {
    this.#filled = Math.min(this.#filled, rows)
  }

  sizeBytes(rows: number): number {
    this.#fill(rows)
    return padded(this.#offsets[rows]!) + padded(4 * (rows + 1)) + padded(rows)
  }

  build(rows: number, arena: Arena): StringColumn {
    this.#fill(rows)
    this.#filled = 0
    return {
      kind: 'string',
      bytes: arena.bytes(this.#bytes, this.#offsets[rows]!),
      offsets: arena.words(this.#offsets, rows + 1),
      nulls: arena.bytes(this.#nulls, rows),
    }
  }

  /** Makes room for one value at `row` and says where its bytes begin. */
  #open(row: number, sizeMax: number): number {
    if (row > this.#filled) this.#fill(row)
    this.#filled = row + 1
    if (row >= this.#nulls.length) this.#growRows(row)
    const start = this.#offsets[row]!
    if (start + sizeMax > this.#bytes.length) this.#growBytes(start + sizeMax)
    return start
  }

  #close(row: number, end: number): void {
    if (end - this.#offsets[row]! > this.#limit.bytesMax) this.#limit.exceeded = this
    this.#offsets[row + 1] = end
    this.#nulls[row] = 0
  }

  /** Nulls up to `rows`. */
  #fill(rows: number): void {
    if (rows > this.#nulls.length) this.#growRows(rows)
    const offsets = this.#offsets
    const nulls = this.#nulls
    const end = offsets[this.#filled]
    for (let row = this.#filled; row < rows; row++) {
      nulls[row] = 1
      offsets[row + 1] = end
    }
    this.#filled = rows
  }

  #growBytes(size: number): void {
    this.#bytes = grown(this.#bytes, new Uint8Array(2 * size))
    this.#words = new DataView(this.#bytes.buffer)
  }

  #growRows(rows: number): void {
    this.#nulls = grown(this.#nulls, new Uint8Array(2 * rows))
    this.#offsets = grown(this.#offsets, new Uint32Array(2 * rows + 1))
  }
}

/** Numbers and booleans; NaN is null. */
export class NumberColumnBuilder {
  readonly #kind: NumberColumn['kind']
  #values = new Float64Array(ROWS_FIRST)
  #filled = 0
  constructor(kind: NumberColumn['kind']) {
    this.#kind = kind
  }

  set(row: number, value: number): void {
    if (row >= this.#values.length) this.#values = grown(this.#values, new Float64Array(2 * row))
    const values = this.#values
    for (; this.#filled < row; this.#filled++) values[this.#filled] = Number.NaN
    values[row] = value
    this.#filled = row + 1
  }

  /** Forgets rows from `rows` on. */
  truncate(rows: number): void {
    this.#filled = Math.min(this.#filled, rows)
  }

  sizeBytes(rows: number): number {
    return 8 * rows
  }

  build(rows: number, arena: Arena): NumberColumn {
    if (this.#filled < rows) this.set(rows - 1, Number.NaN)
    this.#filled = 0
    return { kind: this.#kind, values: arena.doubles(this.#values, rows) }
  }
}

export class DecimalColumnBuilder {
  readonly #scale: number
  #high = new Int32Array(ROWS_FIRST)
  #low = new Uint32Array(ROWS_FIRST)
  #filled = 0
  constructor(scale: number) {
    this.#scale = scale
  }

  set(row: number, high: number, low: number): void {
    if (row >= this.#high.length) {
      this.#high = grown(this.#high, new Int32Array(2 * row))
      this.#low = grown(this.#low, new Uint32Array(2 * row))
    }
    for (; this.#filled < row; this.#filled++) {
      this.#high[this.#filled] = DECIMAL_NULL_HIGH
      this.#low[this.#filled] = 0
    }
    this.#high[row] = high
    this.#low[row] = low
    this.#filled = row + 1
  }

  /** Big-endian two's complement in that scale, as Avro has it. False, and nothing set, when it does not fit. */
  setBytes(row: number, source: Uint8Array, from: number, to: number, fromScale: number): boolean {
    if (to - from <= 4 && to > from && fromScale === this.#scale) {
      let value = (source[from] << 24) >> 24
      for (let i = from + 1; i < to; i++) value = (value << 8) | source[i]
      this.set(row, value >> 31, value) // the array of low halves is unsigned
      return true
    }
    let result = decimalFromBytes(source, from, to, parts)
    if (result === 'ok') result = decimalRescale(parts, fromScale, this.#scale)
    if (result === 'ok') this.set(row, parts.high, parts.low)
    return result === 'ok'
  }

  /** False, and null in the row, when `value` is no number or does not fit. */
  setFrom(row: number, value: number | string): boolean {
    const result =
      typeof value === 'number'
        ? decimalFromNumber(value, this.#scale, parts)
        : decimalFromText(value, this.#scale, parts)
    if (result === 'ok') this.set(row, parts.high, parts.low)
    else this.set(row, DECIMAL_NULL_HIGH, 0)
    return result === 'ok'
  }

  /** Forgets rows from `rows` on. */
  truncate(rows: number): void {
    this.#filled = Math.min(this.#filled, rows)
  }

  sizeBytes(rows: number): number {
    return 2 * padded(4 * rows)
  }

  build(rows: number, arena: Arena): DecimalColumn {
    if (this.#filled < rows) this.set(rows - 1, DECIMAL_NULL_HIGH, 0)
    this.#filled = 0
    return {
      kind: 'decimal',
      scale: this.#scale,
      high: arena.integers(this.#high, rows),
      low: arena.words(this.#low, rows),
    }
  }
}

function grown<A extends Uint8Array | Uint32Array | Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from)
  return to
}
