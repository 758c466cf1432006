import { expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import type { Block } from '../../model/block.ts'
import { blockFromRows, stringAt } from '../../model/column.ts'
import type { Output } from '../../model/output.ts'
import { compileOrRefuse } from '../compiled.ts'
import { playFinite } from './play.ts'
import { eachSpan } from './spans.ts'

const { streams } = defaultConfig()
const stream = streams[0]!
const blockAt = (...timesMs: number[]) =>
  blockFromRows(
    stream,
    { topic: stream.topic, partition: 0 },
    timesMs.map((timeMs, offset) => ({ offset, timeMs, type: 'order.created', event_id: `e${timeMs}`, shop_id: 'S1' })),
  )
const id = stream.fields.findIndex((f) => f.name === 'event_id')

test('a block is cut where a hundred milliseconds are over, whatever the order of its rows', () => {
  const parts: Block[] = []
  eachSpan(blockAt(1_000, 1_050, 1_099, 1_100, 500, 450, 2_000), (part) => parts.push(part))
  expect(parts.map((part) => Array.from(part.timesMs))).toEqual([[1_000, 1_050, 1_099], [1_100], [500, 450], [2_000]])
  expect(parts.map((part) => stringAt(part.columns[id]!, 0))).toEqual(['e1000', 'e1100', 'e500', 'e2000'])
  const whole = blockAt(0, 99)
  eachSpan(whole, (part) => expect(part).toBe(whole))
})

test('what alerts put on lists counts for events that the input has in the same batch', async () => {
  const rule = (name: string, where: string) =>
    `rule: ${name}\nversion: 1\ntitle: T\non: order.created\n${where}by: [shop_id]\nwindow: 1h\nmeasure: { n: { count: events } }\nwhen: n >= 1\nseverity: low\n---\n`
  const text = `${rule('first', '')}${rule('then', 'where: event.shop_id in lists.seen\n')}list: seen\nkind: watch\nof: string\nsource: { alerts: first }\n`
  const { set } = compileOrRefuse([{ path: 'r.yaml', text }], streams)
  const block = blockAt(0, 60_000)
  const batch = { blocks: [block], runs: Uint32Array.of(0, 2), length: 2 }
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
