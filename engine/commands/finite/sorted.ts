import { BATCH_ROWS_MAX, eachRange } from '../../model/batch.ts'
import { BatchBuilder } from '../../model/batch-builder.ts'
import type { Batch, Block } from '../../model/block.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import type { Stream } from '../../model/stream.ts'
import { copyRow } from '../copy-rows.ts'

/**
 * All events in order of their times, equal times in order of reading; offsets are counted anew. Everything is held in
 * memory: some 200 bytes an event.
 */
export async function* sortedBatches(
  input: AsyncIterable<Batch>,
  streams: readonly Stream[],
): AsyncGenerator<Batch, void, undefined> {
  const rows: { readonly timeMs: number; readonly block: Block; readonly row: number }[] = []
  for await (const batch of input)
    eachRange(batch, (block, from, to) => {
      for (let row = from; row < to; row++) rows.push({ timeMs: block.timesMs[row]!, block, row })
    })
  rows.sort((a, b) => a.timeMs - b.timeMs)
  const names = streams.map((s) => s.name)
  const builders = streams.map((s) => new BlockBuilder(s, s.topic, 0))
  const offsets = streams.map(() => 0)
  const batch = new BatchBuilder()
  for (const { block, row } of rows) {
    const stream = names.indexOf(block.stream)
    copyRow(builders[stream]!, block, row, offsets[stream]!++)
    batch.add(builders[stream]!)
    if (batch.length === BATCH_ROWS_MAX) yield batch.build()
  }
  if (batch.length > 0) yield batch.build()
}
