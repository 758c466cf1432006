import { expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { BATCH_ROWS_MAX, eachRange } from '../../model/batch.ts'
import type { Batch, Block } from '../../model/block.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import { cellAt } from '../../model/column.ts'
import { mergedByTime } from './merged.ts'

const { streams } = defaultConfig()
const [stream] = streams
const builders = [0, 1, 2].map((partition) => new BlockBuilder(stream!, stream!.topic, partition))
const shopField = stream!.fields.findIndex(({ name }) => name === 'shop_id')

async function* blocksOf(partition: number, ...pieces: readonly (readonly number[])[]): AsyncGenerator<Block> {
  const builder = builders[partition]!
  let offset = 0
  for (const times of pieces) {
    for (const timeMs of times) {
      builder.begin(offset++, timeMs, 'order.created')
      builder.string(shopField, `S${partition}-${timeMs}`)
    }
    yield builder.build()
  }
}

async function played(batches: AsyncIterable<Batch>): Promise<{ rows: string[]; lengths: number[] }> {
  const rows: string[] = []
  const lengths: number[] = []
  for await (const batch of batches) {
    lengths.push(batch.length)
    eachRange(batch, (block, from, to) => {
      for (let row = from; row < to; row++) {
        const shop = cellAt(block.columns[shopField]!, row)
        expect(shop).toBe(`S${block.sourcePartition}-${block.timesMs[row]}`)
        rows.push(`${block.sourcePartition}/${block.offsets[row]}@${block.timesMs[row]}`)
      }
    })
  }
  return { rows, lengths }
}

test('the oldest head comes first; equal times in order of the sequences; an event behind a newer one stays there', async () => {
  // partition 0    10      30 40 |          50
  // partition 1       20 | 30          41, 15
  // partition 2    (empty)
  const { rows } = await played(
    mergedByTime([blocksOf(0, [10, 30, 40], [50]), blocksOf(1, [20], [30, 41, 15]), blocksOf(2)]),
  )
  expect(rows).toEqual(['0/0@10', '1/0@20', '0/1@30', '1/1@30', '0/2@40', '1/2@41', '1/3@15', '0/3@50'])
})

test('a batch is no longer than batches may be, and no row is lost at its end', async () => {
  const times = (first: number) => Array.from({ length: 3_000 }, (_, n) => first + 2 * n)
  const { rows, lengths } = await played(mergedByTime([blocksOf(0, times(0)), blocksOf(1, times(1))]))
  expect(Math.max(...lengths)).toBe(BATCH_ROWS_MAX)
  expect(rows.map((row) => Number(row.split('@')[1]))).toEqual(Array.from({ length: 6_000 }, (_, n) => n))
})

test('nothing to read', async () => {
  expect(await played(mergedByTime([]))).toEqual({ rows: [], lengths: [] })
})
