import avsc from 'avsc'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BlockBuilder } from '../../model/block-builder.ts'
import { cellAt } from '../../model/column.ts'
import { type Stream, typeMatches } from '../../model/stream.ts'
import { streamFromAvro } from '../../model/testing.ts'
import { EventTypes } from './event-types.ts'
import { faultText } from './fault.ts'
import { generateReader } from './read-code.ts'
import type { Reader } from './reader.ts'
import { RowReader } from './row-reader.ts'
import { matchSchemas } from './schemas-matched.ts'
import { sourceOf } from './source.ts'

interface Field {
  readonly name: string
  readonly type: unknown
  readonly default?: unknown
  readonly aliases?: readonly string[]
}

const AT: Field = { name: 'at', type: 'long' }
const recordOf = (...fields: Field[]) => ({ type: 'record', name: 'Event', fields })
const streamOf = (...fields: Field[]): Stream =>
  streamFromAvro({
    name: 'events',
    topic: 'events',
    timeField: 'at',
    timeFormat: 'ms',
    idField: null,
    type: { fixed: 'x' },
    types: [],
    latenessMs: 0,
    maxAheadMs: 0,
    dedupeMs: 0,
    determines: {},
    avro: recordOf(AT, ...fields),
  })

/** The row's cells, or why there is none. */
function readBy(reader: Reader, stream: Stream, bytes: Uint8Array): unknown {
  const builder = new BlockBuilder(stream, 'events', 0)
  const head = { timeMs: Number.NaN, unfit: -1 }
  const from = bytes.byteOffset
  const row = builder.beginAt(0)
  const fault = reader.read(sourceOf(bytes), from, from + bytes.length, builder, row, head)
  builder.types.set(row, 'x')
  builder.endAt(head.timeMs)
  if (fault !== 0) return faultText(fault, reader.names)
  return builder.build().columns.map((column) => cellAt(column, 0))
}

/** What generated code and avsc's way agree on. */
function read(stream: Stream, writer: unknown, bytes: Uint8Array): unknown {
  const matched = matchSchemas(stream, writer)
  const ours = readBy(generateReader(stream, matched), stream, bytes)
  expect(readBy(new RowReader(stream, matched), stream, bytes)).toEqual(ours)
  return ours
}

const written = (writer: unknown, value: object) => avsc.Type.forSchema(writer as never).toBuffer(value)
/** At 1 ms, then these bytes. */
const bytesOf = (...bytes: number[]) => Uint8Array.from([2, ...bytes])
const TEN_BILLION = [0x80, 0x90, 0xdf, 0xc0, 0x4a]

describe('text', () => {
  const stream = streamOf({ name: 's', type: 'string' })
  const of = (...bytes: number[]) => read(stream, null, bytesOf(2 * bytes.length, ...bytes))
  test('that is not UTF-8 is refused, wherever it stands in a text of any length', () => {
    for (const length of [1, 3, 4, 5, 8, 50, 200])
      for (let at = 0; at < length; at++) {
        const bytes = Buffer.alloc(length, 'a')
        bytes[at] = 0xff
        const prefix = length > 63 ? [((2 * length) & 0x7f) | 0x80, (2 * length) >> 7] : [2 * length]
        expect(read(stream, null, bytesOf(...prefix, ...bytes))).toBe('field "s": text that is not UTF-8')
      }
    expect(of(0xed, 0xa0, 0x80)).toMatch('not UTF-8') // a lone surrogate
  })
  test('U+FEFF at its beginning stays, U+FFFD is a letter', () => {
    expect(of(...Buffer.from('\ufeffa'))).toEqual([1, '\ufeffa'])
    expect(of(...Buffer.from('\ufffd'))).toEqual([1, '\ufffd'])
  })
  test('that no field reads is not looked at', () => {
    const writer = recordOf(AT, { name: 's', type: 'string' }, { name: 'more', type: 'string' })
    expect(read(stream, writer, bytesOf(2, 97, 2, 0xff))).toEqual([1, 'a'])
  })
})

describe('numbers', () => {
  const stream = streamOf({ name: 'n', type: 'double' })
  const writer = recordOf(AT, { name: 'n', type: 'long' })
  test.each([
    [2 ** 53 - 2, [0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]],
    [-(2 ** 52), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    [0, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]],
    [null, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]],
    [null, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
    [null, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]],
  ])('%s', (n, bytes) => {
    const fault = 'field "n": a number that is too large or has too many bytes'
    expect(read(stream, writer, bytesOf(...bytes))).toEqual(n === null ? fault : [1, n])
  })
  test('what avsc would get wrong', () => {
    const matched = matchSchemas(stream, writer)
    const bytes = bytesOf(0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f)
    expect(readBy(generateReader(stream, matched), stream, bytes)).toEqual([1, -(2 ** 53 - 2)])
    expect(readBy(new RowReader(stream, matched), stream, bytes)).toMatch('too large')
  })
  test('an int of more than 32 bits is refused; a long that no field reads is not', () => {
    expect(read(streamOf({ name: 'n', type: 'int' }), null, bytesOf(...TEN_BILLION))).toMatch('too large')
    const skipped = recordOf(AT, { name: 'n', type: 'int' }, { name: 'big', type: 'long' })
    const most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]
    expect(read(stream, skipped, bytesOf(6, ...most))).toEqual([1, 3])
  })
})

describe('what no field reads', () => {
  const stream = streamOf({ name: 'n', type: 'int' })
  const skipping = (type: unknown, ...bytes: number[]) =>
    read(stream, recordOf(AT, { name: 'more', type }, { name: 'n', type: 'int' }), bytesOf(...bytes, 6))
  const nothing = { type: 'record', name: 'Nothing', fields: [{ name: 'a', type: 'null' }] }
  const list = { type: 'record', name: 'List', fields: [{ name: 'next', type: ['null', 'List'] }] }

  test('counts are not believed: what they cost is in proportion to the bytes', () => {
    const startedMs = performance.now()
    for (const items of ['null', nothing, 'int', { type: 'array', items: 'null' }])
      expect(skipping({ type: 'array', items }, ...TEN_BILLION, 0)).toBe('field "more": too many items')
    expect(skipping({ type: 'map', values: 'null' }, ...TEN_BILLION, 0)).toBe('field "more": too many items')
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    expect(skipping({ type: 'array', items: nothing }, 200, 1, 0)).toEqual([1, 3])
  })
  test('blocks that say their size are passed over, if it is one', () => {
    expect(skipping({ type: 'array', items: 'int' }, 3, 4, 2, 4, 0)).toEqual([1, 3])
    expect(skipping({ type: 'map', values: 'int' }, 1, 6, 2, 97, 4, 0)).toEqual([1, 3])
    expect(skipping({ type: 'array', items: 'int' }, 3, 3, 2, 4, 0)).toMatch('length')
    expect(skipping({ type: 'array', items: 'int' }, 3, 40, 2, 4, 0)).toMatch('length')
  })
  test('types in themselves, but not without an end', () => {
    expect(skipping(list, 2, 2, 2, 0)).toEqual([1, 3])
    expect(skipping(list, ...Array(5_000).fill(2), 0)).toBe('field "more": nested too deeply')
  })
})

describe('schemas', () => {
  const decimal = (scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision: 18, scale })
  test('a decimal by its old name has its old scale, and a named type its own', () => {
    const stream = streamOf({ name: 'price', type: decimal(4), aliases: ['cost'] })
    const writer = recordOf(AT, { name: 'cost', type: decimal(2) })
    expect(read(stream, writer, written(writer, { at: 1, cost: Buffer.from([5]) }))).toEqual([1, 0.05])
    const money = (s: number) => ({ ...decimal(s), type: 'fixed', name: 'Money', size: 2 })
    const named = recordOf(AT, { name: 'a', type: money(2) }, { name: 'b', type: 'Money' })
    const value = { at: 1, a: Buffer.from([0, 5]), b: Buffer.from([0, 7]) }
    expect(read(streamOf({ name: 'b', type: money(4) }), named, written(named, value))).toEqual([1, 0.07])
  })
  test('two fields of one', () => {
    const stream = streamOf({ name: 'a', type: 'string', aliases: ['b'] }, { name: 'b', type: 'string' })
    const writer = recordOf({ name: 'b', type: 'string' }, AT)
    expect(read(stream, writer, written(writer, { at: 1, b: 'x' }))).toEqual([1, 'x', 'x'])
  })
  test('texts of schemas are values, never code', () => {
    const evil = `\`\${process.exit(1)}\`'";\n//`
    const stream = streamOf({ name: 's', type: 'string', default: evil })
    expect(read(stream, recordOf(AT), bytesOf())).toEqual([1, evil])
  })
  test('unions of several types, and of records', () => {
    const stream = streamOf({ name: 'n', type: ['null', 'double'] })
    const writer = recordOf(AT, { name: 'n', type: ['int', 'null', 'double'] })
    const union = [recordOf(AT, { name: 'n', type: 'double' })]
    for (const [schema, bytes, row] of [
      [writer, bytesOf(0, 6), [1, 3]],
      [writer, bytesOf(2), [1, null]],
      [writer, bytesOf(4, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f), [1, 1]],
      [writer, bytesOf(6), 'field "n": no such branch of its union'],
      [union, Uint8Array.from([0, 2, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]), [1, 1]],
      [union, Uint8Array.from([2, 2]), 'no such branch of its union'],
    ] as const) {
      const matched = matchSchemas(stream, schema)
      expect(readBy(generateReader(stream, matched), stream, bytes)).toEqual(row)
      expect(readBy(new RowReader(stream, matched), stream, bytes)).toEqual(row)
    }
  })
})

test('types are found by their bytes as by their text', () => {
  const patterns = ['order.created', 'item.*', 'ö*', '']
  const types = new EventTypes({ ...streamOf(), types: patterns })
  const some = fc.oneof(
    fc.constantFrom('', 'order.created', 'order.create', 'xrder.created', 'item.', 'item.sold', 'öl', 'a'),
    fc.string({ unit: 'grapheme', maxLength: 400, size: 'max' }),
  )
  fc.assert(
    fc.property(fc.array(some, { size: 'max', maxLength: 60 }), (texts) => {
      for (const text of texts) {
        const { bytes, words } = sourceOf(Uint8Array.from(Buffer.from(`<${text}>`)))
        expect(types.carries(bytes, words, 1, bytes.length - 1)).toBe(typeMatches(patterns, text))
      }
    }),
  )
})

test('types that fall together with one that comes for ever do not shut it out', () => {
  let asked = 0
  const patterns = new Proxy(['order.created'], {
    get: (list, name) => {
      asked++
      return Reflect.get(list, name)
    },
  })
  const types = new EventTypes({ ...streamOf(), types: patterns })
  const carries = (text: string): boolean => {
    const { bytes, words } = sourceOf(Uint8Array.from(Buffer.from(text)))
    return types.carries(bytes, words, 0, bytes.length)
  }
  for (let i = 0; i < 1_000; i++) expect(carries(`${1e7 + i}.ated`)).toBe(false)
  expect(carries('order.created')).toBe(true)
  asked = 0
  expect(carries('order.created')).toBe(true)
  expect(asked).toBe(0)
})

describe('whole numbers in a field of texts', () => {
  const stream = streamOf({ name: 'id', type: ['null', 'string'], default: null, aliases: ['no'] })
  const longOf = (value: bigint) => {
    const bytes: number[] = []
    for (let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)); ; rest >>= 7n) {
      if (rest < 128n) return [...bytes, Number(rest)]
      bytes.push(Number(rest & 127n) | 128)
    }
  }
  test.each([0n, -7n, 9007199254740993n, 2n ** 63n - 1n, -(2n ** 63n)])('%s keeps its digits', (value) => {
    const matched = matchSchemas(stream, recordOf(AT, { name: 'no', type: 'long' }))
    expect(readBy(generateReader(stream, matched)!, stream, bytesOf(...longOf(value)))).toEqual([1, String(value)])
    const nullable = matchSchemas(stream, recordOf(AT, { name: 'id', type: ['long', 'null'] }))
    expect(readBy(generateReader(stream, nullable)!, stream, bytesOf(0, ...longOf(value)))).toEqual([1, String(value)])
    expect(readBy(generateReader(stream, nullable)!, stream, bytesOf(2))).toEqual([1, null])
  })
  test('nanoseconds of an Avro long', () => {
    const nanos = { ...streamOf(), timeFormat: 'ns' as const }
    const matched = matchSchemas(nanos, null)
    const bytes = Uint8Array.from(longOf(1_767_600_000_001_000_000n))
    expect(readBy(generateReader(nanos, matched)!, nanos, bytes)).toEqual([1_767_600_000_001])
  })
})
