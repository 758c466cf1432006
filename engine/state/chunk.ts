import { DECIMAL_NULL_HIGH } from '../model/block.ts'
import { corrupt, Packer, type Packing, Unpacker } from './packing.ts'
import { TextColumn } from './text-column.ts'

export const CHUNK_ROWS_BITS = 12
export const CHUNK_ROWS = 1 << CHUNK_ROWS_BITS
/** Between two columns: without a cache line there, an event's values would all compete for the same few lines. */
const APART_BYTES = 64

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

/** What another thread needs to read or fill a chunk; the memory itself is shared, not sent. */
export interface ChunkParts {
  readonly shape: RowShape
  readonly buffer: SharedArrayBuffer
  readonly length: number
  readonly timeMsMax: number
  readonly texts: readonly Uint8Array[]
}

/** 4,096 events in order of arrival, as columns in one shared buffer. */
export class Chunk implements ChunkMoment {
  length = 0
  /** All its events have entered every window and no late one comes before them: it changes no more. */
  isFrozen = false
  /** Newest time of its events, and of those that arrived before. */
  timeMsMax = Number.NEGATIVE_INFINITY
  readonly timesMs: Float64Array
  readonly offsets: Float64Array
  readonly sources: Uint16Array
  /** Index of the event's type in the layout; it tells the stream as well. */
  readonly types: Uint16Array
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

  readonly #shape: RowShape
  readonly #buffer: SharedArrayBuffer

  /** `buffer`: of a chunk of the same shape, whose columns these are as well. Without one it is empty. */
  constructor(shape: RowShape, buffer?: SharedArrayBuffer) {
    this.#shape = shape
    this.#buffer = buffer ?? new SharedArrayBuffer(bytesOf(shape))
    let at = 0
    const column = <A>(type: ColumnType<A>, perRow = 1): A => {
      const made = new type(this.#buffer, at, CHUNK_ROWS * perRow)
      at += CHUNK_ROWS * perRow * type.BYTES_PER_ELEMENT + APART_BYTES
      return made
    }
    const columns = <A>(count: number, type: ColumnType<A>): A[] => Array.from({ length: count }, () => column(type))
    this.timesMs = column(Float64Array)
    this.offsets = column(Float64Array)
    this.sources = column(Uint16Array)
    this.types = column(Uint16Array)
    this.bits = column(Uint32Array, shape.bitWords)
    this.codes = columns(shape.codes, Int32Array)
    this.numbers = columns(shape.numbers, Float64Array)
    this.highs = columns(shape.decimals, Int32Array)
    this.lows = columns(shape.decimals, Uint32Array)
    this.slots = columns(shape.keySpaces, Int32Array)
    this.chains = columns(shape.keySpaces, Uint32Array)
    this.entries = columns(shape.entries, Float64Array)
    this.texts = Array.from({ length: shape.texts }, () => new TextColumn(column(Uint32Array), column(Uint8Array)))
    if (!buffer) this.clear()
  }

  /** The chunk that another thread sent. */
  static of(parts: ChunkParts): Chunk {
    const chunk = new Chunk(parts.shape, parts.buffer)
    chunk.adopt(parts)
    return chunk
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

  get parts(): ChunkParts {
    const { length, timeMsMax } = this
    const texts = this.texts.map((text) => text.bytes)
    return { shape: this.#shape, buffer: this.#buffer, length, timeMsMax, texts }
  }

  /** Takes over what another thread filled this chunk's buffer with. */
  adopt({ length, timeMsMax, texts }: Pick<ChunkParts, 'length' | 'timeMsMax' | 'texts'>): void {
    this.length = length
    this.timeMsMax = timeMsMax
    for (const [i, text] of this.texts.entries()) text.adopt(texts[i], length)
  }

  /** In memory; the bytes of texts left out. */
  get bytes(): number {
    return this.#buffer.byteLength
  }

  /** Of its texts, in memory: what they take, not what they use. */
  get textBytes(): number {
    return this.texts.reduce((sum, text) => sum + text.bytes.length, 0)
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

  /** Newest time of the events in a packed chunk. */
  static packedTimeMsMax(bytes: Uint8Array): number {
    return new Unpacker(bytes).numbers(new Float64Array(2), 2)[1]
  }

  /** `chunk`: an empty one, or one whose every row will be another. */
  static unpack(shape: RowShape, bytes: Uint8Array, chunk: Chunk = new Chunk(shape)): Chunk {
    const unpacker = new Unpacker(bytes)
    const [length, timeMsMax] = unpacker.numbers(new Float64Array(2), 2)
    if (!Number.isInteger(length) || length < 0 || length > CHUNK_ROWS) throw corrupt(`${length} rows`)
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

interface ColumnType<A> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: SharedArrayBuffer, at: number, length: number): A
}

function bytesOf({ codes, numbers, decimals, texts, bitWords, keySpaces, entries }: RowShape): number {
  const columns = 5 + codes + numbers + 2 * decimals + 2 * keySpaces + entries + 2 * texts
  const wide = 2 + numbers + entries
  const words = bitWords + codes + 2 * decimals + 2 * keySpaces + texts
  return CHUNK_ROWS * (8 * wide + 4 * words + 2 * 2 + texts) + columns * APART_BYTES
}
