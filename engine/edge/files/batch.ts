import type { Block, Column, StringColumn } from '../../model/block.ts'
import { nullColumn } from '../../model/column.ts'
import type { Stream } from '../../model/stream.ts'

/** Most rows of a batch, all streams together. */
export const BATCH_ROWS_MAX = 4_096

/**
 * Rows of several streams in the order in which they were read: a block for each stream, and `runs`, pairs of numbers: so
 * many rows (the second) come next from the block with that index (the first).
 */
export interface Batch {
  readonly blocks: readonly Block[]
  readonly runs: Uint32Array
  /** Rows of all blocks. */
  readonly length: number
}

/** Fields to leave in a stream's blocks: those whose column shall be there. The others are null in every row. */
export type Projection = (stream: string, field: string) => boolean

/**
 * Takes batches apart into blocks of one stream each, in the order of their rows, as views of the batch's columns. A
 * column that the projection leaves out costs nothing.
 */
export class BatchSlicer {
  readonly #kept = new Map<string, readonly (Column | null)[]>()

  /** `projection`: for readers that look at some fields only; its blocks cannot be encoded. */
  constructor(streams: readonly Stream[], projection: Projection | null = null) {
    for (const stream of streams) {
      const nulls = stream.fields.map((field) =>
        projection === null || projection(stream.name, field.name) ? null : nullColumn(field, BATCH_ROWS_MAX),
      )
      this.#kept.set(stream.name, nulls)
    }
  }

  /**
   * Calls `take` for each stretch of rows of one stream, in their order: rows `[from, to)` of a block of the batch,
   * without the columns that the projection leaves out.
   */
  eachRange({ blocks, runs }: Batch, take: (block: Block, from: number, to: number) => void): void {
    const projected = blocks.map((block) => projectBlock(block, this.#kept.get(block.stream)!))
    const next = new Uint32Array(blocks.length)
    for (let i = 0; i < runs.length; i += 2) {
      const from = next[runs[i]!]!
      const to = from + runs[i + 1]!
      next[runs[i]!] = to
      take(projected[runs[i]!]!, from, to)
    }
  }

  /** The same as blocks of their own, as views. */
  each(batch: Batch, take: (block: Block) => void): void {
    this.eachRange(batch, (block, from, to) => take(sliceBlock(block, from, to)))
  }

  blocks(batch: Batch): Block[] {
    const blocks: Block[] = []
    this.each(batch, (block) => blocks.push(block))
    return blocks
  }
}

/** The block with, in place of a column that is not its times or types, the one that `others` has there, if any. */
function projectBlock(block: Block, others: readonly (Column | null)[]): Block {
  if (others.every((other) => other === null)) return block
  const columns = block.columns.map((column, i) => {
    const isKnown = column === block.types || (column.kind === 'number' && column.values === block.timesMs)
    return isKnown ? column : (others[i] ?? column)
  })
  return { ...block, columns }
}

/** Rows `[from, to)` as views of the block's columns. */
export function sliceBlock(block: Block, from: number, to: number): Block {
  const { stream, sourceTopic, sourcePartition } = block
  const timesMs = block.timesMs.subarray(from, to)
  const types = strings(block.types, from, to)
  const columns: Column[] = new Array(block.columns.length)
  for (let i = 0; i < columns.length; i++) {
    const column = block.columns[i]!
    if (column === block.types) columns[i] = types
    else if (column.kind === 'number' && column.values === block.timesMs)
      columns[i] = { kind: 'number', values: timesMs }
    else columns[i] = slice(column, from, to)
  }
  const offsets = block.offsets.subarray(from, to)
  return { kind: 'block', stream, sourceTopic, sourcePartition, length: to - from, offsets, timesMs, types, columns }
}

function slice(column: Column, from: number, to: number): Column {
  if (column.kind === 'string') return strings(column, from, to)
  if (column.kind !== 'decimal') return { kind: column.kind, values: column.values.subarray(from, to) }
  const { scale, high, low } = column
  return { kind: 'decimal', scale, high: high.subarray(from, to), low: low.subarray(from, to) }
}

function strings({ bytes, offsets, nulls }: StringColumn, from: number, to: number): StringColumn {
  return { kind: 'string', bytes, offsets: offsets.subarray(from, to + 1), nulls: nulls.subarray(from, to) }
}
