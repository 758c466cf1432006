import type { Batch } from '../../model/block.ts'
import type { Stream } from '../../model/stream.ts'
import { keptRows } from '../copy-rows.ts'

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
      const kept = keptRows(batch, streams, (block, row) => isIn(range, block.timesMs[row]!))
      if (kept.length > 0) yield kept
    }
  }
}

function isIn({ fromMs, toMs }: TimeRange, timeMs: number): boolean {
  return timeMs >= fromMs && timeMs < toMs
}
