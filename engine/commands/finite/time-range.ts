import { eachRange } from '../../model/batch.ts'
import { BatchRuns } from '../../model/batch-runs.ts'
import type { Batch, Block } from '../../model/block.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import type { Stream } from '../../model/stream.ts'
import { copyRow } from '../copy-rows.ts'

/** Event times `[fromMs, toMs)`. */
export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

/** The events of a time range, as if there were no others. */
export async function* withinRange(
  batches: AsyncIterable<Batch>,
  range: TimeRange,
  streams: readonly Stream[],
): AsyncGenerator<Batch, void, undefined> {
  for await (const batch of batches) {
    if (batch.blocks.every((block) => block.timesMs.every((timeMs) => isIn(range, timeMs)))) yield batch
    else {
      const kept = restricted(batch, range, streams)
      if (kept.length > 0) yield kept
    }
  }
}

function isIn({ fromMs, toMs }: TimeRange, timeMs: number): boolean {
  return timeMs >= fromMs && timeMs < toMs
}

function restricted(batch: Batch, range: TimeRange, streams: readonly Stream[]): Batch {
  const builders = new Map(batch.blocks.map((block) => [block, builderFor(block, streams)]))
  const kept = new BatchRuns<BlockBuilder>()
  eachRange(batch, (block, from, to) => {
    const builder = builders.get(block)!
    for (let row = from; row < to; row++) {
      if (!isIn(range, block.timesMs[row]!)) continue
      copyRow(builder, block, row, block.offsets[row]!)
      kept.add(builder)
    }
  })
  return kept.take((builder) => builder.build())
}

function builderFor({ stream: name, sourceTopic, sourcePartition }: Block, streams: readonly Stream[]): BlockBuilder {
  const stream = streams.find((s) => s.name === name)!
  return new BlockBuilder(stream, sourceTopic, sourcePartition)
}
