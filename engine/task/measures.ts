import { decimalToNumber } from '../kit/decimal.ts'
import { DECIMAL_NULL_HIGH } from '../model/block.ts'
import type { Counter } from '../model/counters.ts'
import type { Value } from '../model/expression.ts'
import type { Budget } from '../state/budget.ts'
import type { Chunk, ColumnRef } from '../state/chunk.ts'
import { CHUNK_ROWS } from '../state/chunk.ts'
import { addToSquares, addToSum, quotientOfSum, SQUARE_CELLS, SUM_CELLS, varianceNumerator } from '../state/exact.ts'
import type { LatestPairs } from '../state/latest-pairs.ts'
import { bucketOf, valueOfBucket } from '../state/log-buckets.ts'
import type { Memory } from '../state/memory.ts'
import { PairCounts } from '../state/pair-counts.ts'
import { RankTree } from '../state/rank-tree.ts'
import { Skyline } from '../state/skyline.ts'
import type { StringTable } from '../state/string-table.ts'
import { TALLY_CELLS, Tally } from '../state/tally.ts'
import { compareCells } from './alert.ts'
import type { Context } from './context.ts'
import type { TumblingWindow } from './tumbling.ts'

/** `tally`: values by their frequency; `ranks`: by their size, in log buckets. */
export type FeedKind =
  | 'events'
  | 'values'
  | 'sum'
  | 'squares'
  | 'distinct'
  | 'min'
  | 'max'
  | 'points'
  | 'cappedPoints'
  | 'last'
  | 'tally'
  | 'ranks'

const CELLS: Readonly<Record<FeedKind, number>> = {
  events: 1,
  values: 1,
  sum: SUM_CELLS,
  squares: SQUARE_CELLS,
  distinct: 1,
  min: 2,
  max: 2,
  points: 1,
  cappedPoints: 1,
  last: 3,
  tally: TALLY_CELLS,
  ranks: 1,
}

/** Distinct counts over sliding windows that look at the same pairs of key and value. */
export interface DistinctGroup {
  readonly pairs: LatestPairs
  /** Which of the row marks are its own. */
  readonly kind: number
  /** Of the rules that ask for it. */
  readonly refusals: Counter[]
  longestMs: number
  /** What `pairs` said of the event that is entering: the longest window is entered first. */
  sinceMs: number
}

/** Whole points in which ranking weights are counted: six decimals, exactly. */
export const POINT = 1_000_000

/** Cells of `last`: whether there is one, its time, and the value (a code that its row holds, or a number). */
const LAST_TIME = 1
const LAST_VALUE = 2

/**
 * One running number of every key, fed by the events that enter and leave one window. Rules that ask alike share it.
 * `cell` is its first cell, counted from the key's base.
 *
 * Nothing leaves a tumbling window: its cells are cleared when an event enters a later one. What a feed keeps beyond its
 * cells goes by `retire`, when the window's events are let go.
 */
export class Feed {
  readonly kind: FeedKind
  readonly cell: number
  readonly cells: number
  /** Filter bit that an event must have, as word and mask; mask 0 = every event of the feed's types. */
  readonly word: number
  readonly mask: number
  readonly column: ColumnRef | null
  /** `points`: by type index, in POINTs. */
  readonly weights: Float64Array
  readonly capPoints: number
  /** Null for sliding windows. */
  readonly tumbling: TumblingWindow | null
  /** Bit of an event that found no room here, as word and mask: it does not leave what it has not entered. */
  refusedWord = 0
  refusedMask = 0
  /** Of the rules that ask for it. */
  readonly refusals: Counter[]
  /** Of a sliding `distinct`. */
  readonly group: DistinctGroup | null
  readonly #context: Context
  readonly #pairs: PairCounts | null
  readonly #skyline: Skyline | null
  readonly #tally: Tally | null
  readonly #ranks: RankTree | null

  constructor(init: {
    memory: Memory
    values: Budget
    context: Context
    kind: FeedKind
    cell: number
    word: number
    mask: number
    column: ColumnRef | null
    weights?: Float64Array
    capPoints?: number
    tumbling?: TumblingWindow | null
    group: DistinctGroup | null
  }) {
    this.kind = init.kind
    this.cell = init.cell
    this.cells = CELLS[init.kind]
    this.word = init.word
    this.mask = init.mask
    this.column = init.column
    this.weights = init.weights ?? new Float64Array(0)
    this.capPoints = init.capPoints ?? 0
    const { memory, kind, values } = init
    this.#context = init.context
    this.tumbling = init.tumbling ?? null
    const slides = this.tumbling === null
    this.group = init.group
    this.refusals = init.group?.refusals ?? []
    const counts = kind === 'cappedPoints' || (kind === 'distinct' && !slides)
    this.#pairs = counts ? new PairCounts(memory, true, values) : null
    this.#skyline = slides && (kind === 'min' || kind === 'max') ? new Skyline(memory, kind) : null
    this.#tally = kind === 'tally' ? new Tally(memory, values) : null
    this.#ranks = kind === 'ranks' ? new RankTree(memory, values) : null
  }

  /** True when it keeps more than its cells: `retire` wants to hear of events that are let go. */
  get retires(): boolean {
    return this.tumbling !== null && (this.kind === 'distinct' || this.kind === 'tally' || this.kind === 'ranks')
  }

  /** True when events that find no room must be told apart as they leave. */
  get marks(): boolean {
    const { kind } = this
    const remembers = kind === 'cappedPoints' || kind === 'tally' || kind === 'ranks'
    return remembers && this.tumbling === null
  }

  /** There is no room for a new value: the event counts for nothing here, now and when it leaves. */
  refuse(chunk: Chunk, at: number): void {
    if (this.refusedMask !== 0) chunk.bits[(at * chunk.bits.length) / CHUNK_ROWS + this.refusedWord] |= this.refusedMask
    if (this.#context.evaluating) for (const counter of this.refusals) counter.value++
  }

  #isRefused(chunk: Chunk, at: number): boolean {
    return (chunk.bits[(at * chunk.bits.length) / CHUNK_ROWS + this.refusedWord] & this.refusedMask) !== 0
  }

  /**
   * The event enters (sign 1) or leaves (-1), not for a sliding `distinct`: generated code does that. It has passed the filter; its key's cells
   * begin at `base`.
   */
  apply(cells: Float64Array, base: number, slot: number, chunk: Chunk, at: number, sign: 1 | -1): void {
    const cell = base + this.cell
    switch (this.kind) {
      case 'events':
        cells[cell] += sign
        return
      case 'values':
        if (!this.#isNull(chunk, at)) cells[cell] += sign
        return
      case 'sum':
        this.#addExact(addToSum, cells, cell, chunk, at, sign)
        return
      case 'squares':
        this.#addExact(addToSquares, cells, cell, chunk, at, sign)
        return
      case 'distinct': {
        const code = chunk.codes[(this.column as ColumnRef).index][at]
        if (code >= 0) this.#countOnce(cells, cell, slot, code, (this.tumbling as TumblingWindow).epoch, chunk, at)
        return
      }
      case 'min':
      case 'max': {
        if (this.#isNull(chunk, at)) return
        const skyline = this.#skyline
        if (skyline === null) this.#keepExtreme(cells, cell, this.#double(chunk, at))
        else if (sign === 1) skyline.add(cells, cell, chunk.timesMs[at], this.#double(chunk, at))
        else skyline.expire(cells, cell, chunk.timesMs[at])
        return
      }
      case 'points':
        cells[cell] += sign * this.weights[chunk.types[at]]
        return
      case 'cappedPoints': {
        const weight = this.weights[chunk.types[at]]
        if (weight === 0 || (sign === -1 && this.#isRefused(chunk, at))) return
        const after = (this.#pairs as PairCounts).add(
          slot,
          chunk.codes[(this.column as ColumnRef).index][at],
          sign * weight,
        )
        if (sign === 1 && after === 0) {
          this.refuse(chunk, at)
          return
        }
        const before = after - sign * weight
        cells[cell] += Math.min(after, this.capPoints) - Math.min(before, this.capPoints)
        return
      }
      case 'last':
        this.#keepLast(cells, cell, chunk, at, sign)
        return
      case 'tally': {
        const code = chunk.codes[(this.column as ColumnRef).index][at]
        if (code < 0) return
        const tally = this.#tally as Tally
        if (sign === -1) {
          if (!this.#isRefused(chunk, at)) tally.remove(cells, cell, slot, code)
        } else if (!tally.add(cells, cell, slot, code, this.tumbling === null ? 0 : this.tumbling.epoch))
          this.refuse(chunk, at)
        return
      }
      case 'ranks': {
        if (this.#isNull(chunk, at)) return
        const bucket = bucketOf(this.#double(chunk, at))
        const ranks = this.#ranks as RankTree
        if (sign === -1) {
          if (!this.#isRefused(chunk, at)) ranks.remove(cells, cell, bucket)
        } else if (!ranks.add(cells, cell, bucket)) this.refuse(chunk, at)
        return
      }
    }
  }

  /** Empties the key's cells: a tumbling window begins. */
  clear(cells: Float64Array, base: number): void {
    const cell = base + this.cell
    this.#ranks?.clear(cells, cell)
    cells.fill(0, cell, cell + this.cells)
  }

  /**
   * An event of the tumbling window `epoch`, which is over, is let go. `isCleared`: the key's cells stand for a later
   * window by now.
   */
  retire(cells: Float64Array, base: number, slot: number, chunk: Chunk, at: number, epoch: number, isCleared: boolean) {
    if (this.#ranks !== null) {
      if (!isCleared) this.#ranks.clear(cells, base + this.cell)
      return
    }
    const code = chunk.codes[(this.column as ColumnRef).index][at]
    if (code < 0) return
    if (this.#tally !== null) this.#tally.retire(cells, base + this.cell, slot, code, epoch)
    else {
      const pairs = this.#pairs as PairCounts
      const counted = pairs.add(slot, code, 0)
      if (counted !== 0 && counted <= epoch) pairs.add(slot, code, -counted)
    }
  }

  /** Least or greatest value; only when the feed's cell is not 0. */
  extreme(cells: Float64Array, base: number): number {
    const cell = base + this.cell
    return this.#skyline === null ? cells[cell + 1] : this.#skyline.best(cells, cell)
  }

  /** Share of the most frequent value; null when there is none. */
  share(cells: Float64Array, base: number): number | null {
    return (this.#tally as Tally).share(cells, base + this.cell)
  }

  /** Codes of the most frequent values. */
  top(cells: Float64Array, base: number, k: number, before: (code: number, other: number) => boolean): number[] {
    return (this.#tally as Tally).top(cells, base + this.cell, k, before)
  }

  /** Value of the bucket in which the percentile lies; null when there is none. */
  percentile(cells: Float64Array, base: number, p: number): number | null {
    const ranks = this.#ranks as RankTree
    const total = ranks.total(cells, base + this.cell)
    if (total === 0) return null
    return valueOfBucket(ranks.ofRank(cells, base + this.cell, Math.max(1, Math.ceil((p / 100) * total))))
  }

  /** `distinct` in tumbling windows: a pair keeps the window in which it was counted last. */
  #countOnce(
    cells: Float64Array,
    cell: number,
    slot: number,
    code: number,
    epoch: number,
    chunk: Chunk,
    at: number,
  ): void {
    const pairs = this.#pairs as PairCounts
    const counted = pairs.add(slot, code, 0)
    if (counted === epoch) return
    if (pairs.add(slot, code, epoch - counted) === 0) this.refuse(chunk, at)
    else cells[cell]++
  }

  #keepExtreme(cells: Float64Array, cell: number, value: number): void {
    const isBetter = this.kind === 'max' ? value > cells[cell + 1] : value < cells[cell + 1]
    if (cells[cell] === 0 || isBetter) cells[cell + 1] = value
    cells[cell] = 1
  }

  /** All events of one time leave together, so nothing is left behind the one that is kept. */
  #keepLast(cells: Float64Array, cell: number, chunk: Chunk, at: number, sign: 1 | -1): void {
    const { store, index } = this.column as ColumnRef
    const timeMs = chunk.timesMs[at]
    if (store === 'code' ? chunk.codes[index][at] < 0 : this.#isNull(chunk, at)) return
    if (sign === -1) {
      if (cells[cell + LAST_TIME] === timeMs) cells[cell] = 0
    } else if (cells[cell] === 0 || timeMs >= cells[cell + LAST_TIME]) {
      cells[cell] = 1
      cells[cell + LAST_TIME] = timeMs
      cells[cell + LAST_VALUE] = store === 'code' ? chunk.codes[index][at] : this.#double(chunk, at)
    }
  }

  #isNull(chunk: Chunk, at: number): boolean {
    const { store, index } = this.column as ColumnRef
    if (store === 'decimal') return chunk.highs[index][at] === DECIMAL_NULL_HIGH && chunk.lows[index][at] === 0
    return Number.isNaN(chunk.numbers[index][at])
  }

  #double(chunk: Chunk, at: number): number {
    const { store, index, scale } = this.column as ColumnRef
    if (store === 'decimal') return decimalToNumber(chunk.highs[index][at], chunk.lows[index][at], scale)
    return chunk.numbers[index][at]
  }

  #addExact(add: typeof addToSum, cells: Float64Array, cell: number, chunk: Chunk, at: number, sign: 1 | -1): void {
    if (this.#isNull(chunk, at)) return
    const { store, index, scale } = this.column as ColumnRef
    if (store === 'decimal') {
      add(cells, cell, chunk.highs[index][at], chunk.lows[index][at], sign)
      return
    }
    const fixed =
      scale === 0 ? Math.round(chunk.numbers[index][at]) : Math.round(chunk.numbers[index][at] * 10 ** scale)
    const high = Math.floor(fixed / 0x1_0000_0000)
    add(cells, cell, high, fixed - high * 0x1_0000_0000, sign)
  }
}

/** Closures that read a measure of the key at hand: number, null in an empty window. */
export const readers = {
  count(context: Context, feed: Feed): () => Value {
    const { cell } = feed
    return () => context.cells[context.base + cell]
  },
  sum(context: Context, sum: Feed): () => Value {
    const { cell } = sum
    const { scale } = sum.column as ColumnRef
    return () => quotientOfSum(context.cells, context.base + cell, 1, scale)
  },
  avg(context: Context, sum: Feed, values: Feed): () => Value {
    const { scale } = sum.column as ColumnRef
    return () => {
      const { cells, base } = context
      const n = cells[base + values.cell]
      return n === 0 ? null : quotientOfSum(cells, base + sum.cell, n, scale)
    }
  },
  extreme(context: Context, feed: Feed): () => Value {
    const { cell } = feed
    return () => (context.cells[context.base + cell] === 0 ? null : feed.extreme(context.cells, context.base))
  },
  stddev(context: Context, sum: Feed, squares: Feed, values: Feed): () => Value {
    const unit = 10 ** (sum.column as ColumnRef).scale
    return () => {
      const { cells, base } = context
      const n = cells[base + values.cell]
      if (n === 0) return null
      return Math.sqrt(varianceNumerator(cells, base + sum.cell, base + squares.cell, n)) / (n * unit)
    }
  },
  last(context: Context, feed: Feed, strings: StringTable, isBoolean: boolean): () => Value {
    const { cell } = feed
    const isCode = feed.column?.store === 'code'
    return () => {
      const { cells, base } = context
      if (cells[base + cell] === 0) return null
      const value = cells[base + cell + LAST_VALUE]
      if (isCode) return strings.value(value)
      return isBoolean ? value !== 0 : value
    }
  },
  share(context: Context, feed: Feed): () => Value {
    return () => feed.share(context.cells, context.base)
  },
  top(context: Context, feed: Feed, strings: StringTable, k: number, isBoolean: boolean): () => Value {
    const before = (a: number, b: number): boolean => compareCells(strings.value(a), strings.value(b)) < 0
    return () => {
      const codes = feed.top(context.cells, context.base, k, before)
      if (codes.length === 0) return null
      return codes.map((code) => (isBoolean ? strings.value(code) !== 0 : strings.value(code)))
    }
  },
  percentile(context: Context, feed: Feed, p: number): () => Value {
    return () => feed.percentile(context.cells, context.base, p)
  },
}
