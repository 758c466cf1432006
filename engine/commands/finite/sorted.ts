import type { Block } from '../../model/block.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import type { Stream } from '../../model/stream.ts'
import { copyRow } from '../copy-rows.ts'

const ROWS_MAX = 1_000

/**
 * All events in order of their times, equal times in order of reading; offsets are counted anew. Everything is held in
 * memory: some 200 bytes an event.
 */
export async function* sortedBlocks(
  input: AsyncIterable<Block>,
  streams: readonly Stream[],
): AsyncGenerator<Block, void, undefined> {
  const blocks: Block[] = []
  for await (const block of input) blocks.push(block)
  const rows = blocks.flatMap((block) => Array.from(block.timesMs, (timeMs, row) => ({ timeMs, block, row })))
  rows.sort((a, b) => a.timeMs - b.timeMs)
  const builders = new Map(streams.map((s) => [s.name, { builder: new BlockBuilder(s, s.topic, 0), offset: 0 }]))
  let current: BlockBuilder | null = null
  for (const { block, row } of rows) {
    const target = builders.get(block.stream)!
    if (current && (current !== target.builder || current.length >= ROWS_MAX) && current.length > 0)
      yield current.build()
    current = target.builder
    copyRow(current, block, row, target.offset++)
  }
  if (current && current.length > 0) yield current.build()
}
