import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packArrays, unpackArrays } from './packed-arrays.ts'
import { type Numbers, Packer, Unpacker } from './packing.ts'

const whole = fc.oneof(
  fc.integer({ min: -3, max: 300 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.nat({ max: 4_294_967_295 }),
)
const many = { maxLength: 200, size: 'max' } as const
const arrays = fc.oneof(
  fc.array(whole, many).map((v) => Float64Array.from(v)),
  fc.array(fc.oneof(whole, fc.double()), many).map((v) => Float64Array.from(v)),
  fc.array(fc.nat({ max: 10_000_000 }), many).map((v) => Float64Array.from(v)),
  fc.array(fc.nat({ max: 999 }), many).map((v) => Float64Array.from(v.map((d, i) => 1_700_000_000_000 + i * 500 + d))),
  fc.array(fc.integer(), many).map((v) => Int32Array.from(v)),
  fc.array(fc.nat({ max: 4_294_967_295 }), many).map((v) => Uint32Array.from(v)),
  fc.array(fc.nat({ max: 70_000 }), many).map((v) => Uint32Array.from(v)),
  fc.array(fc.nat({ max: 65_535 }), many).map((v) => Uint16Array.from(v)),
  fc.tuple(fc.nat({ max: 50 }), fc.double()).map(([n, v]) => new Float64Array(n).fill(v)),
)

test('what is packed comes back to the last bit', () => {
  fc.assert(
    fc.property(fc.array(arrays, { maxLength: 6, size: 'max' }), fc.uint8Array(), (columns, bytes) => {
      const packer = new Packer()
      for (const column of columns) packer.numbers(column, column.length)
      const from = bytes.length >> 1
      packer.raw(bytes, from, bytes.length)
      packer.raw(bytes, 0, from)
      const unpacker = new Unpacker(packer.finish())
      const back = columns.map((c) =>
        unpacker.numbers(new (c.constructor as new (n: number) => Numbers)(c.length), c.length),
      )
      expect(back).toEqual(columns)
      expect(unpacker.raw(bytes.length - from)).toEqual(bytes.slice(from))
      expect(unpacker.raw(from)).toEqual(bytes.slice(0, from))
    }),
    { numRuns: 500 },
  )
})

test('columns of events become small: times 1 to 2 bytes, constants nothing, back references 1 to 2', () => {
  const size = (column: Numbers): number => {
    const packer = new Packer()
    packer.numbers(column, column.length)
    return packer.finish().length / column.length
  }
  const n = 4096
  expect(size(Float64Array.from({ length: n }, (_, i) => 1_767_225_600_000 + i * 3 + (i % 7)))).toBeLessThan(1.01)
  expect(size(new Float64Array(n).fill(4))).toBeLessThan(0.01)
  expect(size(Uint32Array.from({ length: n }, (_, i) => (i % 10 === 0 ? i * 1000 : i % 90)))).toBeLessThan(1.4)
})

test('bytes that are not those of a packer are refused before anything is made of them', () => {
  const packer = new Packer()
  packer.numbers(Float64Array.of(3, 1, 4), 3)
  const packed = packer.finish()
  const refused = (read: () => unknown) => expect(read).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  refused(() => new Unpacker(packed).numbers(new Float64Array(3), 1e9))
  refused(() => new Unpacker(packed.subarray(0, packed.length - 1)).numbers(new Float64Array(3), 3))
  for (const length of [-1, Number.NaN, 1e12]) refused(() => new Unpacker(packed).raw(length))
  const arrays = packArrays([Float64Array.of(1, 2)])
  for (const [at, value] of [
    [0, 1e9],
    [0, -1],
    [0, Number.NaN],
    [1, 24],
    [1, -8],
  ] as const) {
    const broken = new Float64Array(arrays.slice().buffer)
    broken[at] = value
    refused(() => unpackArrays(new Uint8Array(broken.buffer)))
  }
  const around = Buffer.from(new Uint8Array([...arrays, ...new Uint8Array(64)]).buffer)
  new Float64Array(around.buffer, around.byteOffset, 2)[1] = 40 // beyond its own bytes, not beyond the buffer
  refused(() => unpackArrays(new Uint8Array(around.buffer, around.byteOffset, arrays.length)))
})
