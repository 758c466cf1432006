import { DECIMAL_NULL_HIGH } from '../model/block.ts'
import { Packer, type Packing, Unpacker } from './packing.ts'
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

/** What of a chunk may be another one later: rows come, and those there enter settled clocks. */
export interface ChunkMoment {
  readonly length: number
  readonly timeMsMax: number
  readonly entries: readonly Float64Array[]
  readonly bits: Uint32Array
}

/** 4,096 events in order of arrival, as columns. */
export class Chunk implements ChunkMoment {
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

  /** As if new: to be used again, by other events. Nobody may hold it any more. */
  clear(): void {
    this.length = 0
    this.isFrozen = false
    this.timeMsMax = Number.NEGATIVE_INFINITY
    this.bits.fill(0)
    for (const column of [...this.codes, ...this.slots, ...this.entries]) column.fill(-1)
    for (const column of this.numbers) column.fill(Number.NaN)
    for (const column of this.highs) column.fill(DECIMAL_NULL_HIGH)
    for (const column of [...this.lows, ...this.chains]) column.fill(0)
    for (const text of this.texts) text.clear()
  }

  /** Bytes in memory, texts left out. */
  get bytes(): number {
    const { bits, codes, numbers, highs, lows, slots, chains, entries } = this
    const wide = numbers.length + entries.length + highs.length / 2 + lows.length / 2
    return bits.byteLength + CHUNK_ROWS * (20 + 8 * wide + 4 * (codes.length + slots.length + chains.length))
  }

  /** As it is now, to be packed later: rows that are there change only as they enter settled clocks. */
  moment(): ChunkMoment {
    const { length, timeMsMax, entries, bits } = this
    if (entries.length === 0) return { length, timeMsMax, entries, bits }
    return { length, timeMsMax, entries: entries.map((e) => e.slice(0, length)), bits: bits.slice() }
  }

  /** As few bytes, for a file. */
  *packing(moment: ChunkMoment = this): Packing {
    const packer = new Packer()
    const { length, timeMsMax, entries, bits } = moment
    packer.numbers(Float64Array.of(length, timeMsMax), 2)
    for (const column of [...this.#plain(), ...entries]) {
      packer.numbers(column, length)
      yield length
    }
    packer.numbers(bits, length * this.#bitWords)
    yield length * this.#bitWords
    for (const text of this.texts) {
      text.pack(packer, length)
      yield length
    }
    return packer.finish()
  }

  /** `chunk`: an empty one. */
  static unpack(shape: RowShape, bytes: Uint8Array, chunk: Chunk = new Chunk(shape)): Chunk {
    const unpacker = new Unpacker(bytes)
    const [length, timeMsMax] = unpacker.numbers(new Float64Array(2), 2)
    chunk.length = length
    chunk.timeMsMax = timeMsMax
    for (const column of [...chunk.#plain(), ...chunk.entries]) unpacker.numbers(column, length)
    unpacker.numbers(chunk.bits, length * shape.bitWords)
    for (const text of chunk.texts) text.unpack(unpacker, length)
    return chunk
  }

  get #bitWords(): number {
    return this.bits.length / CHUNK_ROWS
  }

  #plain(): (Float64Array | Int32Array | Uint32Array | Uint16Array)[] {
    const { timesMs, offsets, sources, types, codes, numbers, highs, lows, slots, chains } = this
    return [timesMs, offsets, sources, types, ...codes, ...numbers, ...highs, ...lows, ...slots, ...chains]
  }
}
