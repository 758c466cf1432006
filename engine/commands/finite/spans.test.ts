import { expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { batchOf, eachRange } from '../../model/batch.ts'
import type { Batch } from '../../model/block.ts'
import { blockFromRows } from '../../model/column.ts'
import type { Output } from '../../model/output.ts'
import { compileOrRefuse } from '../compiled.ts'
import { playFinite } from './play.ts'
import { spansOf } from './spans.ts'

const { streams } = defaultConfig()
const stream = streams[0]!
const blockAt = (...timesMs: number[]) =>
  blockFromRows(
    stream,
    { topic: stream.topic, partition: 0 },
    timesMs.map((timeMs, offset) => ({ offset, timeMs, type: 'order.created', event_id: `e${timeMs}`, shop_id: 'S1' })),
  )

test('a batch is cut where a hundred milliseconds are over, whatever the order of its rows and streams', () => {
  const blocks = [blockAt(1_000, 1_050, 1_099, 1_100, 500), blockAt(1_040, 450, 2_000)]
  const batch = { ...batchOf(blocks), runs: Uint32Array.of(0, 2, 1, 1, 0, 3, 1, 2) }
  const timesOf = (part: Batch) => {
    const times: number[] = []
    eachRange(part, (block, from, to) => times.push(...block.timesMs.subarray(from, to)))
    return times
  }
  const spans = spansOf(batch)
  expect(spans.map(timesOf)).toEqual([[1_000, 1_050, 1_040, 1_099], [1_100], [500, 450], [2_000]])
  expect(spans.map((span) => [span.length, span.blocks.length])).toEqual([[4, 2], [1, 1], [2, 2], [1, 1]]) // biome-ignore format: pairs
  expect(spansOf({ ...batchOf([]) })).toEqual([])
})

test('what alerts put on lists counts for events that the input has in the same batch', async () => {
  const rule = (name: string, where: string) =>
    `rule: ${name}\nversion: 1\ntitle: T\non: order.created\n${where}by: [shop_id]\nwindow: 1h\nmeasure: { n: { count: events } }\nwhen: n >= 1\nseverity: low\n---\n`
  const text = `${rule('first', '')}${rule('then', 'where: event.shop_id in lists.seen\n')}list: seen\nkind: watch\nof: string\nsource: { alerts: first }\n`
  const { set } = compileOrRefuse([{ path: 'r.yaml', text }], streams)
  const block = blockAt(0, 60_000)
  const batch = batchOf([block])
  const input = { name: 'i', malformed: 0, ahead: 0, firstAhead: null, late: null, share: null }
  const outputs: Output[] = []
  const batches = async function* () {
    yield batch
  }
  await playFinite({ input: { ...input, batches }, streams, set, until: 'last', measures: false }, async (more) => {
    outputs.push(...more)
    return true
  })
  const opened = outputs.flatMap((o) => (o.kind === 'alert' && o.status === 'open' ? [[o.rule, o.event_time]] : []))
  expect(opened).toEqual([
    ['first', 0],
    ['then', 60_000],
  ])
})
