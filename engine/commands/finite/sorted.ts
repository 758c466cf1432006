import { BATCH_ROWS_MAX } from '../../model/batch.ts'
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
  for await (const { blocks, runs } of input) {
    const next = new Uint32Array(blocks.length)
    for (let i = 0; i < runs.length; i += 2) {
      const block = blocks[runs[i]!]!
      for (let left = runs[i + 1]!; left > 0; left--) {
        const row = next[runs[i]!]!++
        rows.push({ timeMs: block.timesMs[row]!, block, row })
      }
    }
  }
  rows.sort((a, b) => a.timeMs - b.timeMs)
  const names = streams.map((s) => s.name)
  const builders = streams.map((s) => new BlockBuilder(s, s.topic, 0))
  const offsets = streams.map(() => 0)
  for (let from = 0; from < rows.length; from += BATCH_ROWS_MAX) {
    const open: number[] = []
    const runs: number[] = []
    const part = rows.slice(from, from + BATCH_ROWS_MAX)
    for (const { block, row } of part) {
      const stream = names.indexOf(block.stream)
      if (!open.includes(stream)) open.push(stream)
      runs.push(open.indexOf(stream), 1)
      copyRow(builders[stream]!, block, row, offsets[stream]!++)
    }
    const blocks = open.map((stream) => builders[stream]!.build())
    yield { kind: 'batch', blocks, runs: joined(runs), length: part.length }
  }
}

/** Neighbouring runs of one block become one. */
function joined(runs: readonly number[]): Uint32Array {
  const kept: number[] = []
  for (let i = 0; i < runs.length; i += 2) {
    if (kept.at(-2) === runs[i]) kept[kept.length - 1]! += runs[i + 1]!
    else kept.push(runs[i]!, runs[i + 1]!)
  }
  return Uint32Array.from(kept)
}
