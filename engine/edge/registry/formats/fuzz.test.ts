import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BlockBuilder } from '../../../model/block-builder.ts'
import { Counters } from '../../../model/counters.ts'
import { decoderFor } from './decoder-for.ts'
import { BY_STATUS, orderStream } from './testing.ts'

/** Whatever a topic holds: a row, rows, a count or a dead letter; never an error, and nothing is left half done. */
const FORMATS = ['json', 'debezium', 'canal', 'maxwell'] as const
const avro = { type: 'record', name: 'E', fields: [{ name: 'op', type: 'string' }, { name: 'x', type: { type: 'array', items: 'null' } }, { name: 'after', type: { type: 'map', values: 'long' } }, { name: 'e', type: { type: 'enum', name: 'N', symbols: ['a'] } }, { name: 'f', type: ['null', 'double', 'E'] }] } // biome-ignore format: one line
const schemas = { byId: async (id: number) => (id === 1 ? avro : null), register: async () => 0 }

const words = fc.constantFrom(
  'type', 'op', '__op', 'before', 'after', 'source', 'ts_ms', 'data', 'old', 'database', 'table', 'es', 'ts', 'isDdl',
  'schema', 'payload', 'fields', 'field', 'name', 'parameters', 'scale', 'id', 'amount', 'status', 'updated_at', 'note',
  '__proto__', 'constructor', 'toString',
) // biome-ignore format: a list
const leaf = fc.oneof(
  fc.constantFrom(
    'c',
    'u',
    'd',
    'r',
    'INSERT',
    'UPDATE',
    'insert',
    'update',
    'shop',
    'orders',
    'new',
    'paid',
    'BBo=',
    '1e9',
  ),
  fc.constantFrom(
    'order.created',
    'io.debezium.time.Date',
    'org.apache.kafka.connect.data.Decimal',
    'amount',
    '\ud800',
  ),
  fc.constantFrom(null, true, 1767614400000, -1, 1.5, Number.MAX_VALUE, [], {}),
  fc.double(),
  fc.string(),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(words, tie('value'), { maxKeys: 12, noNullPrototype: true }),
}))
const row = fc.record(
  { id: fc.oneof(fc.constant(1), value), amount: fc.oneof(fc.constant('1.5'), leaf), status: leaf },
  { requiredKeys: [] },
)
const message = fc.record(
  {
    type: fc.constantFrom('INSERT', 'UPDATE', 'insert', 'update', 'order.created'),
    op: fc.constantFrom('c', 'u', 'd', 'r'),
    database: fc.constant('shop'),
    isDdl: fc.constant(false),
    table: fc.constant('orders'),
    source: fc.constant({ db: 'shop', table: 'orders', ts_ms: 1767614400000 }),
    event_time: fc.oneof(fc.constant(1), value),
    order_id: fc.oneof(fc.constant('O1'), value),
    data: fc.oneof(row, fc.array(row, { maxLength: 3 }), value),
    old: fc.oneof(row, value),
    before: fc.oneof(row, value),
    after: fc.oneof(row, value),
    es: fc.constantFrom(1, 1767614400000, 'x', null),
    ts: fc.constantFrom(1, 1767614400, 'x', null),
  },
  { requiredKeys: ['type', 'op', 'database', 'table', 'source', 'data', 'after', 'es', 'ts'] },
)
const good = fc.constantFrom(
  { type: 'order.created', event_time: 1767614400000, order_id: 'O1' },
  { op: 'c', source: { db: 'shop', table: 'orders' }, after: { id: 1 }, ts_ms: 1767614400000 },
  { type: 'INSERT', database: 'shop', table: 'orders', data: [{ id: '1' }, { id: '2' }], es: 1767614400000 },
  { type: 'insert', database: 'shop', table: 'orders', data: { id: 1 }, ts: 1767614400 },
)
const text = fc.oneof(
  good.map((one) => JSON.stringify(one)),
  fc.string(),
  value.map((one) => JSON.stringify(one)),
  message.map((one) => JSON.stringify(one)),
  fc.tuple(value, message).map(([schema, payload]) => JSON.stringify({ schema, payload })),
)
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  text.map((one) => Buffer.from(one)),
  fc.uint8Array({ maxLength: 64 }).map((rest) => Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), rest])),
  fc.tuple(text, fc.nat(), fc.nat(255)).map(([one, at, byte]) => {
    const mutated = Buffer.from(one)
    if (mutated.length > 0) mutated[at % mutated.length] = byte
    return mutated
  }),
)

describe('no bytes whatever throw', () => {
  test.each(FORMATS)('%s', async (format) => {
    const stream = orderStream(format, format === 'json' ? undefined : BY_STATUS)
    const counters = new Counters()
    const decoder = decoderFor(stream, schemas, counters)
    const builder = new BlockBuilder(stream, stream.topic, 0)
    let offset = 0
    let rows = 0
    await fc.assert(
      fc.asyncProperty(bytes, async (record) => {
        const before = builder.length
        const passed = counters.total('cdc_passed_over_total')
        await decoder.prepare(record, 0, record.length)
        const letter = decoder.decode(record, 0, record.length, builder, offset++, null)
        const added = builder.length - before
        if (letter) expect([added, counters.total('cdc_passed_over_total')]).toEqual([0, passed])
        rows += added
        if (builder.length > 100) builder.build()
      }),
      { numRuns: 3_000, endOnFailure: true, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: true },
    )
    expect(rows).toBeGreaterThan(0)
  })
  test.each(FORMATS)('%s: nested without end', async (format) => {
    const stream = orderStream(format, format === 'json' ? undefined : BY_STATUS)
    const decoder = decoderFor(stream, null, new Counters())
    const builder = new BlockBuilder(stream, stream.topic, 0)
    const deep = (open: string, close: string) => `${open.repeat(20_000)}1${close.repeat(20_000)}`
    for (const nested of [deep('[', ']'), deep('{"a":', '}')]) {
      const inRow = `{"id":"1","note":${nested},"type":"order.created","event_time":1767614400000}`
      const records = [
        nested,
        inRow,
        `{"type":"INSERT","op":"c","database":"shop","table":"orders","data":[${inRow}],"es":1,"after":${inRow},"source":{"db":"shop","table":"orders"}}`,
        `{"type":"insert","database":"shop","table":"orders","data":${inRow},"ts":1}`,
      ]
      for (const one of records) {
        const record = Buffer.from(one)
        expect(decoder.decode(record, 0, record.length, builder, 0, null)).not.toBeNull()
      }
    }
    expect(builder.length).toBe(0)
  })
})
