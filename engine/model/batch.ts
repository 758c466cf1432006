import type { Batch, Block, Column, LogEntry, StringColumn } from './block.ts'

/** Most rows of a batch, all streams together. */
export const BATCH_ROWS_MAX = 4_096

/** Every row of `blocks`, block after block. */
export function batchOf(blocks: readonly Block[]): Batch {
  const runs = Uint32Array.from(blocks.flatMap(({ length }, i) => [i, length]))
  return { kind: 'batch', blocks, runs, length: blocks.reduce((sum, { length }) => sum + length, 0) }
}

/** Events in an entry of a log. */
export function eventsIn(entry: LogEntry): number {
  return entry.kind === 'batch' || entry.kind === 'block' ? entry.length : 0
}

/** The blocks of an entry, one for each of its streams; none where it holds no events. */
export function blocksIn(entry: LogEntry): readonly Block[] {
  if (entry.kind === 'batch') return entry.blocks
  return entry.kind === 'block' ? [entry] : []
}

/** Largest event time in an entry, epoch ms; -Infinity where it holds no events. */
export function newestMs(entry: LogEntry): number {
  let newest = Number.NEGATIVE_INFINITY
  for (const { timesMs } of blocksIn(entry)) for (const timeMs of timesMs) if (timeMs > newest) newest = timeMs
  return newest
}

/** Smallest event time in an entry, epoch ms; Infinity where it holds no events. */
export function oldestMs(entry: LogEntry): number {
  let oldest = Number.POSITIVE_INFINITY
  for (const { timesMs } of blocksIn(entry)) for (const timeMs of timesMs) if (timeMs < oldest) oldest = timeMs
  return oldest
}

/**
 * Calls `take` for each stretch of rows of one stream, in their order: rows `[from, to)` of a block of the batch.
 */
export function eachRange({ blocks, runs }: Batch, take: (block: Block, from: number, to: number) => void): void {
  const next = new Uint32Array(blocks.length)
  for (let i = 0; i < runs.length; i += 2) {
    const from = next[runs[i]!]!
    const to = from + runs[i + 1]!
    next[runs[i]!] = to
    take(blocks[runs[i]!]!, from, to)
  }
}

/** The batch as blocks of one stream each, as views of its columns: a block ends where the stream changes. */
export function blocksOf(batch: Batch): Block[] {
  const blocks: Block[] = []
  eachRange(batch, (block, from, to) => blocks.push(sliceBlock(block, from, to)))
  return blocks
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
  const rowPartitions = block.rowPartitions?.subarray(from, to)
  return {
    ...{ kind: 'block', stream, sourceTopic, sourcePartition, length: to - from, offsets, timesMs, types, columns },
    ...(rowPartitions && { rowPartitions }),
  }
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
