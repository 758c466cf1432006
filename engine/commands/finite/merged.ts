import { BATCH_ROWS_MAX, sliceBlock } from '../../model/batch.ts'
import { BatchRuns } from '../../model/batch-runs.ts'
import type { Batch, Block } from '../../model/block.ts'

interface Lane {
  readonly blocks: AsyncIterator<Block>
  block: Block
  /** Rows `[from, row)` of the block stand in the batch that is being made. */
  from: number
  row: number
}

/**
 * Several sequences of blocks as one: next comes the oldest of the events that stand first in theirs, equal times in the
 * order of the sequences. Each keeps its own order, so an event behind a newer one of its sequence stays behind it. Of
 * each sequence one block is held.
 */
export async function* mergedByTime(
  sequences: readonly AsyncIterable<Block>[],
): AsyncGenerator<Batch, void, undefined> {
  const lanes: Lane[] = []
  for (const sequence of sequences) {
    const blocks = sequence[Symbol.asyncIterator]()
    const first = await blocks.next()
    if (!first.done) lanes.push({ blocks, block: first.value, from: 0, row: 0 })
  }
  while (lanes.length > 0) {
    const { batch, emptied } = nextBatch(lanes)
    yield batch
    if (!emptied) continue
    const { done, value } = await emptied.blocks.next()
    if (done) lanes.splice(lanes.indexOf(emptied), 1)
    else Object.assign(emptied, { block: value, from: 0, row: 0 })
  }
}

/** As far as no lane has to be asked for more, and a batch may be long. */
function nextBatch(lanes: readonly Lane[]): { batch: Batch; emptied: Lane | null } {
  const rows = new BatchRuns<Lane>()
  let emptied: Lane | null = null
  while (!emptied && rows.length < BATCH_ROWS_MAX) {
    const lane = oldest(lanes)
    rows.add(lane)
    lane.row += 1
    if (lane.row === lane.block.length) emptied = lane
  }
  const batch = rows.take(({ block, from, row }) => sliceBlock(block, from, row))
  for (const lane of lanes) lane.from = lane.row
  return { batch, emptied }
}

function oldest(lanes: readonly Lane[]): Lane {
  let found = lanes[0]!
  for (const lane of lanes) if (lane.block.timesMs[lane.row]! < found.block.timesMs[found.row]!) found = lane
  return found
}
