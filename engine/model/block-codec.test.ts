import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batchOf } from './batch.ts'
import type { LogEntry } from './block.ts'
import { decodeEntry, encodeEntry } from './block-codec.ts'
import { blockFromRows, cellAt, type Row } from './column.ts'
import { EngineError } from './errors.ts'
import type { Field, Stream } from './stream.ts'

const field = (name: string, kind: Field['kind'], scale = 0): Field => ({ name, kind, scale, doc: '' })
const FIELDS = [
  field('type', 'string'),
  field('at', 'number'),
  field('id', 'string'),
  field('note', 'string'),
  field('size', 'number', 6),
  field('fresh', 'boolean'),
  field('price', 'decimal', 4),
]
function streamOf(fields: readonly Field[]): Stream {
  return {
    name: 'things',
    topic: 'x.things.v1',
    fields,
    timeField: 'at',
    timeFormat: 'ms',
    idField: 'id',
    type: { field: 'type' },
    types: ['thing.*'],
    latenessMs: 0,
    maxAheadMs: 0,
    dedupeMs: 0,
    determines: {},
    avro: null,
  }
}
const stream = streamOf(FIELDS)
const source = { topic: 'x.things.v1', partition: 3 }
const SAMPLE: Row[] = [
  { offset: 5, timeMs: 1_767_225_600_000, type: 'thing.made', id: 'a', size: 1.5, price: '19.99' },
  { offset: 6, timeMs: 1_767_225_600_090, type: 'thing.sold', id: 'b', fresh: true, note: 'é' },
]
const mark: LogEntry = { kind: 'mark', sourceTopic: 'x', sourcePartition: 1, upToMs: 5, sources: ['x/0', 'x/1'] }
const rules: LogEntry = { kind: 'rules', files: [{ path: 'a.yaml', text: 'rule: ä' }] }

const rowArbitrary = fc.record({
  step: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 2 ** 40 })),
  timeMs: fc.oneof(
    fc.integer({ min: 1_767_225_600_000, max: 1_767_225_600_100 }),
    fc.integer({ min: -1e15, max: 1e15 }),
  ),
  type: fc.constantFrom('thing.made', 'thing.sold', ''),
  id: fc.option(fc.string({ unit: 'grapheme' })),
  note: fc.option(fc.string({ minLength: 200, maxLength: 400 }), { freq: 1 }),
  size: fc.option(fc.oneof(fc.double({ noNaN: true }), fc.nat({ max: 300 }))),
  fresh: fc.option(fc.boolean()),
  price: fc.option(fc.oneof(fc.integer(), fc.bigInt({ min: 1n - 10n ** 14n, max: 10n ** 14n - 1n }).map(String))),
})

test('a block comes back as it was, at any alignment', () => {
  fc.assert(
    fc.property(fc.array(rowArbitrary, { maxLength: 40, size: 'max' }), fc.nat({ max: 9 }), (drafts, shift) => {
      let offset = -1
      const rows = drafts.map(({ step, ...rest }) => {
        offset += step
        return { ...rest, offset }
      })
      const block = blockFromRows(stream, source, rows)
      const encoded = encodeEntry(block, [stream])
      const moved = new Uint8Array(encoded.length + shift).subarray(shift)
      moved.set(encoded)
      expect(decodeEntry(moved, [stream])).toEqual(block)
    }),
  )
})

test('marks, rule sets, changes of lists and broadcasts come back as they were; there is no other kind', () => {
  const rest = { ttlMs: null, untilMs: 9, atMs: 1 }
  const entries: LogEntry[] = [
    mark,
    rules,
    { kind: 'list', list: 'l', add: ['ä', 1], remove: [], ttlMs: 5, atMs: 1 },
    {
      kind: 'broadcast',
      topic: 'g.lists',
      records: [
        { offset: 3, list: 'l', item: 'ä', on: true, ...rest },
        { offset: 4, feature: 'f', version: 1, key: 1.5, values: [1, null, ['a', 2, false]] },
        { offset: 5, feature: 'f', version: 1, key: 'k', values: null },
      ],
    },
  ]
  for (const entry of entries) expect(decodeEntry(encodeEntry(entry, []), [])).toEqual(entry)
  expect(() => encodeEntry({ kind: 'nonsense' } as unknown as LogEntry, [])).toThrow('a kind that there is')
})

test('type and time are stored once and shared', () => {
  const block = decodeEntry(encodeEntry(blockFromRows(stream, source, SAMPLE), [stream]), [stream])
  if (block.kind !== 'block') throw new Error('kind')
  expect(block.columns[0]).toBe(block.types)
  expect(block.columns[1]).toEqual({ kind: 'number', values: block.timesMs })
})

describe('a reader with another schema', () => {
  const read = (fields: readonly Field[]) => {
    const block = decodeEntry(encodeEntry(blockFromRows(stream, source, SAMPLE), [stream]), [streamOf(fields)])
    if (block.kind !== 'block') throw new Error('kind')
    return fields.map((_, i) => cellAt(block.columns[i]!, 0))
  }
  test('newer: the field that is missing is null, whatever its kind', () =>
    expect(
      read([field('s', 'string'), ...FIELDS, field('n', 'number'), field('d', 'decimal', 2), field('b', 'boolean')]),
    ).toEqual([null, 'thing.made', 1_767_225_600_000, 'a', null, 1.5, null, 19.99, null, null, null]))
  test('older: the field that it does not know is passed over', () =>
    expect(read([field('price', 'decimal', 4), field('id', 'string')])).toEqual([19.99, 'a']))
  test('changed: another kind or scale is refused by name', () => {
    expect(() => read([field('id', 'number')])).toThrow('"things.id" was a string, is a number')
    expect(() => read([field('price', 'decimal', 2)])).toThrow(
      'was a decimal with 4 digits, is a decimal with 2 digits',
    )
  })
  test('without the stream', () =>
    expect(() => decodeEntry(encodeEntry(blockFromRows(stream, source, SAMPLE), [stream]), [])).toThrow(
      'not configured',
    ))
})

describe('damage is never misread', () => {
  const entries: LogEntry[] = [blockFromRows(stream, source, SAMPLE), mark, rules]
  const refused = (bytes: Uint8Array, what: string) => {
    let failure: unknown
    try {
      decodeEntry(bytes, [stream])
    } catch (error) {
      failure = error
    }
    expect(failure, what).toBeInstanceOf(EngineError)
    expect((failure as EngineError).code).toBe('STATE_CORRUPT')
  }
  test.each(entries)('every bit of a $kind', (entry) => {
    const whole = encodeEntry(entry, [stream])
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const bytes = whole.slice()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      refused(bytes, `bit ${bit}`)
    }
  })
  test.each(entries)('every length of a $kind', (entry) => {
    const whole = encodeEntry(entry, [stream])
    for (let length = 0; length < whole.length; length++) refused(whole.slice(0, length), `length ${length}`)
    refused(Uint8Array.from([...whole, 0]), 'one byte more')
  })
  test('another version says so', () => {
    const bytes = encodeEntry(mark, [])
    bytes[4] = 2
    expect(() => decodeEntry(bytes, [])).toThrow('version 2, this engine reads 1')
  })
})

describe('a right checksum over wrong contents', () => {
  /** The entry of one block with `change` made to it, its size and checksum right again. */
  function changed(change: (bytes: Buffer) => Buffer): Uint8Array {
    const bytes = change(Buffer.from(encodeEntry(blockFromRows(stream, source, SAMPLE), [stream])))
    bytes.writeUInt32LE(bytes.length, 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(16), crc32(bytes.subarray(0, 12))), 12)
    return new Uint8Array(bytes)
  }
  const refused = (bytes: Uint8Array) =>
    expect(() => decodeEntry(bytes, [stream])).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  const placesAt = 16 + 4 + 4 + stream.name.length + 4 + source.topic.length

  test('more rows than its bytes can hold are refused before they get room', () => {
    const before = process.memoryUsage().arrayBuffers
    for (const rows of [3, 20_000, 0xffff_ffff])
      refused(
        changed((bytes) => {
          bytes.writeUInt32LE(rows, 16)
          return bytes
        }),
      )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20)
  })
  test('rows without offsets or times', () => {
    refused(
      changed((bytes) => {
        bytes.writeUInt8(254, placesAt + 4)
        return bytes
      }),
    )
  })
  test('a run of a block that is not there', () => {
    const entry = encodeEntry(batchOf([blockFromRows(stream, source, SAMPLE)]), [stream])
    const bytes = Buffer.from(entry)
    const runs = bytes.length - 2 * 9 - 4 // how many, then two constants
    const two = changed(() => {
      const [of, rows] = [Float64Array.of(0, 7), Float64Array.of(2, 3)].map((values) => Buffer.from(values.buffer))
      const head = bytes.subarray(0, runs)
      const aligned = (at: Buffer, values: Buffer) => {
        const end = at.length + 1
        return Buffer.concat([at, Buffer.of(0), Buffer.alloc((8 - (end % 8)) % 8), values])
      }
      return aligned(aligned(Buffer.concat([head, Buffer.of(2, 0, 0, 0)]), of!), rows!)
    })
    expect(() => decodeEntry(two, [stream])).toThrow('a run of block 7')
  })
})
