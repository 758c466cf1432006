import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { eachRange } from '../model/batch.ts'
import type { Batch } from '../model/block.ts'
import { cellAt } from '../model/column.ts'
import { TrafficSource } from './source.ts'
import { Traffic } from './traffic.ts'

const START_MS = Date.parse('2026-01-01T00:00:00Z')
const { streams } = defaultConfig()
const options = { seed: 7, startMs: START_MS }

/** Field by field, in the order of the batch. */
function rowsOf(batches: readonly Batch[]) {
  const rows: Record<string, unknown>[] = []
  for (const batch of batches)
    eachRange(batch, (block, from, to) => {
      const { fields } = streams.find((s) => s.name === block.stream)!
      for (let i = from; i < to; i++)
        rows.push(Object.fromEntries(fields.map((f, c) => [f.name, cellAt(block.columns[c]!, i)])))
    })
  return rows
}

test('batches carry the events of all streams in their order, with offsets that go on', () => {
  const source = new TrafficSource(new Traffic(options), streams)
  const batches = [...source.batches(START_MS + 30_000), ...source.batches(START_MS + 60_000)]
  const events = new Traffic(options).events(START_MS + 60_000)
  expect(rowsOf(batches)).toEqual(events.map(({ stream: _, label: __, ...fields }) => fields))
  for (const stream of streams) {
    const own = batches.flatMap(({ blocks }) => blocks.filter((b) => b.stream === stream.name))
    const count = events.filter((e) => e.stream === stream.name).length
    expect(own.flatMap((b) => [...b.offsets])).toEqual(Array.from({ length: count }, (_, i) => i))
    expect(own.every((b) => b.sourceTopic === stream.topic && b.sourcePartition === 0)).toBe(true)
  }
})

test('it goes on from a saved state', () => {
  const source = new TrafficSource(new Traffic(options), streams)
  source.batches(START_MS + 20_000)
  const again = TrafficSource.restore(JSON.parse(JSON.stringify(source.state())), streams)
  expect(again.batches(START_MS + 40_000)).toEqual(source.batches(START_MS + 40_000))
})

test('high rates make more batches, not larger ones', () => {
  const source = new TrafficSource(new Traffic({ ...options, ordersPerSecond: 5_000 }), streams)
  const lengths = source.batches(START_MS + 1_000).map((b) => b.length)
  expect([lengths.length > 2, Math.max(...lengths)]).toEqual([true, 4_096])
})

test('types that no stream carries are left out', () => {
  const only = streams.filter((s) => s.name === 'behavior')
  const batches = new TrafficSource(new Traffic(options), only).batches(START_MS + 60_000)
  expect(batches.map(({ blocks }) => blocks.map((b) => b.stream))).toEqual([['behavior']])
})
