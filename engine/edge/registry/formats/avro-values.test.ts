import avsc from 'avsc'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readerOf } from './avro-values.ts'

const schema = {
  type: 'record',
  name: 'R',
  fields: [
    { name: 'b', type: 'boolean' },
    { name: 'i', type: 'int' },
    { name: 'l', type: 'long' },
    { name: 'f', type: 'float' },
    { name: 'd', type: 'double' },
    { name: 'y', type: 'bytes' },
    { name: 's', type: 'string' },
    { name: 'x', type: { type: 'fixed', name: 'F', size: 3 } },
    { name: 'e', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] } },
    { name: 'list', type: { type: 'array', items: 'string' } },
    { name: 'map', type: { type: 'map', values: 'double' } },
    { name: 'inner', type: ['null', 'R'] },
  ],
} as const
const type = avsc.Type.forSchema(schema as unknown as avsc.Schema)
const read = readerOf(type)

const { record } = fc.letrec((tie) => ({
  record: fc.record({
    b: fc.boolean(),
    i: fc.integer(),
    l: fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 }),
    f: fc.float(),
    d: fc.double(),
    y: fc.uint8Array({ maxLength: 9 }).map(Buffer.from),
    s: fc.string({ unit: 'grapheme' }),
    x: fc.uint8Array({ minLength: 3, maxLength: 3 }).map(Buffer.from),
    e: fc.constantFrom('A', 'B'),
    list: fc.array(fc.string()),
    map: fc.dictionary(fc.string(), fc.double(), { noNullPrototype: true }),
    inner: fc.oneof({ depthSize: 'small' }, fc.constant(null), tie('record')),
  }),
}))

/** Lists and maps are passed over; avsc's bytes are Buffers. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, one]) => [
    name,
    name === 'list' || name === 'map' ? [] : plain(one),
  ])
  return Object.fromEntries(entries)
}

test('reads what avsc writes, wherever it stands; a piece of it is no record', () => {
  fc.assert(
    fc.property(record, fc.nat(), (value, cut) => {
      const written = type.toBuffer(value)
      const place = {
        bytes: Buffer.concat([Buffer.from('xx'), written, Buffer.from('yy')]),
        at: 2,
        end: 2 + written.length,
      }
      expect(plain(read(place, 0))).toEqual(plain(value))
      expect(place.at).toBe(place.end)
      const short = { bytes: place.bytes, at: 2, end: 2 + (cut % written.length) }
      expect(() => read(short, 0)).toThrow(/^a |^no |^text /)
    }),
    { numRuns: 500 },
  )
})

test('all 64 bits of a long', () => {
  const long = readerOf(avsc.Type.forSchema('long'))
  const bytesOf = (value: bigint) => {
    const bytes: number[] = []
    for (let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)); ; rest >>= 7n) {
      if (rest < 128n) return Uint8Array.from([...bytes, Number(rest)])
      bytes.push(Number(rest & 127n) | 128)
    }
  }
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = bytesOf(value)
      expect(String(long({ bytes, at: 0, end: bytes.length }, 0))).toBe(String(value))
    }),
  )
  const tooMany = new Uint8Array(11).fill(0xff)
  expect(() => long({ bytes: tooMany, at: 0, end: 11 }, 0)).toThrow('a number of more than 64 bits')
})

test('a list that declares more than is there costs nothing', () => {
  const nulls = readerOf(avsc.Type.forSchema({ type: 'array', items: 'null' }))
  const bytes = Buffer.from('8090dfc04a00', 'hex') // 10^10 nulls
  expect(() => nulls({ bytes, at: 0, end: bytes.length }, 0)).toThrow('a list that reaches beyond the record')
})
