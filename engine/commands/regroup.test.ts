import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import type { Block } from '../model/block.ts'
import { blockFromRows, cellAt } from '../model/column.ts'
import { regrouped } from './regroup.ts'

const { streams } = defaultConfig()
const [orders, views] = streams

/** `o10` is an order at 10 ms, `v10` a view. */
function blockOf(offset: number, ...names: string[]): Block {
  const stream = names[0]!.startsWith('o') ? orders! : views!
  const type = stream === orders ? 'order.created' : 'item.viewed'
  const rows = names.map((name, i) => ({
    offset: offset + i,
    timeMs: Number(name.slice(1)),
    type,
    event_id: name,
    unit_price: '1.25',
  }))
  return blockFromRows(stream, { topic: stream.topic, partition: 0 }, rows)
}

const namesIn = (block: Block) => {
  const { fields } = streams.find((s) => s.name === block.stream)!
  const column = block.columns[fields.findIndex((f) => f.name === 'event_id')]!
  return Array.from({ length: block.length }, (_, i) => cellAt(column, i)).join(' ')
}

test('streams that take turns: a block each for 100 ms, in their own order', async () => {
  async function* input() {
    yield* [
      blockOf(0, 'o10'),
      blockOf(0, 'v20'),
      blockOf(1, 'o5', 'o30'),
      blockOf(1, 'v105'),
      blockOf(2, 'v106'),
      blockOf(3, 'o107'),
    ]
  }
  const blocks: Block[] = []
  for await (const block of regrouped(input(), streams, async () => {})) blocks.push(block)
  // 106 is more than 100 ms behind 5
  expect(blocks.map(namesIn)).toEqual(['o10 o5 o30', 'v20 v105', 'v106', 'o107'])
  expect([...blocks[0]!.offsets]).toEqual([0, 1, 2])
  const price = orders!.fields.findIndex((f) => f.name === 'unit_price')
  expect(cellAt(blocks[0]!.columns[price]!, 2)).toBe(1.25)
})

test('a large block stays as it is, and nothing overtakes it', async () => {
  const large = blockOf(1, ...Array.from({ length: 150 }, (_, i) => `o${i}`))
  async function* input() {
    yield* [blockOf(0, 'o0'), large, blockOf(151, 'o200')]
  }
  const blocks: Block[] = []
  for await (const block of regrouped(input(), streams, async () => {})) blocks.push(block)
  expect(blocks.map((b) => b.length)).toEqual([1, 150, 1])
  expect(blocks[1]).toBe(large)
})

test('when the input has nothing more at the moment, all that was read is handed on first', async () => {
  const happened: string[] = []
  async function* input() {
    yield blockOf(0, 'o10')
    yield blockOf(0, 'v20')
    await new Promise((resolve) => setTimeout(resolve, 20))
    yield blockOf(1, 'o30')
  }
  const idle = async () => void happened.push('idle')
  for await (const block of regrouped(input(), streams, idle)) happened.push(namesIn(block))
  expect(happened).toEqual(['o10', 'v20', 'idle', 'o30'])
})
