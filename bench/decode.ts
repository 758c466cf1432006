import avsc from 'avsc'
import { defaultConfig } from '../engine/config.ts'
import { RecordDecoder } from '../engine/edge/registry/record-decoder.ts'
import { EventEncoder } from '../engine/edge/registry/record-encoder.ts'
import { RowReader } from '../engine/edge/registry/row-reader.ts'
import { matchSchemas } from '../engine/edge/registry/schemas-matched.ts'
import { WIRE_HEADER_BYTES } from '../engine/edge/registry/wire.ts'
import { BlockBuilder } from '../engine/model/block-builder.ts'
import { decodeEntry, encodeEntry } from '../engine/model/block-codec.ts'
import { cellAt } from '../engine/model/column.ts'
import { orders } from './events.ts'
import { eventsPerSecond, type Figure, size } from './harness.ts'

/** Of a block. */
const ROWS = 200

/** Records in Avro's wire format to columns, and blocks to bytes and back. */
export async function decodeBenchmark(): Promise<Figure[]> {
  const seed = 7
  const events = size(2_000, 100_000)
  const { streams } = defaultConfig()
  const stream = streams[0]
  const blocks = orders(stream, { events, keys: 10_000, perSecond: 10_000, rows: ROWS, seed })
  const encoder = new EventEncoder(stream)
  const records = blocks.flatMap((block) =>
    Array.from({ length: block.length }, (_, row) =>
      encoder.encodeEvent(Object.fromEntries(stream.fields.map((f, i) => [f.name, cellAt(block.columns[i], row)]))),
    ),
  )
  const bodies = records.map((record) => record.subarray(WIRE_HEADER_BYTES))
  const entries = blocks.map((block) => encodeEntry(block, streams))
  const common = {
    benchmark: 'decode',
    seed,
    parameters: { events, bytesPerRecord: Math.round(records.reduce((sum, r) => sum + r.length, 0) / events) },
  }
  return [
    await eventsPerSecond({ ...common, case: 'avro to objects, by avsc' }, () => {
      const type = avsc.Type.forSchema(stream.avro as avsc.Schema)
      let checksum = 0
      for (let i = 0; i < events; i++) {
        const { event_time } = type.fromBuffer(bodies[i]) as { event_time: number }
        if (i % ROWS === ROWS - 1) checksum += event_time % 1000
      }
      return { events, checksum }
    }),
    await eventsPerSecond({ ...common, case: 'avro to columns, by avsc' }, () => {
      const reader = new RowReader(stream, matchSchemas(stream, null))
      const builder = new BlockBuilder(stream, stream.topic, 0)
      const head = { timeMs: 0, unfit: -1 }
      let checksum = 0
      for (let i = 0; i < events; i++) {
        const body = bodies[i]
        const row = builder.beginAt(i)
        if (reader.read(body, 0, body.length, builder, row, head) !== 0)
          throw new Error('a record that does not decode')
        builder.endAt(head.timeMs)
        if (builder.length === ROWS) checksum += builder.build().timesMs[ROWS - 1] % 1000
      }
      return { events, checksum }
    }),
    await eventsPerSecond({ ...common, case: 'avro to columns' }, () => {
      const decoder = new RecordDecoder(stream, null)
      const builder = new BlockBuilder(stream, stream.topic, 0)
      let checksum = 0
      for (let i = 0; i < events; i++) {
        const record = records[i]
        const bad = decoder.decode(record, 0, record.length, builder, i, null)
        if (bad !== null) throw new Error('a record that does not decode')
        if (builder.length === ROWS) checksum += builder.build().timesMs[ROWS - 1] % 1000
      }
      return { events, checksum }
    }),
    await eventsPerSecond({ ...common, case: 'block to bytes' }, () => {
      let checksum = 0
      for (const block of blocks) checksum += encodeEntry(block, streams).length
      return { events, checksum }
    }),
    await eventsPerSecond({ ...common, case: 'bytes to block' }, () => {
      let checksum = 0
      for (const bytes of entries) {
        const entry = decodeEntry(bytes, streams)
        if (entry.kind === 'block') checksum += entry.length + (entry.timesMs[0] % 1000)
      }
      return { events, checksum }
    }),
  ]
}
