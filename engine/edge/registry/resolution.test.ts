import avsc from 'avsc'
import { describe, expect, test } from 'vitest'
import { BlockBuilder } from '../../model/block-builder.ts'
import { cellAt } from '../../model/column.ts'
import { streamFromAvro } from '../../model/testing.ts'
import { RecordDecoder } from './record-decoder.ts'

// What a writer's schema may say otherwise than the stream's, and what comes of it: the right value, or words that help.

interface Field {
  readonly name: string
  readonly type: unknown
  readonly default?: unknown
  readonly aliases?: readonly string[]
}
const NOW_MS = 1_796_100_542_923
const millis = { type: 'long', logicalType: 'timestamp-millis' }
const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 18, scale })
const optional = (type: unknown) => ['null', type]
const record = (fields: readonly Field[], more: object = {}) => ({ type: 'record', name: 'Order', fields, ...more })
const status = (symbols: string[], more: object = {}) => ({ type: 'enum', name: 'Status', symbols, ...more })

const OWN: readonly Field[] = [
  { name: 'at', type: millis },
  { name: 'buyer_id', type: optional('string'), default: null },
  { name: 'amount', type: optional(decimal(4)), default: null, aliases: ['total'] },
  { name: 'qty', type: optional('long'), default: null },
  { name: 'pieces', type: 'int', default: 1 },
  { name: 'paid_at', type: optional(millis), default: null },
  { name: 'status', type: optional(status(['NEW', 'PAID', 'UNKNOWN'], { default: 'UNKNOWN' })), default: null },
  { name: 'kind', type: status(['A', 'B'], { name: 'Kind' }), default: 'A' },
]
const streamOf = (avro: unknown = record(OWN, { namespace: 'shop' }), timeFormat: 'ms' | 's' | 'iso' = 'ms') =>
  streamFromAvro({
    ...{ name: 'orders', topic: 'orders', timeField: 'at', timeFormat, idField: null, type: { fixed: 'order' } },
    ...{ types: [], latenessMs: 0, maxAheadMs: 60_000, dedupeMs: 0, determines: {}, avro },
  })

/** The row's cells by name, or why there is none. */
async function read(writer: unknown, value: Buffer | object, stream = streamOf()): Promise<Record<string, unknown>> {
  const body = Buffer.isBuffer(value)
    ? value
    : avsc.Type.forSchema(writer as never, { wrapUnions: false }).toBuffer(value)
  const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), body])
  const decoder = new RecordDecoder(stream, { byId: async () => writer, register: async () => 0 })
  await decoder.prepare(bytes, 0, bytes.length)
  const builder = new BlockBuilder(stream, 'orders', 0)
  const letter = decoder.decode(bytes, 0, bytes.length, builder, 0, NOW_MS)
  if (letter) return { ...letter }
  const block = builder.build()
  return Object.fromEntries(stream.fields.map(({ name }, i) => [name, cellAt(block.columns[i]!, 0)]))
}
/** One field beside the time, by another type than the stream's. */
const one = (name: string, type: unknown, value: unknown) =>
  read(
    record([
      { name: 'at', type: millis },
      { name, type },
    ]),
    { at: NOW_MS, [name]: value },
  )
const unscaled = (n: number) => Buffer.from([n >> 24, n >> 16, n >> 8, n])

describe('amounts', () => {
  test.each([
    ['renamed, by its alias, with another scale', 'total', optional(decimal(2)), unscaled(1_250)],
    ['text', 'amount', 'string', '12.50'],
    ['text beside null', 'amount', optional('string'), '12.50'],
    ['text in a union with decimals', 'amount', ['null', 'string', decimal(4)], '12.50'],
    ['decimals in a union with text', 'amount', ['null', 'string', decimal(3)], unscaled(12_500)],
    ['fixed', 'amount', { ...decimal(1), type: 'fixed', name: 'F', size: 4 }, unscaled(125)],
  ])('%s', async (_, name, type, value) => expect(await one(name, type, value)).toMatchObject({ amount: 12.5 }))

  test.each([
    ['text that is no number', 'string', 'twelve', 'MALFORMED', '"amount" does not fit'],
    ['text with a comma', 'string', '12,50', 'MALFORMED', '"amount" does not fit'],
    ['whole numbers', 'long', 1_250, 'UNKNOWN_SCHEMA', 'field "amount": long cannot be read as a decimal'],
    ['floating point', 'double', 12.5, 'UNKNOWN_SCHEMA', 'field "amount": double cannot be read as a decimal'],
    [
      'null where the writer always has it',
      ['string', 'double'],
      12.5,
      'MALFORMED',
      'field "amount": a value of a type',
    ],
  ])('%s', async (_, type, value, reason, words) =>
    expect(await one('amount', type, value)).toEqual({ reason, detail: expect.stringContaining(words) }),
  )
})

describe('whole numbers', () => {
  const big = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1] // -2^63
  const withBig = (name: string) => {
    const writer = record([
      { name, type: 'long' },
      { name: 'at', type: millis },
    ])
    const at = avsc.Type.forSchema('long').toBuffer(NOW_MS)
    return read(writer, Buffer.concat([Buffer.from(big), at]))
  }
  test('all 64 bits of one are the text of a text field', async () => {
    expect(await withBig('buyer_id')).toMatchObject({ buyer_id: '-9223372036854775808' })
    expect(await one('buyer_id', optional('int'), -7)).toMatchObject({ buyer_id: '-7' })
  })
  test('a number field that cannot hold one names itself', async () => {
    expect(await withBig('qty')).toEqual({ reason: 'MALFORMED', detail: expect.stringContaining('field "qty": ') })
  })
  test('promotions, and what is none', async () => {
    expect(await one('qty', 'int', 3)).toMatchObject({ qty: 3 })
    for (const [name, type, value] of [
      ['pieces', 'long', 3],
      ['qty', 'double', 3],
      ['qty', 'string', '3'],
    ] as const)
      expect((await one(name, type, value)).detail).toContain(`field "${name}": ${type} cannot be read as `)
  })
})

describe('times', () => {
  const timed = (type: unknown, value: unknown, stream = streamOf()) =>
    read(record([{ name: 'at', type }]), avsc.Type.forSchema(type as never).toBuffer(value), stream)
  const at = Math.floor(NOW_MS / 1_000) * 1_000
  test.each([
    ['micros', { type: 'long', logicalType: 'timestamp-micros' }, at * 1_000 + 7],
    ['local micros', { type: 'long', logicalType: 'local-timestamp-micros' }, at * 1_000],
    ['ISO text', 'string', new Date(at).toISOString()],
    ['no logical type', 'long', at],
  ])('%s', async (_, type, value) => expect(await timed(type, value)).toMatchObject({ at }))

  test('nanos, which a double does not hold', async () => {
    const type = { type: 'long', logicalType: 'timestamp-nanos' }
    const bytes: number[] = []
    for (let n = BigInt(at) * 2_000_000n; n > 0n; n >>= 7n) bytes.push(Number(n & 127n) | (n > 127n ? 128 : 0))
    expect(await read(record([{ name: 'at', type }]), Buffer.from(bytes))).toMatchObject({ at })
  })
  test('a date is its first moment', async () => {
    const day = Math.floor(NOW_MS / 86_400_000)
    expect(await timed({ type: 'int', logicalType: 'date' }, day)).toMatchObject({ at: day * 86_400_000 })
  })
  test('the unit of the stream holds where the writer says none, and where both say the same', async () => {
    const plain = streamOf(record([{ name: 'at', type: 'long' }]), 's')
    expect(await timed('long', at / 1_000, plain)).toMatchObject({ at })
    expect(await timed(millis, at, plain)).toMatchObject({ at })
    const seconds = streamOf(record([{ name: 'at', type: millis }]), 's')
    expect(await timed(millis, at / 1_000, seconds)).toMatchObject({ at })
  })
  test('in other fields too', async () => {
    const micros = { type: 'long', logicalType: 'timestamp-micros' }
    expect(await one('paid_at', optional(micros), at * 1_000)).toMatchObject({ paid_at: at })
  })
})

describe('enums and text', () => {
  const five = status(['NEW', 'LOST'])
  test('a symbol that is not known is the default; without one it is a fault of that record alone', async () => {
    expect(await one('status', five, 'LOST')).toMatchObject({ status: 'UNKNOWN' })
    const kinds = { ...status(['B', 'C']), name: 'Kind' }
    expect(await one('kind', kinds, 'B')).toMatchObject({ kind: 'B' })
    expect(await one('kind', kinds, 'C')).toEqual({
      reason: 'MALFORMED',
      detail: 'field "kind": no such symbol of its enum',
    })
  })
  test('an enum is text, text an enum', async () => {
    expect(await one('buyer_id', five, 'LOST')).toMatchObject({ buyer_id: 'LOST' })
    expect(await one('status', 'string', 'PAID')).toMatchObject({ status: 'PAID' })
  })
  test('decimals, fixed and booleans are no text', async () => {
    for (const [type, value, words] of [
      [decimal(2), unscaled(5), 'bytes with decimal'],
      [{ type: 'fixed', name: 'F', size: 1 }, Buffer.from('a'), 'fixed'],
      ['boolean', true, 'boolean'],
    ] as const)
      expect((await one('buyer_id', type, value)).detail).toContain(`field "buyer_id": ${words} cannot be read as text`)
  })
})

describe('records', () => {
  const fields = [{ name: 'at', type: millis }]
  const value = { at: NOW_MS }
  test('another namespace, an alias', async () => {
    expect(await read(record(fields, { namespace: 'other' }), value)).toMatchObject({
      at: NOW_MS,
      pieces: 1,
      kind: 'A',
    })
    const stream = streamOf(record(OWN, { aliases: ['old.Purchase'] }))
    expect(await read(record(fields, { name: 'Purchase', namespace: 'old' }), value, stream)).toMatchObject({
      at: NOW_MS,
    })
  })
  test('another name', async () => {
    expect(await read(record(fields, { name: 'Purchase', namespace: 'old' }), value)).toEqual({
      reason: 'UNKNOWN_SCHEMA',
      detail: `schema id 7 cannot be read as orders: it describes the record "old.Purchase", the stream's schema "shop.Order"; if they are the same, add "aliases": ["old.Purchase"] to the record in the stream's schema`,
    })
  })
  test('a field that is not there and has no default; no record at all', async () => {
    const stream = streamOf(
      record([
        { name: 'at', type: millis },
        { name: 'shop', type: 'string', aliases: ['s'] },
      ]),
    )
    expect((await read(record(fields), value, stream)).detail).toContain('it has no field "shop", "s"')
    expect((await read('string', Buffer.from([0]))).detail).toContain('it describes string, not a record')
  })
  test('a union of records: the stream’s own are read, each with its own scale', async () => {
    const union = [
      record([...fields, { name: 'amount', type: decimal(2) }]),
      { type: 'record', name: 'Other', fields: [{ name: 'x', type: 'int' }] },
    ]
    const body = record([...fields, { name: 'amount', type: decimal(2) }])
    const bytes = avsc.Type.forSchema(body as never).toBuffer({ at: NOW_MS, amount: unscaled(1_250) })
    expect(await read(union, Buffer.concat([Buffer.from([0]), bytes]))).toMatchObject({ amount: 12.5 })
    expect(await read(union, Buffer.from([2, 2]))).toEqual({
      reason: 'MALFORMED',
      detail: expect.stringContaining('a value of a type'),
    })
  })
})
