import type { Block } from '../model/block.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import type { DeadLetterReason } from '../model/errors.ts'
import type { Stream } from '../model/stream.ts'
import { copyRow, rowAsObject } from './copy-rows.ts'

export interface DeadLetter {
  readonly kind: 'dead_letter'
  readonly reason: DeadLetterReason
  readonly stream: string
  readonly event_time: number
  readonly detail: string
  readonly record: Readonly<Record<string, unknown>>
}

/** The block without the events that are more than the stream's `max_ahead` before the clock, and those as dead letters. */
export function withoutFuture(
  block: Block,
  streams: readonly Stream[],
  clockMs: number,
): { kept: Block; letters: readonly DeadLetter[] } {
  const stream = streams.find((s) => s.name === block.stream)!
  const limitMs = clockMs + stream.maxAheadMs
  if (block.timesMs.every((timeMs) => timeMs <= limitMs)) return { kept: block, letters: [] }
  const names = stream.fields.map((f) => f.name)
  const builder = new BlockBuilder(stream, block.sourceTopic, block.sourcePartition)
  const letters: DeadLetter[] = []
  block.timesMs.forEach((timeMs, row) => {
    if (timeMs <= limitMs) copyRow(builder, block, row, block.offsets[row]!)
    else {
      const detail = `${timeMs - clockMs} ms ahead of the clock, ${stream.maxAheadMs} are allowed`
      const record = rowAsObject(block, row, names)
      letters.push({
        kind: 'dead_letter',
        reason: 'FUTURE_TIME',
        stream: stream.name,
        event_time: timeMs,
        detail,
        record,
      })
    }
  })
  return { kept: builder.build(), letters }
}
