import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import type { Block } from '../model/block.ts'
import { cellAt } from '../model/column.ts'
import { TrafficSource } from './source.ts'
import { Traffic } from './traffic.ts'

const START_MS = Date.parse('2026-01-01T00:00:00Z')
const { streams } = defaultConfig()
const options = { seed: 7, startMs: START_MS }
function rowsOf(blocks: readonly Block[], name: string) {
  const { fields } = streams.find((s) => s.name === name)!
  return blocks
    .filter((b) => b.stream === name)
    .flatMap((b) =>
      Array.from({ length: b.length }, (_, i) =>
        Object.fromEntries(fields.map((f, c) => [f.name, cellAt(b.columns[c]!, i)])),
      ),
    )
}

test('blocks carry the events, at most 100 ms of them, with offsets that go on', () => {
  const source = new TrafficSource(new Traffic(options), streams)
  const blocks = [...source.blocks(START_MS + 30_000), ...source.blocks(START_MS + 60_000)]
  const events = new Traffic(options).events(START_MS + 60_000)
  for (const stream of streams) {
    const expected = events.filter((e) => e.stream === stream.name).map(({ stream: _, label: __, ...fields }) => fields)
    expect(rowsOf(blocks, stream.name)).toEqual(expected)
    const own = blocks.filter((b) => b.stream === stream.name)
    expect(own.flatMap((b) => [...b.offsets])).toEqual(expected.map((_, i) => i))
    expect(own.every((b) => b.sourceTopic === stream.topic && b.sourcePartition === 0)).toBe(true)
  }
  expect(Math.max(...blocks.map((b) => b.timesMs.at(-1)! - b.timesMs[0]!))).toBeLessThan(100)
})

test('it goes on from a saved state', () => {
  const source = new TrafficSource(new Traffic(options), streams)
  source.blocks(START_MS + 20_000)
  const again = TrafficSource.restore(JSON.parse(JSON.stringify(source.state())), streams)
  expect(again.blocks(START_MS + 40_000)).toEqual(source.blocks(START_MS + 40_000))
})

test('high rates make more blocks, not larger ones', () => {
  const source = new TrafficSource(new Traffic({ ...options, ordersPerSecond: 5_000 }), streams)
  const blocks = source.blocks(START_MS + 1_000)
  expect(Math.max(...blocks.map((b) => b.length))).toBe(1_000)
})

test('types that no stream carries are left out', () => {
  const only = streams.filter((s) => s.name === 'behavior')
  const names = new Set(new TrafficSource(new Traffic(options), only).blocks(START_MS + 60_000).map((b) => b.stream))
  expect([...names]).toEqual(['behavior'])
})
