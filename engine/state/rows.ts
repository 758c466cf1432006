import { decimalToNumber } from '../kit/decimal.ts'
import {
  type Block,
  type Column,
  DECIMAL_NULL_HIGH,
  type DecimalColumn,
  type NumberColumn,
  type StringColumn,
} from '../model/block.ts'
import { CHUNK_ROWS, CHUNK_ROWS_BITS, Chunk, type ColumnRef, type RowShape } from './chunk.ts'
import type { HeldBytes } from './held-bytes.ts'
import { asDoubles, packArrays, unpackArrays } from './packed-arrays.ts'
import type { Packing } from './packing.ts'
import type { Segments } from './segments.ts'
import type { StringTable } from './string-table.ts'

/** Chunks leave memory so many at a time. */
const EVICTED_AT_ONCE = 8
/** Chunks around a cursor that stay: events that came late stand a little before or behind their time. */
const NEAR = 2
/** Chunks that are kept to be used again: each one less is half a megabyte less for the garbage collector to come for. */
const SPARE_MAX = EVICTED_AT_ONCE
/** Texts of a chunk, 256 bytes an event: where chunks have more, fewer of them stay in memory. */
const CHUNK_TEXT_BYTES = 256 * CHUNK_ROWS

/**
 * The events a task holds, numbered in order of arrival (row 0 is the first ever read), in chunks of 4,096.
 *
 * Life    a chunk goes when all its events have left the longest window
 * Files   with `segments`, a chunk that changes no more is written there, and leaves memory until a cursor comes near;
 *         sooner where texts are long: those in memory take no more than 256 bytes for each event that may stay
 * Memory  per event 8 (time) + 8 (offset) + 4 + 4 a filter word, 4 a code, 8 a number or decimal, 8 a key space, texts
 *         at their length + 4
 */
export class Rows {
  readonly shape: RowShape
  readonly strings: StringTable
  readonly #segments: Segments<Chunk> | null
  /** Null: in its segment only. */
  #chunks: (Chunk | null)[] = []
  /** Newest event time of each frozen chunk. */
  #newestMs: number[] = []
  /** Chunks from the oldest on that are frozen. */
  #frozen = 0
  #frozenInMemory = 0
  /** Number of the first chunk that a snapshot under way may ask for. */
  #pinned = Number.POSITIVE_INFINITY
  #lastLoaded = 0
  /** Chunks that may stay in memory, as it was found when chunk `#weighed` was begun. */
  #mayStay = 0
  #weighed = -1
  readonly #spare: Chunk[] = []
  #firstRow = 0
  #endRow = 0
  #outOfRange = 0

  constructor(shape: RowShape, strings: StringTable, segments: Segments<Chunk> | null = null) {
    this.shape = shape
    this.strings = strings
    this.#segments = segments
  }

  get firstRow(): number {
    return this.#firstRow
  }
  get endRow(): number {
    return this.#endRow
  }

  /** Texts left out. */
  get bytesInMemory(): number {
    const last = this.#chunks.at(-1)
    return last ? last.bytes * this.#inMemory : 0
  }

  /** Of the texts that are only kept to be shown, in chunks that are in memory. One look at each chunk. */
  get textBytesInMemory(): number {
    return this.#chunks.reduce((sum, chunk) => sum + (chunk?.textBytes ?? 0), 0)
  }

  get #inMemory(): number {
    return this.#chunks.length - this.#frozen + this.#frozenInMemory + (this.#segments?.aheadParts ?? 0)
  }

  /** Fewer than `inMemoryMax` where their texts are large. */
  #inMemoryMax({ inMemoryMax }: Segments<Chunk>): number {
    const newest = this.#number(this.#chunks.length)
    if (newest !== this.#weighed) {
      this.#weighed = newest
      const kept = this.#chunks.length - this.#frozen + this.#frozenInMemory
      const large = this.textBytesInMemory / CHUNK_TEXT_BYTES / Math.max(1, kept)
      this.#mayStay = Math.max(1, Math.floor(inMemoryMax / Math.max(1, large)))
    }
    return this.#mayStay
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
    const i = (row - this.#firstRow) >> CHUNK_ROWS_BITS
    return this.#chunks[i] ?? this.#load(i)
  }

  /** Place of `row` within its chunk; chunks begin at multiples of 4,096. */
  static at(row: number): number {
    return row % CHUNK_ROWS
  }

  /**
   * Copies the accepted rows of a block behind those held. `mapping[i]` says where the block's column i goes, null =
   * nowhere. Columns without a source stay null. `types` and `sources` are by row.
   */
  append(
    block: Block,
    accepted: Int32Array,
    count: number,
    types: Uint16Array,
    sources: Uint16Array,
    mapping: readonly (readonly ColumnRef[])[],
  ): void {
    for (let done = 0; done < count; ) {
      let chunk = this.#chunks[this.#chunks.length - 1]
      if (!chunk || chunk.length === CHUNK_ROWS) {
        const before = chunk?.timeMsMax ?? Number.NEGATIVE_INFINITY
        chunk = this.#emptyChunk()
        chunk.timeMsMax = before
        this.#chunks.push(chunk)
      }
      const end = Math.min(count, done + CHUNK_ROWS - chunk.length)
      this.#fill(chunk, block, accepted, done, end, types, sources, mapping)
      done = end
    }
    this.#endRow += count
  }

  /** Those accepted from `from` to before `end`. */
  #fill(
    chunk: Chunk,
    block: Block,
    accepted: Int32Array,
    from: number,
    end: number,
    types: Uint16Array,
    sources: Uint16Array,
    mapping: readonly (readonly ColumnRef[])[],
  ): void {
    const first = chunk.length
    for (let i = from, to = first; i < end; i++, to++) {
      const row = accepted[i]
      const timeMs = block.timesMs[row]
      chunk.timesMs[to] = timeMs
      if (timeMs > chunk.timeMsMax) chunk.timeMsMax = timeMs
      chunk.offsets[to] = block.offsets[row]
      chunk.types[to] = types[row]
      chunk.sources[to] = sources[row]
    }
    for (let c = 0; c < mapping.length; c++) {
      const column = block.columns[c]
      for (const ref of mapping[c]) this.#copyColumn(chunk, ref, column, accepted, from, end)
    }
    chunk.length = first + end - from
    for (const text of chunk.texts) text.fillTo(chunk.length)
  }

  #copyColumn(chunk: Chunk, ref: ColumnRef, column: Column, accepted: Int32Array, from: number, end: number): void {
    let to = chunk.length
    if (ref.store === 'text') chunk.texts[ref.index].append(column as StringColumn, accepted, from, end, to)
    else if (ref.store === 'code')
      this.#internColumn(chunk.codes[ref.index], to, column, accepted, from, end, ref.scale)
    else if (ref.store === 'decimal') {
      const { high, low } = column as DecimalColumn
      const highs = chunk.highs[ref.index]
      const lows = chunk.lows[ref.index]
      for (let i = from; i < end; i++, to++) {
        highs[to] = high[accepted[i]]
        lows[to] = low[accepted[i]]
      }
    } else {
      const { values } = column as NumberColumn
      const target = chunk.numbers[ref.index]
      for (let i = from; i < end; i++, to++) {
        const value = values[accepted[i]]
        if (fits(value, ref.scale)) target[to] = value
        else if (!Number.isNaN(value)) this.#outOfRange++
      }
    }
  }

  #internColumn(
    codes: Int32Array,
    first: number,
    column: Column,
    accepted: Int32Array,
    from: number,
    end: number,
    scale: number,
  ): void {
    const strings = this.strings
    let to = first
    if (column.kind === 'string') {
      const { bytes, offsets, nulls } = column
      for (let i = from; i < end; i++, to++) {
        const row = accepted[i]
        if (nulls[row] === 0) codes[to] = strings.intern(bytes, offsets[row], offsets[row + 1])
      }
    } else {
      for (let i = from; i < end; i++, to++) {
        const row = accepted[i]
        if (column.kind === 'decimal') {
          const [high, low] = [column.high[row], column.low[row]]
          if (high !== DECIMAL_NULL_HIGH || low !== 0) codes[to] = strings.internDecimal(high, low, column.scale)
        } else if (fits(column.values[row], scale)) codes[to] = strings.internNumber(column.values[row])
      }
    }
  }

  /** `enteredMs`: events through this time have entered every clock. */
  saveHeld(enteredMs: number): Omit<HeldBytes, 'index'> {
    const first = this.#number(0)
    this.#pinned = first
    const numbers = Float64Array.of(this.#firstRow, this.#endRow, this.#frozen)
    return {
      chunks: this.#chunks.map((chunk, i) => {
        const number = first + i
        if (i < this.#frozen && this.#segments)
          return { number, isFinal: true, packing: () => this.#copy(number, chunk) }
        const kept = chunk as Chunk
        if (kept.length === CHUNK_ROWS && kept.timeMsMax <= enteredMs)
          return { number, isFinal: true, packing: () => kept.packing() }
        const moment = kept.moment()
        return { number, isFinal: false, packing: () => kept.packing(moment) }
      }),
      hot: [{ bytes: () => packArrays([numbers]) }],
      release: () => {
        this.#pinned = Number.POSITIVE_INFINITY
      },
    }
  }

  /** `all`: oldest first. */
  loadHeld(all: readonly Uint8Array[], [hot]: readonly Uint8Array[]): void {
    const [firstRow, endRow, frozenEnd] = asDoubles(unpackArrays(hot)[0])
    this.#firstRow = firstRow
    this.#endRow = endRow
    this.#frozen = frozenEnd
    this.#chunks = all.map((bytes, i) => {
      const isFrozen = i < frozenEnd
      if (isFrozen) this.#newestMs.push(Chunk.packedTimeMsMax(bytes))
      if (isFrozen && this.#segments) {
        this.#segments.write(this.#number(i), bytes)
        if (all.length - i > this.#segments.inMemoryMax) return null
        this.#frozenInMemory++
      }
      const chunk = Chunk.unpack(this.shape, bytes)
      chunk.isFrozen = isFrozen
      return chunk
    })
  }

  /** Lets go of the oldest chunks whose events are all of `throughMs` or older. */
  trim(throughMs: number): void {
    let gone = 0
    for (; gone < this.#chunks.length - 1; gone++) {
      if ((this.#newestMs[gone] ?? (this.#chunks[gone] as Chunk).timeMsMax) > throughMs) break
      const chunk = this.#chunks[gone] ?? this.#load(gone)
      for (const codes of chunk.codes) {
        for (let i = 0; i < CHUNK_ROWS; i++) if (codes[i] >= 0) this.strings.release(codes[i])
      }
      if (chunk.isFrozen) this.#frozenInMemory--
      if (!chunk.isFrozen || this.#isWritten(gone)) this.#keepSpare(chunk)
    }
    if (gone === 0) return
    this.#chunks = this.#chunks.slice(gone)
    this.#newestMs = this.#newestMs.slice(gone)
    this.#firstRow += gone * CHUNK_ROWS
    this.#frozen = Math.max(0, this.#frozen - gone)
    this.#lastLoaded = Math.max(0, this.#lastLoaded - gone)
    this.#segments?.drop(Math.min(this.#number(0), this.#pinned))
  }

  /**
   * Freezes the oldest chunks that are not yet, where all their events are older than `beforeMs`, so that nothing will
   * change them any more, and memory is short.
   */
  freeze(beforeMs: number): void {
    if (this.#segments === null) return
    while (this.#frozen < this.#chunks.length - 1 && this.#inMemory > this.#inMemoryMax(this.#segments)) {
      const chunk = this.#chunks[this.#frozen] as Chunk
      if (chunk.timeMsMax >= beforeMs) return
      chunk.isFrozen = true
      this.#newestMs.push(chunk.timeMsMax)
      this.#segments.write(this.#number(this.#frozen++), chunk)
      this.#frozenInMemory++
    }
  }

  /**
   * Lets frozen chunks out of memory where there are too many, those first that will be needed last: each cursor comes to
   * the chunks that stand behind it. `cursorRows`: where the cursors stand; what lies ahead of them is asked for in time.
   */
  makeRoom(cursorRows: readonly number[]): void {
    if (this.#segments === null || this.#frozen === 0) return
    const trimmed = 0 // the oldest chunks are looked at once more as they go
    const cursors = [trimmed, ...cursorRows.map((row) => Math.floor((row - this.#firstRow) / CHUNK_ROWS))]
    for (const cursor of cursors) {
      for (let i = cursor + 1; i <= cursor + NEAR && i < this.#frozen; i++) {
        if (this.#chunks[i] === null) this.#segments.ahead(this.#number(i), this.#room)
      }
    }
    const inMemoryMax = this.#inMemoryMax(this.#segments)
    if (this.#inMemory < inMemoryMax + EVICTED_AT_ONCE) return
    const far: { i: number; distance: number }[] = []
    for (let i = 0; i < this.#frozen; i++) {
      if (this.#chunks[i] === null) continue
      const distance = nextUse(i, cursors)
      if (distance > NEAR && this.#isWritten(i)) far.push({ i, distance })
    }
    far.sort((a, b) => b.distance - a.distance)
    for (const { i } of far.slice(0, this.#inMemory - inMemoryMax)) {
      this.#keepSpare(this.#chunks[i] as Chunk)
      this.#chunks[i] = null
      this.#frozenInMemory--
    }
  }

  /** Whoever walks a key's events far back sees many chunks once: they do not pile up. */
  #load(i: number): Chunk {
    const segments = this.#segments as Segments<Chunk>
    const isFull = this.#frozenInMemory >= this.#inMemoryMax(segments) + 2 * EVICTED_AT_ONCE
    if (isFull && this.#chunks[this.#lastLoaded]?.isFrozen) {
      this.#chunks[this.#lastLoaded] = null
      this.#frozenInMemory--
    }
    this.#lastLoaded = i
    const chunk = segments.read(this.#number(i), this.#room)
    chunk.isFrozen = true
    this.#chunks[i] = chunk
    this.#frozenInMemory++
    return chunk
  }

  #emptyChunk(): Chunk {
    const chunk = this.#room()
    chunk.clear()
    return chunk
  }

  /** A chunk with whatever is in it. */
  readonly #room = (): Chunk => this.#spare.pop() ?? new Chunk(this.shape)

  /** Its memory is its own again. */
  #isWritten(i: number): boolean {
    return this.#segments?.isWritten(this.#number(i)) ?? false
  }

  /** Between records only: nobody else has the chunk at hand then, but a snapshot under way may. */
  #keepSpare(chunk: Chunk): void {
    if (chunk.textBytes > CHUNK_TEXT_BYTES) return
    if (this.#spare.length < SPARE_MAX && this.#pinned === Number.POSITIVE_INFINITY) this.#spare.push(chunk)
  }

  /** What was packed when the chunk froze; `chunk` where it was in memory then. */
  *#copy(number: number, chunk: Chunk | null): Packing {
    const packed = (this.#segments as Segments<Chunk>).copy(number)
    return packed ?? (yield* (chunk as Chunk).packing())
  }

  /** Number of a chunk in its segments: chunks ever begun before it. */
  #number(i: number): number {
    return this.#firstRow / CHUNK_ROWS + i
  }
}

/** Chunks until a cursor comes to chunk `i`; 0 around a cursor. */
function nextUse(i: number, cursors: readonly number[]): number {
  let distance = Number.POSITIVE_INFINITY
  for (const cursor of cursors) {
    if (Math.abs(i - cursor) <= NEAR) return 0
    if (cursor < i && i - cursor < distance) distance = i - cursor
  }
  return distance
}

/** True when the number's fixed-point form has 63 bits or less. */
export function fits(value: number, scale: number): boolean {
  const limit = 2 ** 63 / 10 ** scale
  return value < limit && value > -limit
}

/** NaN for null. */
export function decimalAsDouble(high: number, low: number, scale: number): number {
  if (high === DECIMAL_NULL_HIGH && low === 0) return Number.NaN
  return decimalToNumber(high, low, scale)
}
