import type { Batch, Block } from '../model/block.ts'
import type { DeadLetterReason } from '../model/errors.ts'
import type { Stream } from '../model/stream.ts'
import { keptRows, rowAsObject } from './copy-rows.ts'

export interface DeadLetter {
  readonly kind: 'dead_letter'
  readonly reason: DeadLetterReason
  readonly stream: string
  readonly event_time: number
  readonly detail: string
  readonly record: Readonly<Record<string, unknown>>
}

/** The batch without the events that are more than their stream's `max_ahead` before the clock, and those as dead letters. */
export function withoutFuture(
  batch: Batch,
  streams: readonly Stream[],
  clockMs: number,
): { kept: Batch; letters: readonly DeadLetter[] } {
  const streamOf = (block: Block) => streams.find((s) => s.name === block.stream)!
  const isAhead = (block: Block, row: number) => block.timesMs[row]! > clockMs + streamOf(block).maxAheadMs
  if (!batch.blocks.some((block) => block.timesMs.some((_, row) => isAhead(block, row))))
    return { kept: batch, letters: [] }
  const letters: DeadLetter[] = []
  const kept = keptRows(batch, streams, (block, row) => {
    if (!isAhead(block, row)) return true
    letters.push(letterOf(streamOf(block), block, row, clockMs))
    return false
  })
  return { kept, letters }
}

function letterOf({ name, fields, maxAheadMs }: Stream, block: Block, row: number, clockMs: number): DeadLetter {
  const timeMs = block.timesMs[row]!
  return {
    kind: 'dead_letter',
    reason: 'FUTURE_TIME',
    stream: name,
    event_time: timeMs,
    detail: `${timeMs - clockMs} ms ahead of the clock, ${maxAheadMs} are allowed`,
    record: rowAsObject(
      block,
      row,
      fields.map((f) => f.name),
    ),
  }
}
