import { BY_STATUS, orderStream } from '../../../engine/edge/registry/formats/testing.ts'
import { RecordEncoder } from '../../../engine/edge/registry/record-encoder.ts'
import type { StreamFormat } from '../../../engine/model/stream.ts'
import type { Target } from '../target.ts'
import { never } from './engine-errors.ts'
import { NOON_MS, topicReader, WORDS } from './topics.ts'

const row = { id: 1001, buyer_id: 'B1', amount: 'BBo=', status: 'paid', updated_at: NOON_MS }
/** As canal and maxwell write decimals. */
const plain = { ...row, amount: '10.50' }
const source = { db: 'shop', table: 'orders', ts_ms: NOON_MS, snapshot: 'false' }
const envelope = { before: { ...row, status: 'new' }, after: row, source, op: 'u', ts_ms: NOON_MS + 412 }
const DECIMAL = { type: 'bytes', name: 'org.apache.kafka.connect.data.Decimal', parameters: { scale: '2' } }
const field = (name: string, type: unknown) => ({ ...(typeof type === 'string' ? { type } : (type as object)), field: name, optional: true }) // biome-ignore format: one value
const schema = {
  type: 'struct',
  fields: ['before', 'after'].map((name) => ({
    ...{ type: 'struct', field: name },
    fields: [field('id', 'int64'), field('amount', DECIMAL), field('updated_at', { type: 'int64', name: 'io.debezium.time.MicroTimestamp' })], // biome-ignore format: one list
  })),
}
const AVRO_ROW = {
  ...{ type: 'record', name: 'Value' },
  fields: [
    ...[{ name: 'id', type: 'long' }, { name: 'status', type: ['null', 'string'] }],
    { name: 'amount', type: { type: 'bytes', scale: 2, precision: 64, logicalType: 'decimal' } },
    { name: 'more', type: { type: 'map', values: { type: 'array', items: 'double' } } },
  ],
} // biome-ignore format: a field each
const SOURCE = {
  ...{ type: 'record', name: 'Source' },
  fields: ['db', 'table'].map((name) => ({ name, type: 'string' })),
}
const AVRO = {
  ...{ type: 'record', name: 'Envelope' },
  fields: [
    ...[{ name: 'before', type: ['null', AVRO_ROW] }, { name: 'after', type: ['null', 'Value'] }],
    ...[{ name: 'op', type: 'string' }, { name: 'ts_ms', type: ['null', 'long'] }, { name: 'source', type: SOURCE }],
  ],
} // biome-ignore format: a field each
const AVRO_SOURCE = { db: 'shop', table: 'orders' }
const avroRow = { id: 2 ** 40, status: 'paid', amount: Buffer.from([4, 26]), more: { a: [1.5, 2] } }
const schemas = { byId: async (id: number) => (id === 1 ? AVRO : null), register: async () => 0 }

const SEEDS: Readonly<Record<'debezium' | 'canal' | 'maxwell', readonly (object | Buffer)[]>> = {
  debezium: [
    ...[envelope, { ...envelope, op: 'c', before: null }, { schema, payload: { ...envelope, op: 'd', after: null } }],
    { ...row, __op: 'c', __db: 'shop', __table: 'orders', __source_ts_ms: NOON_MS, __deleted: 'false' },
    new RecordEncoder(AVRO, 1).encode({ before: null, after: avroRow, op: 'c', ts_ms: NOON_MS, source: AVRO_SOURCE }),
    new RecordEncoder(AVRO, 1).encode({ before: avroRow, after: avroRow, op: 'd', ts_ms: NOON_MS, source: AVRO_SOURCE }),
  ],
  canal: [
    { data: [plain, { ...plain, id: '2' }], old: [{ status: 'new' }, {}], type: 'UPDATE', database: 'shop', table: 'orders', es: NOON_MS, ts: NOON_MS, isDdl: false },
    { data: [plain], old: null, type: 'INSERT', database: 'shop', table: 'orders', es: NOON_MS, isDdl: false },
    { data: null, type: 'ALTER', sql: 'ALTER TABLE', isDdl: true, database: 'shop', table: 'orders', es: NOON_MS },
  ],
  maxwell: [
    { database: 'shop', table: 'orders', type: 'update', ts: NOON_MS / 1_000, xid: 1, commit: true, data: plain, old: { status: 'new' } },
    { database: 'shop', table: 'orders', type: 'insert', ts: NOON_MS / 1_000, data: plain },
    { database: 'shop', table: 'orders', type: 'delete', ts: NOON_MS / 1_000, data: plain },
  ],
} // biome-ignore format: one record a line

/** Changes of a captured table. */
export function captured(format: Extract<StreamFormat, keyof typeof SEEDS>): Target {
  return {
    seeds: SEEDS[format].map((seed) => (Buffer.isBuffer(seed) ? seed : Buffer.from(JSON.stringify(seed)))),
    words: [
      ...[...WORDS, 'op', 'c', 'u', 'd', 'r', 't', 'before', 'after', 'data', 'old', 'schema', 'payload', 'fields'],
      ...['INSERT', 'UPDATE', 'DELETE', 'insert', 'update', 'delete', 'status', 'amount', 'scale', 'table', 'database'],
    ],
    read: topicReader(orderStream(format, BY_STATUS), format === 'debezium' ? schemas : null),
    named: never,
  }
}
