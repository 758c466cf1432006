import type { Admin } from 'kafkajs'
import type { Broadcast } from '../../model/block.ts'
import type { ControlTopic } from '../../plan/control-topics.ts'
import { readControl } from './control-records.ts'
import type { PartitionReader, RawRecord } from './partition-reader.ts'

/** The most that one broadcast has. */
export const BROADCAST_RECORDS = 1_000
export const BROADCAST_BYTES = 256 << 10

/** What a control topic holds now: the last record of each key, in the order of their offsets, tombstones left out. */
export async function contentsOf(admin: Admin, reader: PartitionReader, topic: string): Promise<RawRecord[]> {
  const [{ low, high }] = await admin.fetchTopicOffsets(topic)
  const last = new Map<string, RawRecord>()
  for await (const records of reader.read(topic, 0, Number(low), Number(high))) {
    for (const record of records) {
      const key = String(record.key)
      last.delete(key)
      if (record.value !== null) last.set(key, record)
    }
  }
  return [...last.values()]
}

/** The same as broadcasts. */
export function broadcastsOf(control: ControlTopic, contents: readonly RawRecord[]): Broadcast[] {
  const pieces: Broadcast[] = []
  for (let from = 0; from < contents.length; ) {
    const { count } = nextPiece(contents, from)
    const piece = contents.slice(from, from + count)
    const records = piece.flatMap(({ offset, key, value }) => readControl(control, offset, key, value) ?? [])
    if (records.length > 0) pieces.push({ kind: 'broadcast', topic: control.topic, records })
    from += count
  }
  return pieces
}

/** How many records, and bytes, the next broadcast has: at least one record. */
export function nextPiece(records: readonly RawRecord[], from: number): { count: number; bytes: number } {
  let bytes = 0
  let count = 0
  while (from + count < records.length && count < BROADCAST_RECORDS && bytes < BROADCAST_BYTES)
    bytes += bytesOf(records[from + count++])
  return { count, bytes }
}

export function bytesOf({ key, value }: RawRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
