import { crc32 } from 'node:zlib'
import { orderStream } from '../../../engine/edge/registry/formats/testing.ts'
import { batchOf } from '../../../engine/model/batch.ts'
import type { LogEntry } from '../../../engine/model/block.ts'
import { decodeEntry, ENTRY_HEADER_BYTES, encodeEntry } from '../../../engine/model/block-codec.ts'
import { blockFromRows } from '../../../engine/model/column.ts'
import type { Target } from '../target.ts'
import { readingOf } from './blocks.ts'
import { namedBy } from './engine-errors.ts'

export const streams = [orderStream('avro'), { ...orderStream('avro'), name: 'others', topic: 'x.others' }]
const TIME_MS = 1_767_614_400_000

const row = (i: number) => ({
  ...{ offset: 10 + i, timeMs: TIME_MS + i * 250, type: i % 3 === 0 ? 'order.created' : 'order.paid' },
  ...{ order_id: `O${i}`, buyer_id: i % 5 === 0 ? null : `B${i % 7}`, amount: `${i}.25`, gift: i % 2 === 0 },
  ...(i % 4 === 0 ? { pieces: i } : {}),
})
const block = (stream: number, partition: number, rows: number) =>
  blockFromRows(
    streams[stream],
    { topic: streams[stream].topic, partition },
    Array.from({ length: rows }, (_, i) => row(i)),
  )

/** Of several streams and source partitions. */
export const batch = batchOf([block(0, 0, 40), block(1, 0, 3), block(0, 2, 6)])
const ENTRIES: readonly LogEntry[] = [
  ...[batch, block(0, 1, 5), block(1, 0, 1)],
  { kind: 'mark', sourceTopic: 'shop.orders', sourcePartition: 1, upToMs: TIME_MS, sources: ['shop.orders/0'] },
  { kind: 'rules', files: [{ path: 'a.yaml', text: 'rule: a' }, { path: 'l.csv', text: 'S1', data: true, runs: 'here' }] },
  { kind: 'list', list: 'shops', add: ['S1', 7], remove: [], ttlMs: 5_000, atMs: TIME_MS },
  {
    ...{ kind: 'broadcast', topic: 'lapwing.lists' },
    records: [
      { offset: 3, list: 'shops', item: 'S1', on: true, ttlMs: null, untilMs: TIME_MS, atMs: TIME_MS },
      { offset: 4, feature: 'price', version: 1, key: 'I1', values: [1.5, null, ['a', 'b']] },
    ],
  },
] // biome-ignore format: one entry a line

/** What stands in logs, exchange topics and caches. */
export const entries: Target = {
  seeds: ENTRIES.map((entry) => Buffer.from(encodeEntry(entry, streams))),
  repair: repairEntry,
  read: (bytes) => readingOf(decodeEntry(bytes, streams)),
  named: namedBy('STATE_CORRUPT'),
}

/** Its size and its checksum. */
export function repairEntry(bytes: Buffer): void {
  if (bytes.length < ENTRY_HEADER_BYTES) return
  bytes.writeUInt32LE(bytes.length, 8)
  bytes.writeUInt32LE(crc32(bytes.subarray(ENTRY_HEADER_BYTES), crc32(bytes.subarray(0, 12))), 12)
}
