import { DECIMAL_NULL_HIGH } from '../model/block.ts'
import { Packer, Unpacker } from './packing.ts'
import { TextColumn } from './text-column.ts'

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
  /** All its events have entered every window and no late one comes before them: it changes no more. */
  isFrozen = false
  /** Newest time of its events, and of those that arrived before. */
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

  /** Bytes in memory, texts left out. */
  get bytes(): number {
    const { bits, codes, numbers, highs, lows, slots, chains, entries } = this
    const wide = numbers.length + entries.length + highs.length / 2 + lows.length / 2
    return bits.byteLength + CHUNK_ROWS * (20 + 8 * wide + 4 * (codes.length + slots.length + chains.length))
  }

  /** What changes when an event enters a settled clock, after it was read. */
  get setOnEntry(): (Float64Array | Uint32Array)[] {
    return this.entries.length === 0 ? [] : [...this.entries, this.bits]
  }

  /** As few bytes, for a file. */
  pack(): Uint8Array {
    const packer = new Packer()
    const n = this.length
    packer.numbers(Float64Array.of(n, this.timeMsMax, this.isFrozen ? 1 : 0), 3)
    for (const column of this.#plain()) packer.numbers(column, n)
    packer.numbers(this.bits, (n * this.bits.length) / CHUNK_ROWS)
    for (const text of this.texts) text.pack(packer)
    return packer.finish()
  }

  static unpack(shape: RowShape, bytes: Uint8Array): Chunk {
    const unpacker = new Unpacker(bytes)
    const chunk = new Chunk(shape)
    const [length, timeMsMax, isFrozen] = unpacker.numbers(new Float64Array(3), 3)
    chunk.length = length
    chunk.timeMsMax = timeMsMax
    chunk.isFrozen = isFrozen === 1
    for (const column of chunk.#plain()) unpacker.numbers(column, length)
    unpacker.numbers(chunk.bits, length * shape.bitWords)
    for (const text of chunk.texts) text.unpack(unpacker, length)
    return chunk
  }

  #plain(): (Float64Array | Int32Array | Uint32Array | Uint16Array)[] {
    const { timesMs, offsets, sources, types, codes, numbers, highs, lows, slots, chains, entries } = this
    return [timesMs, offsets, sources, types, ...codes, ...numbers, ...highs, ...lows, ...slots, ...chains, ...entries]
  }
}
