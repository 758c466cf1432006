import { DECIMAL_NULL_HIGH } from '../model/block.ts'
import type { Value } from '../model/expression.ts'
import { addToSquares, addToSum, SQUARE_CELLS, SUM_CELLS, sumAsDouble, varianceNumerator } from '../state/exact.ts'
import type { Memory } from '../state/memory.ts'
import { PairCounts } from '../state/pair-counts.ts'
import type { Chunk, ColumnRef } from '../state/rows.ts'
import { Skyline } from '../state/skyline.ts'
import type { Context } from './context.ts'

export type FeedKind = 'events' | 'values' | 'sum' | 'squares' | 'distinct' | 'min' | 'max' | 'points' | 'cappedPoints'

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
}

/** Whole points in which ranking weights are counted: six decimals, exactly. */
export const POINT = 1_000_000

/**
 * One running number of every key, fed by the events that enter and leave one window. Rules that ask alike share it.
 * `cell` is its first cell, counted from the key's base.
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
  readonly #pairs: PairCounts | null
  readonly #skyline: Skyline | null

  constructor(init: {
    memory: Memory
    kind: FeedKind
    cell: number
    word: number
    mask: number
    column: ColumnRef | null
    weights?: Float64Array
    capPoints?: number
  }) {
    this.kind = init.kind
    this.cell = init.cell
    this.cells = CELLS[init.kind]
    this.word = init.word
    this.mask = init.mask
    this.column = init.column
    this.weights = init.weights ?? new Float64Array(0)
    this.capPoints = init.capPoints ?? 0
    const { memory, kind } = init
    const isCapped = kind === 'cappedPoints'
    this.#pairs = kind === 'distinct' || isCapped ? new PairCounts(memory, isCapped) : null
    this.#skyline = kind === 'min' || kind === 'max' ? new Skyline(memory, kind) : null
  }

  /** The event enters (sign 1) or leaves (-1). It has passed the filter; its key's cells begin at `base`. */
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
        if (code < 0) return
        const after = (this.#pairs as PairCounts).add(slot, code, sign)
        if (sign === 1 ? after === 1 : after === 0) cells[cell] += sign
        return
      }
      case 'min':
      case 'max': {
        if (this.#isNull(chunk, at)) return
        const skyline = this.#skyline as Skyline
        if (sign === 1) skyline.add(cells, cell, chunk.timesMs[at], this.#double(chunk, at))
        else skyline.expire(cells, cell, chunk.timesMs[at])
        return
      }
      case 'points':
        cells[cell] += sign * this.weights[chunk.types[at]]
        return
      case 'cappedPoints': {
        const weight = this.weights[chunk.types[at]]
        if (weight === 0) return
        const after = (this.#pairs as PairCounts).add(
          slot,
          chunk.codes[(this.column as ColumnRef).index][at],
          sign * weight,
        )
        const before = after - sign * weight
        cells[cell] += Math.min(after, this.capPoints) - Math.min(before, this.capPoints)
        return
      }
    }
  }

  /** Least or greatest value; only when the feed's cell is not 0. */
  extreme(cells: Float64Array, base: number): number {
    return (this.#skyline as Skyline).best(cells, base + this.cell)
  }

  /** Pairs held by a distinct count, for the metric. */
  get pairs(): number {
    return this.#pairs?.size ?? 0
  }

  #isNull(chunk: Chunk, at: number): boolean {
    const { store, index } = this.column as ColumnRef
    if (store === 'decimal') return chunk.highs[index][at] === DECIMAL_NULL_HIGH && chunk.lows[index][at] === 0
    return Number.isNaN(chunk.numbers[index][at])
  }

  #double(chunk: Chunk, at: number): number {
    const { store, index, scale } = this.column as ColumnRef
    if (store === 'decimal') return (chunk.highs[index][at] * 0x1_0000_0000 + chunk.lows[index][at]) / 10 ** scale
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
    const unit = 10 ** (sum.column as ColumnRef).scale
    return () => sumAsDouble(context.cells, context.base + cell) / unit
  },
  avg(context: Context, sum: Feed, values: Feed): () => Value {
    const total = readers.sum(context, sum) as () => number
    return () => {
      const n = context.cells[context.base + values.cell]
      return n === 0 ? null : total() / n
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
      return Math.sqrt(varianceNumerator(cells, base + sum.cell, base + squares.cell, n)) / n / unit
    }
  },
}
