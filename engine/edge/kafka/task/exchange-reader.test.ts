import { expect, test } from 'vitest'
import { eventsIn } from '../../../model/batch.ts'
import { encodeEntry } from '../../../model/block-codec.ts'
import { blockFromRows } from '../../../model/column.ts'
import { Counters } from '../../../model/counters.ts'
import { STREAMS } from '../../../plan/testing.ts'
import type { PartitionReader, RawRecord } from '../partition-reader.ts'
import { ExchangeReader } from './exchange-reader.ts'

const entry = (first: number, rows: number) =>
  blockFromRows(
    STREAMS[0],
    { topic: 't', partition: 0 },
    Array.from({ length: rows }, (_, i) => ({
      offset: first + i,
      timeMs: 1_000,
      type: 'order.created',
      order_id: 'o',
      buyer_id: 'b',
    })),
  )

test('between two breaths a rebuild reads some five hundred events, whatever one fetch brought', async () => {
  const fetched = Array.from({ length: 20 }, (_, i): RawRecord => {
    const value = Buffer.from(encodeEntry(entry(i * 300, 300), STREAMS))
    return { offset: i, timestampMs: 0, key: null, value }
  })
  const reader = { read: async function* () { yield fetched } } as unknown as PartitionReader // biome-ignore format: one thing
  const shared = { admin: null as never, reader, groupId: 'g', streams: STREAMS, counters: new Counters() }
  const slices: number[] = []
  let breaths = 0
  const log = new ExchangeReader({ topic: 'x', stateTopic: 's', partition: 0 }, shared, async () => {
    expect(++breaths).toBe(slices.length)
  })
  const positions: number[] = []
  for await (const records of log.between(-1, 19)) {
    slices.push(records.reduce((sum, record) => sum + eventsIn(record.entry), 0))
    positions.push(...records.map(({ position }) => position))
  }
  expect(positions).toEqual(fetched.map(({ offset }) => offset))
  expect(slices).toEqual(Array.from({ length: 10 }, () => 600))
})
