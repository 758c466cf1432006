import avsc from 'avsc'
import { describe, expect, test } from 'vitest'
import { WIRE_HEADER_BYTES } from '../wire.ts'
import { APPEND_ONLY, BY_STATUS, orderStream, readAll } from './testing.ts'

const NOON_MS = Date.UTC(2026, 0, 5, 12)
const byStatus = orderStream('debezium', BY_STATUS)
const appendOnly = orderStream('debezium', APPEND_ONLY)

/** The source block of Debezium 3 for MySQL. */
const source = {
  version: '3.0.8.Final',
  connector: 'mysql',
  name: 'shop',
  ts_ms: NOON_MS,
  snapshot: 'false',
  db: 'shop',
  sequence: null,
  ts_us: NOON_MS * 1_000,
  ts_ns: NOON_MS * 1e6,
  table: 'orders',
  server_id: 223344,
  gtid: null,
  file: 'binlog.000002',
  pos: 401,
  row: 0,
  thread: 11,
  query: null,
}
/** BIGINT, VARCHAR, DECIMAL(10,2) in the default mode `precise`, VARCHAR. */
const row = (status: string, amount = 'BBo=') => ({ id: 1001, buyer_id: 'B1', amount, status })
const envelope = (op: string, before: unknown, after: unknown, more: object = {}) => ({
  before,
  after,
  source: { ...source, ...more },
  transaction: null,
  op,
  ts_ms: NOON_MS + 412,
  ts_us: NOON_MS * 1_000 + 412_007,
  ts_ns: (NOON_MS + 412) * 1e6,
})
const created = { type: 'order.created', event_time: NOON_MS, order_id: '1001', buyer_id: 'B1', amount: 10.5 }

describe('envelopes without a schema', () => {
  test('inserts, updates by a column, deletes', async () => {
    const { rows, bad, passed } = await readAll(byStatus, [
      envelope('c', null, row('new')),
      envelope('u', row('new'), row('paid')),
      envelope('u', row('paid'), row('paid', 'BBs=')), // another column
      envelope('u', row('paid'), row('held')), // no event is configured
      envelope('d', row('held'), null),
    ])
    expect(rows).toEqual([created, { ...created, type: 'payment.captured' }, { ...created, type: 'order.removed' }])
    expect([bad, passed]).toEqual([[], { update: 2 }])
  })
  test('what is no change of a row is passed over and counted', async () => {
    const { rows, bad, passed } = await readAll(byStatus, [
      null,
      { ts_ms: NOON_MS },
      { status: 'BEGIN', id: 'file=binlog.000002,pos=236', ts_ms: NOON_MS, event_count: null, data_collections: null },
      {
        source,
        ts_ms: NOON_MS,
        databaseName: 'shop',
        schemaName: null,
        ddl: 'ALTER TABLE orders ADD x INT',
        tableChanges: [],
      },
      envelope('t', null, null),
      { ...envelope('m', null, null), message: { prefix: 'p', content: '' } },
      envelope('c', null, row('new'), { table: 'users' }),
    ])
    expect([rows, bad]).toEqual([[], []])
    expect(passed).toEqual({
      tombstone: 1,
      heartbeat: 1,
      transaction: 1,
      ddl: 1,
      truncate: 1,
      message: 1,
      other_table: 1,
    })
  })
  test('an update of which the row before is not known is no change of a column', async () => {
    const { rows, passed } = await readAll(byStatus, [envelope('u', null, row('paid'))])
    expect([rows, passed]).toEqual([[], { update_before_unknown: 1 }])
  })
  test('a snapshot: rows with a time of their own are inserts, others are not of that moment', async () => {
    const records = [
      envelope('r', null, { ...row('new'), updated_at: NOON_MS - 5 }, { snapshot: 'true' }),
      envelope('c', null, { ...row('new'), updated_at: NOON_MS - 4 }, { snapshot: 'last' }), // as older connectors write it
      envelope('r', null, row('new'), { snapshot: 'last' }),
    ]
    const { rows, passed } = await readAll(byStatus, records)
    expect(rows.map((one) => one.event_time)).toEqual([NOON_MS - 5, NOON_MS - 4])
    expect(passed).toEqual({ snapshot_without_time: 1 })
    const none = await readAll(orderStream('debezium', { ...BY_STATUS, snapshot: false }), records)
    expect([none.rows, none.passed]).toEqual([[], { snapshot: 3 }])
  })
  test('a table of events: the type stands in the row', async () => {
    const event = { event_time: NOON_MS, order_id: 'O1', buyer_id: 'B1', amount: '10.50' }
    const { rows, bad, passed } = await readAll(appendOnly, [
      { before: null, after: { ...event, type: 'order.created' }, source: { table: 'events' }, op: 'c', ts_ms: 1 },
      { before: null, after: event, op: 'c', ts_ms: 1 },
      { before: null, after: { ...event, type: 'order.created' }, op: 'u', ts_ms: 1 },
    ])
    expect(rows).toEqual([{ ...created, order_id: 'O1' }])
    expect([bad, passed]).toEqual([['UNKNOWN_TYPE: no "type"'], { update: 1 }])
  })
  test('times by their size: from microseconds, nanoseconds, ISO 8601; else when the source made the change', async () => {
    const times = [NOON_MS, NOON_MS * 1_000 + 999, '1767614400000000999', '2026-01-05T12:00:00Z', null]
    const { rows } = await readAll(
      byStatus,
      times.map((time) => envelope('c', null, { ...row('new'), updated_at: time })),
    )
    expect(rows.map((one) => one.event_time)).toEqual([NOON_MS, NOON_MS, NOON_MS, NOON_MS, NOON_MS])
    const early = {
      before: null,
      after: row('new'),
      op: 'c',
      ts_ms: NOON_MS + 412,
      source: { db: 'shop', table: 'orders' },
    }
    expect((await readAll(byStatus, [early])).rows[0].event_time).toBe(NOON_MS + 412)
    expect((await readAll(byStatus, [{ ...early, ts_ms: null }])).bad).toEqual(['NO_TIME: no "event_time"'])
  })
  test('decimals as base64 of the scale that is configured, as texts, as doubles', async () => {
    const amounts = ['BBo=', '10.50', 10.5, '+/ve', '1050', 'AA==', '-.5', null, '', 'ten!']
    const records = amounts.map((amount) => envelope('c', null, { ...row('new'), amount }))
    const { rows, bad } = await readAll(byStatus, records)
    expect(rows.map((one) => one.amount ?? null)).toEqual([10.5, 10.5, 10.5, -2632.02, -26668.92, 0, -0.5, null])
    expect(bad).toEqual(['', 'ten!'].map((text) => `MALFORMED: "amount" is no decimal that fits: "${text}"`))
    const plain = await readAll(orderStream('debezium', { ...BY_STATUS, decimals: {} }), records.slice(0, 5))
    expect(plain.rows.map((one) => one.amount)).toEqual([10.5, 10.5, 1050])
    expect(plain.bad[0]).toBe(
      'MALFORMED: "amount" is no decimal that fits: "BBo= (base64: name its scale in decimals)"',
    )
  })
  test('a large value that an update left as it was is null', async () => {
    const toasted = { ...row('paid'), buyer_id: '__debezium_unavailable_value' }
    const { rows } = await readAll(byStatus, [envelope('u', row('new'), toasted)])
    expect(rows[0]).not.toHaveProperty('buyer_id')
  })
})

/** As Connect's JSON converter writes it with `schemas.enable`. */
function withSchema(payload: unknown, columns: readonly object[]): unknown {
  const struct = (field: string) => ({
    type: 'struct',
    fields: columns,
    optional: true,
    name: 'shop.shop.orders.Value',
    field,
  })
  const fields = [struct('before'), struct('after'), { type: 'string', optional: false, field: 'op' }]
  return { schema: { type: 'struct', fields, optional: false, name: 'shop.shop.orders.Envelope', version: 2 }, payload }
}
const column = (field: string, type: string, name?: string, parameters?: object) => ({
  type,
  optional: true,
  ...(name && { name, version: 1 }),
  ...(parameters && { parameters }),
  field,
})

describe('envelopes with a schema', () => {
  const decimal = column('amount', 'bytes', 'org.apache.kafka.connect.data.Decimal', {
    scale: '3',
    'connect.decimal.precision': '12',
  })
  const time = (name: string) => [column('updated_at', 'int64', name), column('note', 'int64', name), decimal]
  test.each<[string, unknown, string]>([
    ['io.debezium.time.Timestamp', NOON_MS, '2026-01-05T12:00:00.000Z'],
    ['io.debezium.time.MicroTimestamp', NOON_MS * 1_000 + 1, '2026-01-05T12:00:00.000Z'],
    ['io.debezium.time.NanoTimestamp', '1767614400000000001', '2026-01-05T12:00:00.000Z'],
    ['org.apache.kafka.connect.data.Timestamp', NOON_MS, '2026-01-05T12:00:00.000Z'],
    ['io.debezium.time.ZonedTimestamp', '2026-01-05T12:00:00Z', '2026-01-05T12:00:00Z'],
    ['io.debezium.time.Date', 20458, '2026-01-05'],
  ])('%s', async (name, value, note) => {
    const payload = envelope('c', null, { ...row('new', 'KQQ='), updated_at: value, note: value })
    const text = JSON.stringify(withSchema(payload, time(name))).replaceAll(/"(\d{19})"/g, '$1')
    const { rows, bad } = await readAll(byStatus, [text])
    expect(bad).toEqual([])
    const event_time = name.endsWith('Date') ? NOON_MS - 43_200_000 : NOON_MS
    expect(rows).toEqual([{ ...created, event_time, note }]) // 10.500 of scale 3
  })
  test('decimals: all of them by their schema, also those that look like numbers', async () => {
    const amounts = ['1050', 'KQQ=', 10.5, '1234567890123456789.5', null] // the third as decimal.format=NUMERIC writes it
    const records = amounts.map((amount) => withSchema(envelope('c', null, { ...row('new'), amount }), [decimal]))
    const { rows, bad } = await readAll(byStatus, records)
    expect(rows.map((one) => one.amount ?? null)).toEqual([-2666.89, 10.5, 10.5, null])
    expect(bad).toEqual(['MALFORMED: "amount" is no decimal that fits: "1234567890123456789.5"'])
  })
  test('a decimal that carries its scale', async () => {
    const columns = [
      { type: 'struct', fields: [], name: 'io.debezium.data.VariableScaleDecimal', version: 1, field: 'amount' },
    ]
    const scaled = (scale: number) =>
      withSchema(envelope('c', null, { ...row('new'), amount: { scale, value: 'BBo=' } }), columns)
    const { rows, bad } = await readAll(byStatus, [scaled(1), scaled(-2), scaled(1e9)])
    expect(rows.map((one) => one.amount)).toEqual([105, 105_000])
    expect(bad).toEqual(['MALFORMED: "amount" is no decimal that fits: {…}'])
  })
  test('a tombstone in an envelope, and a payload that is none', async () => {
    const { bad, passed } = await readAll(byStatus, [
      { schema: null, payload: null },
      { schema: null, payload: 3 },
    ])
    expect([bad, passed]).toEqual([['MALFORMED: "payload" is no object'], { tombstone: 1 }])
  })
})

describe('flattened rows', () => {
  const added = { __db: 'shop', __table: 'orders', __source_ts_ms: NOON_MS }
  test('by __op and __deleted', async () => {
    const { rows, bad, passed } = await readAll(byStatus, [
      { ...row('new'), ...added, __op: 'c', __deleted: 'false' },
      { ...row('paid'), ...added, __op: 'u', __deleted: 'false' },
      { ...row('paid'), ...added, __op: 'd', __deleted: 'true' },
      { ...row('paid'), ...added, __op: 'r', __deleted: 'false' },
    ])
    expect(rows).toEqual([created, { ...created, type: 'order.removed' }])
    expect([bad, passed]).toEqual([[], { update_before_unknown: 1, snapshot_without_time: 1 }])
  })
  test('microseconds and base64 without a schema', async () => {
    const event = {
      type: 'order.created',
      event_time: NOON_MS * 1_000,
      order_id: '1001',
      buyer_id: 'B1',
      amount: 'BBo=',
    }
    const { rows } = await readAll(appendOnly, [{ ...event, __op: 'c', __deleted: 'false' }])
    expect(rows).toEqual([created])
  })
  test('a row that does not say what was done, or to which table', async () => {
    const { bad } = await readAll(byStatus, [row('new'), { ...row('new'), __op: 'c' }, { ...row('new'), __op: 'x' }])
    expect(bad).toEqual([
      'MALFORMED: neither an envelope with "op" nor a flattened row with "__op", which add.fields=op gives it',
      'MALFORMED: it does not say which table it is about',
      'MALFORMED: "__op" is none of c, u, d, r',
    ])
  })
})

describe('Avro through the registry', () => {
  /** As Connect's Avro data writes a table of MySQL. */
  const value = {
    type: 'record',
    name: 'Value',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'buyer_id', type: 'string' },
      {
        name: 'amount',
        type: [
          'null',
          {
            type: 'bytes',
            scale: 2,
            precision: 10,
            'connect.version': 1,
            'connect.parameters': { scale: '2', 'connect.decimal.precision': '10' },
            'connect.name': 'org.apache.kafka.connect.data.Decimal',
            logicalType: 'decimal',
          },
        ],
        default: null,
      },
      { name: 'status', type: 'string' },
      {
        name: 'updated_at',
        type: [
          {
            type: 'long',
            'connect.version': 1,
            'connect.name': 'io.debezium.time.MicroTimestamp',
            'connect.default': 0,
          },
          'null',
        ],
        default: 0,
      },
    ],
    'connect.name': 'shop.shop.orders.Value',
  }
  const sourceAvro = {
    type: 'record',
    name: 'Source',
    namespace: 'io.debezium.connector.mysql',
    fields: ['db', 'table'].map((name) => ({ name, type: 'string' })),
  }
  const envelopeAvro = {
    type: 'record',
    name: 'Envelope',
    namespace: 'shop.shop.orders',
    fields: [
      { name: 'before', type: ['null', value], default: null },
      { name: 'after', type: ['null', 'Value'], default: null },
      { name: 'source', type: sourceAvro },
      { name: 'op', type: 'string' },
      { name: 'ts_ms', type: ['null', 'long'], default: null },
    ],
  }
  const schemas = {
    byId: async (id: number) =>
      ({ 7: envelopeAvro, 8: value, 9: { type: 'record', name: 'x y', fields: [] } })[id] ?? null,
    register: async () => 0,
  }
  const long = avsc.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (n: number | bigint) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(BigInt(n))
      return bytes
    },
    fromJSON: (n: unknown) => n,
    toJSON: (n: unknown) => n,
    isValid: (n: unknown) => typeof n === 'number' || typeof n === 'bigint',
    compare: () => 0,
  })
  function framed(id: number, schema: unknown, record: unknown): Buffer {
    const header = Buffer.alloc(WIRE_HEADER_BYTES)
    header.writeInt32BE(id, 1)
    const type = avsc.Type.forSchema(schema as avsc.Schema, { registry: { long } })
    return Buffer.concat([header, type.toBuffer(record)])
  }
  const avroRow = (status: string, id: number | bigint = 1001) => ({
    id,
    buyer_id: 'B1',
    amount: Buffer.from([4, 26]),
    status,
    updated_at: NOON_MS * 1_000,
  })
  const change = (op: string, before: unknown, after: unknown) =>
    framed(7, envelopeAvro, { before, after, source: { db: 'shop', table: 'orders' }, op, ts_ms: NOON_MS })

  test('envelopes', async () => {
    const { rows, bad, passed } = await readAll(
      byStatus,
      [
        change('c', null, avroRow('new', 1234567890123456781n)),
        change('u', avroRow('new'), avroRow('paid')),
        change('u', avroRow('paid'), avroRow('paid')),
        change('d', avroRow('paid'), null),
        null,
      ],
      { schemas },
    )
    expect(bad).toEqual([])
    expect(rows).toEqual([
      { ...created, order_id: '1234567890123456781' },
      { ...created, type: 'payment.captured' },
      { ...created, type: 'order.removed' },
    ])
    expect(passed).toEqual({ update: 1, tombstone: 1 })
  })
  test('flattened rows', async () => {
    const flat = { ...value, fields: [...value.fields, { name: '__op', type: ['null', 'string'], default: null }] }
    const record = framed(8, flat, { ...avroRow('new'), __op: 'c' })
    const stream = orderStream('debezium', { ...BY_STATUS, table: null })
    const { rows, bad } = await readAll(stream, [record], { schemas: { ...schemas, byId: async () => flat } })
    expect([rows, bad]).toEqual([[created], []])
  })
  test('JSON with the header of a registry', async () => {
    const framedJson = Buffer.concat([
      Buffer.from([0, 0, 0, 0, 5]),
      Buffer.from(JSON.stringify(envelope('c', null, row('new')))),
    ])
    for (const given of [{ schemas }, {}])
      expect((await readAll(byStatus, [framedJson], given)).rows).toEqual([created])
  })
  test('dead letters', async () => {
    const record = change('c', null, avroRow('new'))
    const [cut, unknown, unusable] = [record.subarray(0, -3), Buffer.from(record), Buffer.from(record)]
    unknown[4] = 77
    unusable[4] = 9
    const { bad } = await readAll(byStatus, [cut, unknown, unusable], { schemas })
    expect(bad).toEqual([
      expect.stringMatching(/^MALFORMED: /),
      'UNKNOWN_SCHEMA: schema id 77',
      expect.stringMatching(/^UNKNOWN_SCHEMA: schema id 9 cannot be used: /),
    ])
    expect((await readAll(byStatus, [record])).bad).toEqual([
      'UNKNOWN_SCHEMA: Avro of Debezium is read through a schema registry, and none is configured',
    ])
  })
})
