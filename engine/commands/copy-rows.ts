import { eachRange } from '../model/batch.ts'
import { BatchRuns } from '../model/batch-runs.ts'
import type { Batch, Block } from '../model/block.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import { cellAt, stringAt } from '../model/column.ts'
import type { Stream } from '../model/stream.ts'

/** Copies of the rows of a batch that are `isKept`, asked in their order. */
export function keptRows(
  batch: Batch,
  streams: readonly Stream[],
  isKept: (block: Block, row: number) => boolean,
): Batch {
  const builders = new Map(
    batch.blocks.map((block) => {
      const stream = streams.find((s) => s.name === block.stream)!
      return [block, new BlockBuilder(stream, block.sourceTopic, block.sourcePartition)]
    }),
  )
  const kept = new BatchRuns<BlockBuilder>()
  eachRange(batch, (block, from, to) => {
    const builder = builders.get(block)!
    for (let row = from; row < to; row++) {
      if (!isKept(block, row)) continue
      copyRow(builder, block, row, block.offsets[row]!)
      kept.add(builder)
    }
  })
  return kept.take((builder) => builder.build())
}

/** Begins a row in `builder`, which is of the same stream, as a copy of a block's row under another offset. */
export function copyRow(builder: BlockBuilder, block: Block, row: number, offset: number): void {
  builder.begin(offset, block.timesMs[row]!, stringAt(block.types, row) ?? '')
  block.columns.forEach((column, i) => {
    if (column === block.types) return
    if (column.kind === 'decimal') builder.decimal(i, column.high[row]!, column.low[row]!)
    else if (column.kind !== 'string') builder.number(i, column.values[row]!)
    else if (column.nulls[row] === 0)
      builder.stringBytes(i, column.bytes, column.offsets[row]!, column.offsets[row + 1]!)
  })
}

/** The row as an object, field by field: what people see of a dead letter. */
export function rowAsObject(block: Block, row: number, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name, i) => [name, cellAt(block.columns[i]!, row)]))
}
