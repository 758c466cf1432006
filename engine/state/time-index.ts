import assert from 'node:assert/strict'
import type { HeldBytes } from './held-bytes.ts'
import { asDoubles, packArrays, unpackArrays } from './packed-arrays.ts'
import { corrupt, Packer, type Packing, Unpacker } from './packing.ts'
import type { Segments } from './segments.ts'

const SEGMENT = 4096
const GONE = new Float64Array(0)

/** One stretch of the index: rows in time order, equal times in order of arrival. */
interface Segment {
  /** Of length 0 while the segment is in its file only. */
  timesMs: Float64Array
  rows: Float64Array
  length: number
  /** Its number in the file; -1 = it is not frozen. */
  number: number
  /** A snapshot looks at what is in the arrays now: copy them before that changes. */
  isSaved: boolean
  older: Segment | null
  younger: Segment | null
}

/**
 * A place in the index: all that stands before it is gone (or, for an entry cursor, is in), or is passed over: the cursor
 * is as good as blind for it, and stands before the next event that it sees.
 */
export class Cursor {
  segment: Segment
  at = 0
  /** Row of an event that it sees: it is not asked for again. */
  #seen = -1
  readonly #load: (segment: Segment) => void
  readonly #sees: ((row: number) => boolean) | null

  constructor(segment: Segment, load: (segment: Segment) => void, sees: ((row: number) => boolean) | null) {
    this.segment = segment
    this.#load = load
    this.#sees = sees
  }

  /** Time of the event that is next, or Infinity. */
  peekTime(): number {
    for (;;) {
      while (this.at >= this.segment.length) {
        if (this.segment.younger === null) return Number.POSITIVE_INFINITY
        this.segment = this.segment.younger
        this.at = 0
        if (this.segment.timesMs === GONE) this.#load(this.segment)
      }
      if (this.#sees === null) break
      const row = this.segment.rows[this.at]
      if (row === this.#seen) break
      if (this.#sees(row)) {
        this.#seen = row
        break
      }
      this.at++
    }
    return this.segment.timesMs[this.at]
  }

  sees(row: number): boolean {
    return this.#sees === null || this.#sees(row)
  }

  /** Row of the event that is next; -1 = there is none. */
  peekRow(): number {
    return this.peekTime() === Number.POSITIVE_INFINITY ? -1 : this.segment.rows[this.at]
  }

  /** Row of the event that is next; the cursor moves past it. Only after peekTime gave a time. */
  take(): number {
    return this.segment.rows[this.at++]
  }
}

/**
 * The held events in time order, with cursors that walk them.
 *
 * Shape   linked segments of at most 4,096 (time, row) pairs; a full one splits in two when a late event comes in
 * Cost    an event at the young end: O(1); a late one: a search and a move within one segment
 * Memory  16 bytes an event; a segment goes when every cursor has left it
 * Files   with `segments`, one that changes no more is written there, and leaves memory until a cursor comes to it
 */
export class TimeIndex {
  readonly cursors: Cursor[] = []
  #oldest: Segment = newSegment()
  #youngest: Segment = this.#oldest
  readonly #segments: Segments | null
  #nextNumber = 0
  /** Number of the first segment that a snapshot under way may ask for. */
  #pinned = Number.POSITIVE_INFINITY
  /** First segment that is not frozen. */
  #thawed: Segment = this.#oldest
  readonly #frozenInMemory = new Set<Segment>()

  constructor(segments: Segments | null = null) {
    this.#segments = segments
  }

  /** `sees`: says of a row, always the same, whether the cursor stops at it; null = at all of them. */
  addCursor(sees: ((row: number) => boolean) | null = null): Cursor {
    const cursor = new Cursor(this.#oldest, (segment) => this.#load(segment), sees)
    this.cursors.push(cursor)
    return cursor
  }

  /** For an event not older than any event before it. */
  append(timeMs: number, row: number): void {
    let segment = this.#youngest
    if (segment.length === SEGMENT) segment = this.#addSegment()
    segment.timesMs[segment.length] = timeMs
    segment.rows[segment.length++] = row
  }

  /**
   * For an event of any time. `throughMs(i)`: the time through which cursor i has walked; it passes such an event, and
   * comes back to a younger one that it sees, where it has passed over others.
   */
  insert(timeMs: number, row: number, throughMs: (cursor: number) => number): void {
    for (const cursor of this.cursors) cursor.peekTime() // moves cursors at a segment's end on to the next one
    let segment = this.#youngest
    while (segment !== this.#thawed && segment.older !== null && (segment.length === 0 || segment.timesMs[0] > timeMs))
      segment = segment.older
    let at = upperBound(segment, timeMs)
    if (at === segment.length && segment.younger !== null) {
      segment = segment.younger
      at = 0
    }
    if (segment.length === SEGMENT) {
      this.#split(segment)
      if (at >= segment.length) {
        at -= segment.length
        segment = segment.younger as Segment
      }
    }
    if (segment.isSaved) {
      segment.timesMs = segment.timesMs.slice()
      segment.rows = segment.rows.slice()
      segment.isSaved = false
    }
    segment.timesMs.copyWithin(at + 1, at, segment.length)
    segment.rows.copyWithin(at + 1, at, segment.length)
    segment.timesMs[at] = timeMs
    segment.rows[at] = row
    segment.length++
    for (let i = 0; i < this.cursors.length; i++) {
      const cursor = this.cursors[i]
      const isPast = timeMs <= throughMs(i)
      if (cursor.segment === segment && (at < cursor.at || (at === cursor.at && isPast))) cursor.at++
      if (
        !isPast &&
        cursor.sees(row) &&
        !(cursor.segment.timesMs[cursor.at] <= timeMs && cursor.at < cursor.segment.length)
      ) {
        cursor.segment = segment
        cursor.at = at
      }
    }
  }

  /** Lets go of segments that every cursor has left. Call it now and then. */
  trim(): void {
    while (this.#oldest.younger !== null && this.cursors.every((c) => c.segment !== this.#oldest)) {
      this.#frozenInMemory.delete(this.#oldest)
      if (this.#thawed === this.#oldest) this.#thawed = this.#oldest.younger
      if (this.#oldest.number >= 0) this.#segments?.drop(Math.min(this.#oldest.number + 1, this.#pinned))
      this.#oldest = this.#oldest.younger
      this.#oldest.older = null
    }
  }

  /** Freezes segments whose events are all older than `beforeMs`: no event will be put among them any more. */
  freeze(beforeMs: number): void {
    while (this.#thawed.younger !== null && this.#thawed.timesMs[this.#thawed.length - 1] < beforeMs) {
      const segment = this.#thawed
      segment.number = this.#nextNumber++
      this.#segments?.write(segment.number, packSegment(segment))
      this.#frozenInMemory.add(segment)
      this.#thawed = this.#thawed.younger
    }
    if (this.#segments === null) return
    for (const segment of this.#frozenInMemory) {
      if (this.#frozenInMemory.size <= this.#segments.inMemoryMax) break
      if (this.cursors.some((c) => c.segment === segment)) continue
      segment.timesMs = GONE
      segment.rows = GONE
      this.#frozenInMemory.delete(segment)
    }
  }

  /** Row of the next event of each cursor that has one. What follows in a file is asked for in time. */
  cursorRows(): number[] {
    const rows: number[] = []
    for (const cursor of this.cursors) {
      const row = cursor.peekRow()
      if (row >= 0) rows.push(row)
      const { younger } = cursor.segment
      if (younger && younger.timesMs === GONE) this.#segments?.ahead(younger.number)
    }
    return rows
  }

  #load(segment: Segment): void {
    ;[segment.timesMs, segment.rows] = this.#read(segment)
    this.#frozenInMemory.add(segment)
  }

  #read({ number }: Segment): [timesMs: Float64Array, rows: Float64Array] {
    return unpackSegment((this.#segments as Segments).read(number))
  }

  /** All of it as bytes of this moment, that may be asked for later. */
  save(): Pick<HeldBytes, 'index' | 'hot' | 'release'> {
    const segments: Segment[] = []
    for (let s: Segment | null = this.#oldest; s !== null; s = s.younger) segments.push(s)
    const places = this.cursors.flatMap(({ segment, at }) => [segments.indexOf(segment), at])
    const index = segments.filter((s) => s.number >= 0)
    this.#pinned = index[0]?.number ?? Number.POSITIVE_INFINITY
    return {
      index: index.map((s) => ({ number: s.number, isFinal: true, packing: () => this.#packing(s) })),
      hot: [
        { bytes: () => packArrays([Float64Array.from(places)]) },
        ...segments.slice(index.length).map((s) => {
          s.isSaved = true
          const arrays = [s.timesMs.subarray(0, s.length), s.rows.subarray(0, s.length)]
          return { bytes: () => packArrays(arrays) }
        }),
      ],
      release: () => {
        this.#pinned = Number.POSITIVE_INFINITY
      },
    }
  }

  *#packing(segment: Segment): Packing {
    const packed = this.#segments?.copy(segment.number)
    if (packed) return packed
    yield 2 * segment.length
    return packSegment(segment)
  }

  /** Into an index that is empty and has as many cursors as the saved one. `frozen`: oldest first, from number `first` on. */
  load(frozen: readonly Uint8Array[], first: number, [cursors, ...hot]: readonly Uint8Array[]): void {
    const segments: Segment[] = []
    const add = (segment: Segment): void => {
      segment.older = segments.at(-1) ?? null
      if (segment.older) segment.older.younger = segment
      segments.push(segment)
    }
    frozen.forEach((bytes, i) => {
      const [timesMs, rows] = unpackSegment(bytes)
      const isGone = this.#segments !== null
      const arrays = isGone ? { timesMs: GONE, rows: GONE } : { timesMs, rows }
      add({ ...newSegment(), ...arrays, length: timesMs.length, number: first + i })
      this.#segments?.write(first + i, bytes)
    })
    this.#nextNumber = first + frozen.length
    for (const [timesMs, rows] of hot.map(unpackArrays)) {
      const segment = newSegment()
      segment.timesMs.set(asDoubles(timesMs))
      segment.rows.set(asDoubles(rows))
      segment.length = timesMs.length / 8
      add(segment)
    }
    this.#oldest = segments[0]
    this.#thawed = segments[frozen.length]
    this.#youngest = segments[segments.length - 1]
    const at = asDoubles(unpackArrays(cursors)[0])
    this.cursors.forEach((cursor, i) => {
      cursor.segment = segments[at[i * 2]]
      cursor.at = at[i * 2 + 1]
      if (cursor.segment.timesMs === GONE) this.#load(cursor.segment)
    })
  }

  #addSegment(): Segment {
    const segment = newSegment()
    segment.older = this.#youngest
    this.#youngest.younger = segment
    this.#youngest = segment
    this.trim()
    return segment
  }

  #split(full: Segment): void {
    assert(full.length === SEGMENT)
    const half = SEGMENT >> 1
    const second = newSegment()
    second.timesMs.set(full.timesMs.subarray(half))
    second.rows.set(full.rows.subarray(half))
    second.length = SEGMENT - half
    full.length = half
    second.older = full
    second.younger = full.younger
    if (full.younger !== null) full.younger.older = second
    else this.#youngest = second
    full.younger = second
    for (const cursor of this.cursors) {
      if (cursor.segment === full && cursor.at >= half) {
        cursor.segment = second
        cursor.at -= half
      }
    }
  }
}

function packSegment({ timesMs, rows, length }: Segment): Uint8Array {
  const packer = new Packer()
  packer.numbers(Float64Array.of(length), 1)
  packer.numbers(timesMs, length)
  packer.numbers(rows, length)
  return packer.finish()
}

function unpackSegment(bytes: Uint8Array): [timesMs: Float64Array, rows: Float64Array] {
  const unpacker = new Unpacker(bytes)
  const [length] = unpacker.numbers(new Float64Array(1), 1)
  if (!Number.isInteger(length) || length < 0 || length > SEGMENT) throw corrupt(`${length} rows`)
  return [unpacker.numbers(new Float64Array(length), length), unpacker.numbers(new Float64Array(length), length)]
}

function newSegment(): Segment {
  return {
    timesMs: new Float64Array(SEGMENT),
    rows: new Float64Array(SEGMENT),
    length: 0,
    number: -1,
    isSaved: false,
    older: null,
    younger: null,
  }
}

/** First place in the segment whose time is above `timeMs`. */
function upperBound(segment: Segment, timeMs: number): number {
  let low = 0
  let high = segment.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (segment.timesMs[middle] <= timeMs) low = middle + 1
    else high = middle
  }
  return low
}
