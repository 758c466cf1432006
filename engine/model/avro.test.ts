import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkStream, type StreamDefinition } from './avro.ts'
import { streamFromAvro } from './testing.ts'

const shipped = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../schemas/${name}.avsc`, import.meta.url), 'utf8'))
const definition: StreamDefinition = {
  name: 'transactions',
  topic: 'trade.transactions.v1',
  timeField: 'event_time',
  timeFormat: 'ms',
  idField: 'event_id',
  type: { field: 'type' },
  types: ['order.*'],
  latenessMs: 120_000,
  maxAheadMs: 30_000,
  dedupeMs: 600_000,
  determines: { order_id: ['buyer_id', 'shop_id'] },
  avro: shipped('transaction'),
}
const record = (...fields: unknown[]) => ({ type: 'record', name: 'R', fields })
const faultsOf = (change: Partial<StreamDefinition>) =>
  checkStream({ ...definition, ...change }).faults.map((f) => `${f.part}: ${f.message}`)

test('the shipped transaction schema becomes these columns', () => {
  const columns = streamFromAvro(definition).fields.map((f) => `${f.name} ${f.kind} ${f.scale}`)
  expect(columns.join(', ')).toBe(
    'event_id string 0, type string 0, event_time number 0, order_id string 0, buyer_id string 0, shop_id string 0, ' +
      'item_id string 0, category_id string 0, quantity number 0, unit_price decimal 4, list_price decimal 4, ' +
      'amount decimal 4, currency string 0, device_id string 0, ip string 0, channel string 0, status string 0',
  )
})

test.each(['transaction', 'behavior', 'alert', 'ranking'])('every field of %s has a doc', (name) => {
  const undocumented: string[] = []
  const walk = (type: unknown): void => {
    if (Array.isArray(type)) type.forEach(walk)
    if (typeof type !== 'object' || type === null) return
    const { fields = [], items, values, type: inner } = type as Record<string, never> & { fields?: never[] }
    for (const f of fields as { name: string; doc?: string; type: unknown }[]) {
      if (!f.doc) undocumented.push(f.name)
      walk(f.type)
    }
    for (const part of [items, values, inner]) walk(part)
  }
  walk(shipped(name))
  expect(undocumented).toEqual([])
})

test('types map to columns, nullable or not', () => {
  const fields = [
    { name: 't', type: 'string' },
    { name: 'a', type: ['double', 'null'] },
    { name: 'b', type: { type: 'enum', name: 'E', symbols: ['x'] } },
    { name: 'c', type: ['null', 'E'] },
    { name: 'd', type: { type: 'fixed', name: 'F', size: 8, logicalType: 'decimal', precision: 10, scale: 2 } },
    { name: 'e', type: ['null', 'boolean'] },
    { name: 'f', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'g', type: { type: 'string', logicalType: 'uuid' } },
  ]
  const stream = streamFromAvro({
    ...definition,
    avro: record(...fields),
    timeField: 't',
    timeFormat: 'iso',
    idField: null,
    type: { fixed: 'x' },
    determines: {},
  })
  expect(stream.fields.map((f) => `${f.kind} ${f.scale}`)).toEqual([
    'number 0', // the time: milliseconds, though a text in the record
    'number 6',
    'string 0',
    'string 0',
    'decimal 2',
    'boolean 0',
    'number 0',
    'string 0',
  ])
})

test('what cannot be a column is refused by name, all at once', () => {
  const avro = record(
    { name: 'event_time', type: 'long' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'raw', type: ['null', 'bytes'] },
    { name: 'either', type: ['null', 'string', 'long'] },
    { name: 'big', type: { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 4 } },
  )
  expect(faultsOf({ avro, idField: null, type: { fixed: 'x' }, determines: {} })).toEqual([
    'avro: field "tags": array cannot be a column',
    'avro: field "raw": a union of null, bytes cannot be a column',
    'avro: field "either": a union of null, string, long cannot be a column',
    'avro: field "big": bytes with decimal of 38 digits cannot be a column',
  ])
  expect(faultsOf({ avro: 'string' })).toEqual(['avro: the schema is not an Avro record'])
})

test('names that are not fields, and fields of a wrong kind', () => {
  expect(
    faultsOf({ timeField: 'time', idField: 'id', type: { field: 'kind' }, determines: { order: ['buyer_id', 'x'] } }),
  ).toEqual([
    'timeField: time "time" is not a field of the schema',
    'idField: id "id" is not a field of the schema',
    'type: type "kind" is not a field of the schema',
    'determines: determines: "order" is not a field of the schema',
    'determines: determines: "x" is not a field of the schema',
  ])
  expect(faultsOf({ timeFormat: 'iso', idField: 'amount', type: { field: 'quantity' } })).toEqual([
    'timeFormat: time "event_time" must be a string for time_format iso',
    'idField: id "amount" must be a string or a whole number',
    'type: type "quantity" must be a string',
  ])
  expect(() => streamFromAvro({ ...definition, timeField: 'time' })).toThrow('stream "transactions": time "time"')
})
