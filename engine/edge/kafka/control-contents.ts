import type { Admin } from 'kafkajs'
import type { Broadcast } from '../../model/block.ts'
import type { ControlTopic } from '../../plan/control-topics.ts'
import { readControl } from './control-records.ts'
import type { PartitionReader, RawRecord } from './partition-reader.ts'

/** What one broadcast has at most, some 200 KB. */
const BROADCAST_RECORDS = 1_000

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
  const records = contents.flatMap(({ offset, key, value }) => readControl(control, offset, key, value) ?? [])
  const pieces: Broadcast[] = []
  for (let i = 0; i < records.length; i += BROADCAST_RECORDS)
    pieces.push({ kind: 'broadcast', topic: control.topic, records: records.slice(i, i + BROADCAST_RECORDS) })
  return pieces
}
