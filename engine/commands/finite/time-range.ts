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

function restricted({ blocks, runs }: Batch, range: TimeRange, streams: readonly Stream[]): Batch {
  const builders = blocks.map((b) => builderFor(b, streams))
  const next = new Uint32Array(blocks.length)
  const kept: number[] = []
  for (let i = 0; i < runs.length; i += 2) {
    const index = runs[i]!
    const block = blocks[index]!
    let rows = 0
    for (let left = runs[i + 1]!; left > 0; left--) {
      const row = next[index]!++
      if (!isIn(range, block.timesMs[row]!)) continue
      copyRow(builders[index]!, block, row, block.offsets[row]!)
      rows += 1
    }
    if (rows > 0) kept.push(index, rows)
  }
  const length = builders.reduce((sum, builder) => sum + builder.length, 0)
  return { kind: 'batch', blocks: builders.map((builder) => builder.build()), runs: Uint32Array.from(kept), length }
}

function builderFor({ stream: name, sourceTopic, sourcePartition }: Block, streams: readonly Stream[]): BlockBuilder {
  const stream = streams.find((s) => s.name === name)!
  return new BlockBuilder(stream, sourceTopic, sourcePartition)
}
