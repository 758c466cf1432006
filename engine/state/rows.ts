import {
  type Block,
  type Column,
  DECIMAL_NULL_HIGH,
  type DecimalColumn,
  type NumberColumn,
  type StringColumn,
} from '../model/block.ts'
import { asDoubles, fillArray, packArrays, unpackArrays } from './packed-arrays.ts'
import type { StringTable } from './string-table.ts'
import { TextColumn } from './text-column.ts'

/** Held events as bytes of one moment, that may be asked for later: chunks that never change again, and the rest. */
export interface HeldBytes {
  /** Oldest first, numbered without gaps; a number means the same chunk ever after. */
  readonly frozen: readonly { readonly number: number; bytes(): Uint8Array }[]
  readonly hot: readonly { bytes(): Uint8Array }[]
}

export const CHUNK_ROWS_BITS = 12
export const CHUNK_ROWS = 1 << CHUNK_ROWS_BITS

/** Where a column of the held events is kept. `code`: a StringTable code, -1 = null; `text`: bytes nobody computes with. */
export interface ColumnRef {
  readonly store: 'code' | 'number' | 'boolean' | 'decimal' | 'text'
  readonly index: number
  /** Decimal digits that its fixed-point form keeps. */
  readonly scale: number
}

/** How many columns of each store the events have, filter bits in words of 32, and the keys they belong to. */
export interface RowShape {
  readonly codes: number
  readonly numbers: number
  readonly decimals: number
  readonly texts: number
  readonly bitWords: number
  readonly keySpaces: number
  /** Clocks with a settle: each numbers its events as they enter. */
  readonly entries: number
}

/** 4,096 events in order of arrival, as columns. */
export class Chunk {
  length = 0
  timeMsMax = Number.NEGATIVE_INFINITY
  readonly timesMs = new Float64Array(CHUNK_ROWS)
  readonly offsets = new Float64Array(CHUNK_ROWS)
  readonly sources = new Uint16Array(CHUNK_ROWS)
  /** Index of the event's type in the layout; it tells the stream as well. */
  readonly types = new Uint16Array(CHUNK_ROWS)
  readonly bits: Uint32Array
  readonly codes: Int32Array[]
  readonly numbers: Float64Array[]
  readonly highs: Int32Array[]
  readonly lows: Uint32Array[]
  readonly texts: TextColumn[]
  /** Per key space: the slot of the event's key, -1 = it has none there. */
  readonly slots: Int32Array[]
  /** Per key space: how many rows back the previous event of the same key stands, 0 = none held. */
  readonly chains: Uint32Array[]
  /** Per settled clock: number of the event's entry, -1 = it has not entered. */
  readonly entries: Float64Array[]

  constructor(shape: RowShape) {
    const make = <T>(count: number, one: () => T): T[] => Array.from({ length: count }, one)
    this.bits = new Uint32Array(CHUNK_ROWS * shape.bitWords)
    this.codes = make(shape.codes, () => new Int32Array(CHUNK_ROWS).fill(-1))
    this.numbers = make(shape.numbers, () => new Float64Array(CHUNK_ROWS).fill(Number.NaN))
    this.highs = make(shape.decimals, () => new Int32Array(CHUNK_ROWS).fill(DECIMAL_NULL_HIGH))
    this.lows = make(shape.decimals, () => new Uint32Array(CHUNK_ROWS))
    this.texts = make(shape.texts, () => new TextColumn(CHUNK_ROWS))
    this.slots = make(shape.keySpaces, () => new Int32Array(CHUNK_ROWS).fill(-1))
    this.chains = make(shape.keySpaces, () => new Uint32Array(CHUNK_ROWS))
    this.entries = make(shape.entries, () => new Float64Array(CHUNK_ROWS).fill(-1))
  }

  /** All but the entry numbers: those go on changing. */
  bytes(): Uint8Array {
    const texts = this.texts.flatMap((text) => text.arrays())
    return packArrays([Float64Array.of(this.length, this.timeMsMax), ...this.#fixed(), ...texts])
  }

  load(bytes: Uint8Array): void {
    const [numbers, ...arrays] = unpackArrays(bytes)
    ;[this.length, this.timeMsMax] = asDoubles(numbers)
    const fixed = this.#fixed()
    fixed.forEach((array, i) => {
      fillArray(array, arrays[i])
    })
    this.texts.forEach((text, i) => {
      const [ends, nulls, chars] = arrays.slice(fixed.length + i * 3)
      text.load(ends, nulls, chars, this.length)
    })
  }

  #fixed(): ArrayBufferView[] {
    const { timesMs, offsets, sources, types, bits, codes, numbers, highs, lows, slots, chains } = this
    return [timesMs, offsets, sources, types, bits, ...codes, ...numbers, ...highs, ...lows, ...slots, ...chains]
  }
}

/**
 * The events a task holds, numbered in order of arrival (row 0 is the first ever read), in chunks of 4,096.
 *
 * Life    a chunk goes when all its events have left the longest window
 * Memory  per event 8 (time) + 8 (offset) + 4 + 4 a filter word, 4 a code, 8 a number or decimal, 8 a key space, texts
 *         at their length + 4
 */
export class Rows {
  readonly shape: RowShape
  readonly strings: StringTable
  #chunks: Chunk[] = []
  #firstRow = 0
  #endRow = 0
  #outOfRange = 0

  constructor(shape: RowShape, strings: StringTable) {
    this.shape = shape
    this.strings = strings
  }

  get firstRow(): number {
    return this.#firstRow
  }
  get endRow(): number {
    return this.#endRow
  }

  /** Numbers set to null, since the last asking, because their fixed-point form does not fit 63 bits. */
  takeOutOfRange(): number {
    const count = this.#outOfRange
    this.#outOfRange = 0
    return count
  }

  /** Sets a number of an event at hand; null if it does not fit. */
  setNumber(chunk: Chunk, at: number, ref: ColumnRef, value: number): void {
    if (fits(value, ref.scale)) chunk.numbers[ref.index][at] = value
    else this.#outOfRange++
  }

  chunkOf(row: number): Chunk {
    return this.#chunks[(row - this.#firstRow) >> CHUNK_ROWS_BITS]
  }

  /** Place of `row` within its chunk; chunks begin at multiples of 4,096. */
  static at(row: number): number {
    return row % CHUNK_ROWS
  }

  /**
   * Copies the accepted rows of a block behind those held. `mapping[i]` says where the block's column i goes, null =
   * nowhere. Columns without a source stay null.
   */
  append(
    block: Block,
    accepted: Int32Array,
    count: number,
    types: Uint16Array,
    source: number,
    mapping: readonly (readonly ColumnRef[])[],
  ): void {
    for (let done = 0; done < count; ) {
      let chunk = this.#chunks.at(-1)
      if (!chunk || chunk.length === CHUNK_ROWS) {
        chunk = new Chunk(this.shape)
        this.#chunks.push(chunk)
      }
      const part = accepted.subarray(done, Math.min(count, done + CHUNK_ROWS - chunk.length))
      this.#fill(chunk, block, part, types, source, mapping)
      done += part.length
    }
    this.#endRow += count
  }

  #fill(
    chunk: Chunk,
    block: Block,
    part: Int32Array,
    types: Uint16Array,
    source: number,
    mapping: readonly (readonly ColumnRef[])[],
  ): void {
    const to = chunk.length
    const n = part.length
    for (let i = 0; i < n; i++) {
      const row = part[i]
      const timeMs = block.timesMs[row]
      chunk.timesMs[to + i] = timeMs
      if (timeMs > chunk.timeMsMax) chunk.timeMsMax = timeMs
      chunk.offsets[to + i] = block.offsets[row]
      chunk.types[to + i] = types[row]
    }
    chunk.sources.fill(source, to, to + n)
    for (let c = 0; c < mapping.length; c++) {
      const column = block.columns[c]
      for (const ref of mapping[c]) this.#copyColumn(chunk, ref, column, part, to)
    }
    for (const text of chunk.texts) text.fillTo(to + n)
    chunk.length = to + n
  }

  #copyColumn(chunk: Chunk, ref: ColumnRef, column: Column, part: Int32Array, to: number): void {
    if (ref.store === 'text') chunk.texts[ref.index].append(column as StringColumn, part, to)
    else if (ref.store === 'code') this.#internColumn(chunk.codes[ref.index], column, part, to, ref.scale)
    else if (ref.store === 'decimal') {
      const { high, low } = column as DecimalColumn
      const highs = chunk.highs[ref.index]
      const lows = chunk.lows[ref.index]
      for (let i = 0; i < part.length; i++) {
        highs[to + i] = high[part[i]]
        lows[to + i] = low[part[i]]
      }
    } else {
      const { values } = column as NumberColumn
      const target = chunk.numbers[ref.index]
      for (let i = 0; i < part.length; i++) {
        const value = values[part[i]]
        if (fits(value, ref.scale)) target[to + i] = value
        else if (!Number.isNaN(value)) this.#outOfRange++
      }
    }
  }

  #internColumn(codes: Int32Array, column: Column, part: Int32Array, to: number, scale: number): void {
    const strings = this.strings
    if (column.kind === 'string') {
      const { bytes, offsets, nulls } = column
      for (let i = 0; i < part.length; i++) {
        const row = part[i]
        if (nulls[row] === 0) codes[to + i] = strings.intern(bytes, offsets[row], offsets[row + 1])
      }
    } else {
      for (let i = 0; i < part.length; i++) {
        const value =
          column.kind === 'decimal'
            ? decimalAsDouble(column.high[part[i]], column.low[part[i]], column.scale)
            : column.values[part[i]]
        if (fits(value, scale)) codes[to + i] = strings.internNumber(value)
      }
    }
  }

  /** Adds `shift` to the entry numbers of one settled clock. */
  shiftEntries(column: number, shift: number): void {
    for (const { entries, length } of this.#chunks) {
      const numbers = entries[column]
      for (let i = 0; i < length; i++) if (numbers[i] >= 0) numbers[i] += shift
    }
  }

  // Held events as bytes, the plain way: all arrays as they are. A full chunk changes no more, but for entry numbers.

  saveHeld(): HeldBytes {
    const first = this.#firstRow / CHUNK_ROWS
    const full = this.#chunks.slice(0, -1)
    const last = this.#chunks.at(-1)
    const numbers = Float64Array.of(this.#firstRow, this.#endRow, this.#chunks.length)
    const entries = this.#chunks.flatMap((chunk) => chunk.entries)
    const hot = packArrays([numbers, ...(last ? [last.bytes()] : []), ...entries])
    return {
      frozen: full.map((chunk, i) => ({ number: first + i, bytes: () => chunk.bytes() })),
      hot: [{ bytes: () => hot }],
    }
  }

  /** `frozen`: oldest first. */
  loadHeld(frozen: readonly Uint8Array[], [hot]: readonly Uint8Array[]): void {
    const [numbers, ...rest] = unpackArrays(hot)
    const [firstRow, endRow, chunks] = asDoubles(numbers)
    this.#firstRow = firstRow
    this.#endRow = endRow
    this.#chunks = [...frozen, ...rest.splice(0, Math.min(1, chunks))].map((bytes) => {
      const chunk = new Chunk(this.shape)
      chunk.load(bytes)
      return chunk
    })
    for (const [i, array] of this.#chunks.flatMap((chunk) => chunk.entries).entries()) fillArray(array, rest[i])
  }

  /** Lets go of the oldest chunks whose events are all of `throughMs` or older. */
  trim(throughMs: number): void {
    let gone = 0
    while (gone < this.#chunks.length - 1 && this.#chunks[gone].timeMsMax <= throughMs) {
      const chunk = this.#chunks[gone++]
      for (const codes of chunk.codes) {
        for (let i = 0; i < CHUNK_ROWS; i++) if (codes[i] >= 0) this.strings.release(codes[i])
      }
    }
    if (gone === 0) return
    this.#chunks = this.#chunks.slice(gone)
    this.#firstRow += gone * CHUNK_ROWS
  }
}

/** True when the number's fixed-point form has 63 bits or less. */
export function fits(value: number, scale: number): boolean {
  const limit = 2 ** 63 / 10 ** scale
  return value < limit && value > -limit
}

/** NaN for null. */
export function decimalAsDouble(high: number, low: number, scale: number): number {
  if (high === DECIMAL_NULL_HIGH && low === 0) return Number.NaN
  return (high * 0x1_0000_0000 + low) / 10 ** scale
}
