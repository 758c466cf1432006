import { ORDER_AVRO, orderStream } from '../../../engine/edge/registry/formats/testing.ts'
import { RecordEncoder } from '../../../engine/edge/registry/record-encoder.ts'
import { wireSchemaId } from '../../../engine/edge/registry/wire.ts'
import type { Target } from '../target.ts'
import { never } from './engine-errors.ts'
import { NOON_MS, topicReader } from './topics.ts'

const [type, time, id, buyer, amount, pieces, gift, note] = ORDER_AVRO.fields
const scaled = (scale: number) => ['null', { type: 'bytes', logicalType: 'decimal', precision: 10, scale }]
const FIXED = { type: 'fixed', name: 'F', size: 5 }
const TREE = {
  type: 'record',
  name: 'Tree',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'below', type: { type: 'array', items: 'Tree' } },
  ],
}
/** Of the writers, by schema id: the stream's own, and such as rename, skip, widen and nest. */
const WRITERS: readonly unknown[] = [
  ORDER_AVRO,
  {
    ...ORDER_AVRO,
    fields: [
      ...[{ name: 'tree', type: TREE }, { ...time, name: 'updated_at' }, { name: 'tags', type: { type: 'map', values: 'bytes' } }],
      ...[{ ...id, name: 'id' }, { name: 'kind', type: { type: 'enum', name: 'T', symbols: ['a', 'b'] } }, type],
      ...[{ ...amount, type: scaled(5) }, buyer, { name: 'nulls', type: { type: 'array', items: 'null' } }, { ...note, type: 'bytes' }, pieces, gift],
    ],
  },
  [
    { type: 'record', name: 'Gone', fields: [{ name: 'f', type: FIXED }] },
    { ...ORDER_AVRO, fields: [type, time, { ...id, type: 'long' }, { ...pieces, type: ['int', 'null'] }, gift, buyer, amount, note] },
  ],
] // biome-ignore format: a field each

const own = { type: 'order.created', event_time: NOON_MS, order_id: 'O1', buyer_id: 'B1', amount: Buffer.from([4, 26]), pieces: 3, gift: true, note: 'é' } // biome-ignore format: one value
const VALUES: readonly object[] = [
  own,
  {
    ...{ tree: { n: 1, below: [{ n: 2, below: [] }] }, updated_at: NOON_MS, tags: { a: Buffer.from('x') }, kind: 'b', id: 'O1' },
    ...{ type: 'order.created', amount: Buffer.from([1, 0, 0]), buyer_id: null, nulls: [null, null], note: Buffer.from('n'), pieces: 3, gift: null },
  },
  { 'Order': { ...own, order_id: 2 ** 40 } },
] // biome-ignore format: one value each

const schemas = { byId: async (n: number) => WRITERS[n - 1] ?? null, register: async () => 0 }
const withRegistry = topicReader(orderStream('avro'), schemas)
const alone = topicReader({ ...orderStream('avro'), schemaId: 9 }, null)

/** Confluent's wire format: the generated readers, with a registry and without one. */
export const avro: Target = {
  seeds: [
    ...VALUES.map((value, i) => new RecordEncoder(WRITERS[i], i + 1).encode(value)),
    new RecordEncoder(ORDER_AVRO, 9).encode({ ...own, note: null, amount: null }),
  ],
  repair(bytes) {
    if (bytes.length < 5) return
    bytes[0] = 0
    if (bytes.readInt32BE(1) > 9) bytes.writeInt32BE(1, 1)
  },
  read: (bytes) => (wireSchemaId(bytes, 0, bytes.length) === 9 ? alone(bytes) : withRegistry(bytes)),
  named: never,
}
