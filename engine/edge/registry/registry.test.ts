import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Block } from '../../model/block.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import { cellAt } from '../../model/column.ts'
import type { EngineError } from '../../model/errors.ts'
import type { Stream } from '../../model/stream.ts'
import { streamFromAvro } from '../../model/testing.ts'
import { OwnIds } from './own-ids.ts'
import { RecordDecoder } from './record-decoder.ts'
import { EventEncoder, type EventRow, RecordEncoder, shippedSchema } from './record-encoder.ts'
import { ConfluentSchemas, type Schemas } from './schemas.ts'

type AvroRecord = { type: 'record'; name: string; fields: { name: string; type: unknown; default?: unknown }[] }
const transaction = shippedSchema('transaction') as AvroRecord
const streamOf = (avro: unknown, change: Partial<Stream> = {}): Stream =>
  streamFromAvro({
    name: 'transactions',
    topic: 'trade.transactions.v1',
    timeField: 'event_time',
    timeFormat: 'ms',
    idField: 'event_id',
    type: { field: 'type' },
    types: ['order.*'],
    latenessMs: 120_000,
    maxAheadMs: 30_000,
    dedupeMs: 0,
    determines: {},
    avro,
    ...change,
  })
const stream = streamOf(transaction)
const EVENT: EventRow = {
  event_id: 'e1',
  type: 'order.created',
  event_time: 1_767_225_600_000,
  order_id: 'Ö1',
  buyer_id: 'B1',
  quantity: 3,
  amount: '-59.97',
  unit_price: 19.99,
  channel: null,
}

/** A registry in memory. */
class FakeSchemas implements Schemas {
  readonly known: Record<number, unknown>
  asked: number[] = []
  down = false
  constructor(known: Record<number, unknown>) {
    this.known = known
  }
  async byId(id: number): Promise<unknown | null> {
    if (this.down) throw Object.assign(new Error('down'), { code: 'REGISTRY_UNREACHABLE' })
    this.asked.push(id)
    return this.known[id] ?? null
  }
  async register(): Promise<number> {
    return 1
  }
}

function rowsOf(block: Block, reader: Stream) {
  return Array.from({ length: block.length }, (_, row) =>
    Object.fromEntries(reader.fields.map((f, i) => [f.name, cellAt(block.columns[i]!, row)])),
  )
}
const builderOf = (reader: Stream) => new BlockBuilder(reader, reader.topic, 0)
async function read(bytes: Buffer, reader: Stream, schemas: Schemas | null = null) {
  const decoder = new RecordDecoder(reader, schemas)
  await decoder.prepare(bytes, 0, bytes.length)
  const builder = builderOf(reader)
  expect(decoder.decode(bytes, 0, bytes.length, builder, 0, null)).toBeNull()
  return rowsOf(builder.build(), reader)[0]!
}

test('an event comes back as it was written, whatever its id when there is no registry', async () => {
  const bytes = new EventEncoder(stream, 4711).encodeEvent(EVENT)
  expect([...bytes.subarray(0, 5)]).toEqual([0, 0, 0, 0x12, 0x67])
  const row = await read(bytes, stream)
  expect(row).toMatchObject({ ...EVENT, amount: -59.97, shop_id: null, list_price: null })
})

describe('without a registry', () => {
  const written = [4711, 4711, 12].map((id) => new EventEncoder(stream, id).encodeEvent(EVENT))
  const lettersOf = (decoder: RecordDecoder) =>
    written.map((bytes) => decoder.decode(bytes, 0, bytes.length, builderOf(stream), 0, null)?.detail ?? null)

  test('records of the first id that is seen are the own ones, also for a decoder that comes later; that is said once', () => {
    const said: number[] = []
    const ownIds = new OwnIds((_, id) => said.push(id))
    const detail =
      "schema id 12; without a registry only records of id 4711 are read: configure registry, or the stream's schema_id"
    expect(lettersOf(new RecordDecoder(stream, null, ownIds))).toEqual([null, null, detail])
    written.reverse()
    expect(lettersOf(new RecordDecoder(stream, null, ownIds))).toEqual([detail, null, null])
    expect(said).toEqual([4711])
  })
  test('or those of the configured id', () => {
    const said: number[] = []
    const configured = { ...stream, schemaId: 12 }
    const letters = lettersOf(new RecordDecoder(configured, null, new OwnIds((_, id) => said.push(id))))
    expect(letters.map((letter) => letter === null)).toEqual([true, false, false])
    expect(said).toEqual([])
  })
})

describe('evolution', () => {
  const withField = (field: AvroRecord['fields'][number]): AvroRecord => ({
    ...transaction,
    fields: [...transaction.fields, field],
  })
  const newer = withField({ name: 'risk', type: ['null', 'double'], default: null })

  test('an old reader passes a new field over', async () => {
    const bytes = new EventEncoder(streamOf(newer), 2).encodeEvent({ ...EVENT, risk: 0.5 })
    expect(await read(bytes, stream, new FakeSchemas({ 2: newer }))).toMatchObject({ order_id: 'Ö1', amount: -59.97 })
  })
  test('a new reader finds the default where an old writer has no such field', async () => {
    const bytes = new EventEncoder(stream, 1).encodeEvent(EVENT)
    const reader = streamOf(withField({ name: 'region', type: 'string', default: 'eu' }))
    expect(await read(bytes, reader, new FakeSchemas({ 1: transaction }))).toMatchObject({
      order_id: 'Ö1',
      region: 'eu',
    })
  })
  test('wider numbers, another order, a decimal of another scale', async () => {
    const decimal = { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }
    const change: Record<string, unknown> = { amount: ['null', decimal], unit_price: decimal }
    const fields = transaction.fields
      .map((f) => (f.name in change ? { name: f.name, type: change[f.name] } : f))
      .reverse()
    const writer = { ...transaction, fields }
    const bytes = new EventEncoder(streamOf(writer), 3).encodeEvent(EVENT)
    const wide = transaction.fields.map((f) => (f.name === 'quantity' ? { ...f, type: 'double' } : f))
    const row = await read(bytes, streamOf({ ...transaction, fields: wide }), new FakeSchemas({ 3: writer }))
    expect(row).toMatchObject({ quantity: 3, amount: -59.97, unit_price: 19.99, event_id: 'e1' })
  })
  test('a schema that cannot be read, or that nobody knows, sets its records aside', async () => {
    const strange = { type: 'record', name: 'Transaction', fields: [{ name: 'event_id', type: 'long' }] }
    const schemas = new FakeSchemas({ 5: strange })
    const decoder = new RecordDecoder(stream, schemas)
    const records = [5, 6].map((id) => new RecordEncoder({ type: 'record', name: 'X', fields: [] }, id).encode({}))
    for (const bytes of records) await decoder.prepare(bytes, 0, bytes.length)
    const letters = records.map((bytes) => decoder.decode(bytes, 0, bytes.length, builderOf(stream), 0, null)!)
    expect(letters.map((l) => l.reason)).toEqual(['UNKNOWN_SCHEMA', 'UNKNOWN_SCHEMA'])
    expect(letters[0]!.detail).toMatch(/^schema id 5 cannot be read as transactions: /)
    expect(letters[1]!.detail).toBe('schema id 6')
    schemas.known[6] = transaction // registered later: asked for again
    const late = new EventEncoder(stream, 6).encodeEvent(EVENT)
    await decoder.prepare(late, 0, late.length)
    expect(decoder.decode(late, 0, late.length, builderOf(stream), 0, null)).toBeNull()
    for (const bytes of [late, null, Buffer.from('x')]) expect(decoder.prepare(bytes, 0, bytes?.length ?? 0)).toBeNull()
    expect(schemas.asked).toEqual([5, 6, 6])
  })
  test('a registry that is down loses nothing', async () => {
    const schemas = new FakeSchemas({ 1: transaction })
    const decoder = new RecordDecoder(stream, schemas)
    const bytes = new EventEncoder(stream, 1).encodeEvent(EVENT)
    schemas.down = true
    await expect(decoder.prepare(bytes, 0, bytes.length)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    schemas.down = false
    await decoder.prepare(bytes, 0, bytes.length)
    expect(decoder.decode(bytes, 0, bytes.length, builderOf(stream), 0, null)).toBeNull()
  })
})

describe('dead letters', () => {
  const decoder = new RecordDecoder(stream, null)
  const encoder = new EventEncoder(stream)
  const good = encoder.encodeEvent(EVENT)
  const why = (bytes: Buffer | null, clockMs: number | null = null) => {
    const builder = builderOf(stream)
    const letter = decoder.decode(bytes, 0, bytes?.length ?? 0, builder, 0, clockMs)
    expect(builder.length).toBe(letter ? 0 : 1)
    return letter?.reason ?? null
  }
  test.each([
    ['no value', null, 'MALFORMED'],
    ['no bytes', Buffer.alloc(0), 'BAD_MAGIC'],
    ['text', Buffer.from('{}'), 'BAD_MAGIC'],
    ['a header alone', good.subarray(0, 4), 'MALFORMED'],
    ['a byte too many', Buffer.concat([good, Buffer.alloc(1)]), 'MALFORMED'],
    ['more than 1 MB', Buffer.alloc((1 << 20) + 1), 'OVERSIZED'],
    ['a type of another stream', encoder.encodeEvent({ ...EVENT, type: 'item.viewed' }), 'UNKNOWN_TYPE'],
    ['a time that is none', encoder.encodeEvent({ ...EVENT, event_time: 9e15 }), 'NO_TIME'],
    ['a good one', good, null],
  ] as const)('%s', (_, bytes, reason) => expect(why(bytes as Buffer | null)).toBe(reason))

  test('every shorter length', () => {
    for (let length = 5; length < good.length; length++)
      expect(why(good.subarray(0, length)), `${length}`).toBe('MALFORMED')
  })
  test('the future begins max_ahead after the clock', () => {
    expect(why(good, (EVENT.event_time as number) - 30_000)).toBeNull()
    expect(why(good, (EVENT.event_time as number) - 30_001)).toBe('FUTURE_TIME')
  })
  test('a decimal of more than 64 bits', () => {
    const value = { ...EVENT, amount: Buffer.alloc(9, 0x55), unit_price: undefined }
    expect(why(new RecordEncoder(transaction, 0).encode(value))).toBe('MALFORMED')
  })
  test('no bytes whatever make it throw', () => {
    const reasons = new Set<string | null>()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat({ max: good.length - 1 }), (noise, at) => {
        reasons.add(why(Buffer.concat([Buffer.alloc(5), noise])))
        const bent = Buffer.from(good)
        bent.set(noise.subarray(0, bent.length - at), at)
        reasons.add(why(bent))
      }),
      { numRuns: 2_000 },
    )
    expect(reasons).toContain('MALFORMED')
  })
  test('fixed types and ISO times', async () => {
    const avro = {
      type: 'record',
      name: 'Bid',
      fields: [
        { name: 'at', type: 'string' },
        { name: 'price', type: 'long' },
      ],
    }
    const bids = streamOf(avro, {
      timeField: 'at',
      timeFormat: 'iso',
      idField: null,
      type: { fixed: 'bid' },
      types: [],
    })
    const bytes = new EventEncoder(bids).encodeEvent({ at: 1_436_918_401_000, price: 5 })
    expect(await read(bytes, bids)).toEqual({ at: 1_436_918_401_000, price: 5 })
  })
})

describe('the client', () => {
  let server: Server
  let url: string
  const requests: string[] = []
  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`)
      const answer = (status: number, body: object) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      }
      if (request.url?.startsWith('/schemas/ids/1?')) answer(200, { schema: JSON.stringify(transaction) })
      else if (request.url?.startsWith('/schemas/ids/2?')) answer(200, { schema: '{}', schemaType: 'JSON' })
      else if (request.url?.startsWith('/schemas/ids/500?')) answer(500, { error_code: 50001, message: 'disk' })
      else if (request.url?.startsWith('/subjects/good-value/versions')) answer(200, { id: 7 })
      else if (request.url?.startsWith('/subjects/bad-value/versions'))
        answer(409, { error_code: 409, message: 'incompatible' })
      else answer(404, { error_code: 40403, message: 'Schema not found' })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => server.close())
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(String, (error: EngineError) => `${error.code} ${error.canRetry}`)

  test('a schema by its id; what is missing or not Avro is null, and not asked for twice in a row', async () => {
    const schemas = new ConfluentSchemas(url)
    expect(await schemas.byId(1, 't')).toEqual(transaction)
    expect([await schemas.byId(2, 't'), await schemas.byId(3, 't'), await schemas.byId(3, 't')]).toEqual([
      null,
      null,
      null,
    ])
    expect(requests.filter((r) => r.includes('/ids/3'))).toEqual(['GET /schemas/ids/3?subject=t-value'])
  })
  test('registering', async () => {
    const schemas = new ConfluentSchemas(url)
    expect(await schemas.register('good', transaction)).toBe(7)
    expect(await codeOf(schemas.register('bad', transaction))).toBe('CONFIG_INVALID false')
  })
  test('a registry that fails, or is not there, can be tried again', async () => {
    expect(await codeOf(new ConfluentSchemas(url).byId(500, 't'))).toBe('REGISTRY_UNREACHABLE true')
    expect(await codeOf(new ConfluentSchemas('http://127.0.0.1:1').byId(1, 't'))).toBe('REGISTRY_UNREACHABLE true')
    expect(await codeOf(new ConfluentSchemas('http://127.0.0.1:1').register('good', {}))).toBe(
      'REGISTRY_UNREACHABLE true',
    )
  })
})
