import { strict as assert } from 'node:assert'
import { eachRange } from '../../../engine/model/batch.ts'
import type { Block, LogEntry } from '../../../engine/model/block.ts'
import { cellAt } from '../../../engine/model/column.ts'
import type { Reading } from '../target.ts'

/** Of what an input of a few KB makes. */
const ROWS_TOLD = 40

/** The rows of an entry, each cell looked at; an AssertionError where its parts do not fit together. */
export function readingOf(entry: LogEntry): Reading {
  if (entry.kind !== 'block' && entry.kind !== 'batch') return { count: 1, digest: JSON.stringify(entry) }
  const blocks = entry.kind === 'block' ? [entry] : entry.blocks
  const rows: unknown[] = []
  for (const block of blocks) rows.push(...rowsOf(block))
  let count = 0
  if (entry.kind === 'batch')
    eachRange(entry, (block, from, to) => {
      assert(blocks.includes(block) && from >= 0 && from <= to && to <= block.length, 'runs within their blocks')
      count += to - from
    })
  assert(entry.kind === 'block' || count === entry.length, 'as many rows as the batch says')
  return { count: entry.length, digest: JSON.stringify([entry.length, rows]) }
}

function rowsOf(block: Block): unknown[] {
  const { length, offsets, timesMs, types, columns, rowPartitions } = block
  assert(offsets.length === length && timesMs.length === length, 'a place and a time for each row')
  assert(!rowPartitions || rowPartitions.length === length, 'a partition for each row')
  for (const column of [types, ...columns]) {
    if (column.kind === 'string') {
      assert(column.offsets.length === length + 1 && column.nulls.length === length, 'a text for each row')
      assert(column.offsets[length] <= column.bytes.length, 'texts within their bytes')
    } else if (column.kind === 'decimal') assert(column.high.length === length && column.low.length === length)
    else assert(column.values.length === length, 'a value for each row')
  }
  for (let row = 0; row < length; row++) {
    assert(Number.isFinite(offsets[row]), 'an offset is a number')
    assert(Number.isFinite(timesMs[row]), 'a time is a number')
  }
  return Array.from({ length: Math.min(length, ROWS_TOLD) }, (_, row) => [
    ...[rowPartitions?.[row] ?? block.sourcePartition, offsets[row], timesMs[row], cellAt(types, row)],
    ...columns.map((column) => cellAt(column, row)),
  ])
}
