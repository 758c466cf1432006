import { defaultConfig } from '../engine/config.ts'
import { RecordDecoder } from '../engine/edge/registry/record-decoder.ts'
import { EventEncoder } from '../engine/edge/registry/record-encoder.ts'
import { BlockBuilder } from '../engine/model/block-builder.ts'
import { decodeEntry, encodeEntry } from '../engine/model/block-codec.ts'
import { cellAt } from '../engine/model/column.ts'
import { orders } from './events.ts'
import { eventsPerSecond, type Figure, size } from './harness.ts'

/** Records in Avro's wire format to columns, and blocks to bytes and back. */
export async function decodeBenchmark(): Promise<Figure[]> {
  const seed = 7
  const events = size(2_000, 100_000)
  const { streams } = defaultConfig()
  const stream = streams[0]
  const blocks = orders(stream, { events, keys: 10_000, perSecond: 10_000, rows: 200, seed })
  const encoder = new EventEncoder(stream)
  const records = blocks.flatMap((block) =>
    Array.from({ length: block.length }, (_, row) =>
      encoder.encodeEvent(Object.fromEntries(stream.fields.map((f, i) => [f.name, cellAt(block.columns[i], row)]))),
    ),
  )
  const entries = blocks.map((block) => encodeEntry(block, streams))
  const common = {
    benchmark: 'decode',
    seed,
    parameters: { events, bytesPerRecord: Math.round(records.reduce((sum, r) => sum + r.length, 0) / events) },
  }
  return [
    await eventsPerSecond({ ...common, case: 'avro to columns' }, () => {
      const decoder = new RecordDecoder(stream, null)
      const builder = new BlockBuilder(stream, stream.topic, 0)
      let checksum = 0
      records.forEach((record, offset) => {
        if (decoder.decode(record, 0, record.length, builder, offset, null) !== null)
          throw new Error('a record that does not decode')
        if (builder.length === 200) checksum += builder.build().timesMs[199] % 1000
      })
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
