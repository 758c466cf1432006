import avsc from 'avsc'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkStream } from '../../model/avro.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import type { Stream } from '../../model/stream.ts'
import { FAULT } from './fault.ts'
import { generateReader } from './read-code.ts'
import type { Reader } from './reader.ts'
import { RowReader } from './row-reader.ts'
import { matchSchemas } from './schemas-matched.ts'
import { sourceOf } from './source.ts'
import { type FieldCase, fieldCase } from './testing.ts'

/** A stream, a schema that it can read, and values of that. */
interface Case {
  readonly stream: Stream
  readonly writer: { readonly fields: readonly unknown[] }
  readonly values: readonly Record<string, unknown>[]
}

const FIELDS = 6
const time: fc.Arbitrary<FieldCase> = fc.constantFrom(
  ...['int', 'long', 'double'].flatMap((read) => [
    { writer: { type: 'int', value: fc.integer() }, reader: { type: read }, isAliased: false },
    {
      writer: { type: [read === 'int' ? 'int' : 'long', 'null'], value: fc.option(fc.integer()) },
      reader: { type: [read === 'int' ? 'int' : read, 'null'], default: 5 },
      isAliased: false,
    },
  ]),
  { writer: null, reader: { type: 'long', default: 5 }, isAliased: false },
  ...['string', 'bytes'].map((type) => ({
    writer: { type, value: fc.date({ noInvalidDate: true }).map((d) => iso(d, type)) },
    reader: { type: 'string' },
    isAliased: true,
  })),
)
const iso = (date: Date, type: string) => (type === 'bytes' ? Buffer.from(date.toISOString()) : date.toISOString())
const type: fc.Arbitrary<FieldCase> = fc.constantFrom(
  { writer: { type: 'string', value: fc.string() }, reader: { type: 'string' }, isAliased: true },
  {
    writer: { type: ['null', 'string'], value: fc.option(fc.string()) },
    reader: { type: ['null', 'string'] },
    isAliased: false,
  },
  { writer: null, reader: { type: 'string', default: 'x' }, isAliased: false },
)

const cases: fc.Arbitrary<Case> = fc
  .tuple(time, type, ...Array.from({ length: FIELDS }, (_, i) => fieldCase(String(i))))
  .chain((fields) => {
    const names = ['at', 'type', ...Array.from({ length: FIELDS }, (_, i) => `f${i}`)]
    const writerName = (i: number) => (fields[i].isAliased ? `old_${names[i]}` : names[i])
    const written = fields.flatMap(({ writer }, i) => (writer ? [{ name: writerName(i), type: writer.type }] : []))
    const read = fields.flatMap(({ reader, isAliased }, i) =>
      reader ? [{ name: names[i], ...reader, ...(isAliased && { aliases: [writerName(i)] }) }] : [],
    )
    const values = fc.record(
      Object.fromEntries(fields.flatMap(({ writer }, i) => (writer ? [[writerName(i), writer.value]] : []))),
    )
    return fc.tuple(order(written), order(read), fc.array(values, { minLength: 1, maxLength: 4 })).map(([w, r, v]) => ({
      stream: streamOf({ type: 'record', name: 'Event', fields: r }),
      writer: { type: 'record', name: 'Event', fields: w },
      values: v,
    }))
  })

function order<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length })
}

function streamOf(avro: { type: string; name: string; fields: readonly { name: string; type: unknown }[] }): Stream {
  const { stream, faults } = checkStream({
    name: 'events',
    topic: 'events',
    timeField: 'at',
    timeFormat: avro.fields.find(({ name }) => name === 'at')!.type === 'string' ? 'iso' : 'ms',
    idField: null,
    type: { field: 'type' },
    types: ['*'],
    latenessMs: 0,
    maxAheadMs: 0,
    dedupeMs: 0,
    determines: {},
    avro,
  })
  expect(faults).toEqual([])
  return stream
}

/** What a reader makes of records that stand in a larger buffer, one after the other. */
function readAll(reader: Reader, stream: Stream, records: readonly Uint8Array[]) {
  const builder = new BlockBuilder(stream, stream.topic, 0)
  const around = Buffer.from([2, 4, 0xff])
  const results = records.map((record, offset) => {
    const head = { timeMs: Number.NaN, unfit: -1 }
    const row = builder.beginAt(offset)
    const end = around.length + record.length
    const source = sourceOf(Uint8Array.from([...around, ...record, ...around]))
    const fault = reader.read(source, around.length, end, builder, row, head)
    builder.endAt(head.timeMs)
    const isRow = fault === 0 && head.unfit < 0
    if (!isRow) builder.undo()
    return { fault, isRow, timeMs: isRow ? head.timeMs : 0 }
  })
  return { results, block: builder.build() }
}

/** Both read the same, or both refuse; but what avsc cannot read. */
function compare({ stream, writer }: Case, records: readonly Uint8Array[]): { rows: number; refused: number } {
  const matched = matchSchemas(stream, writer)
  const generated = generateReader(stream, matched)
  const general = new RowReader(stream, matched)
  const ours = readAll(generated, stream, records)
  const theirs = readAll(general, stream, records)
  if (theirs.results.some(({ fault }, i) => fault % 16 === FAULT.number && ours.results[i].isRow)) {
    const numbers = ours.block.columns.flatMap((c) => (c.kind === 'number' ? [...c.values] : []))
    expect(Math.min(...numbers.filter((n) => !Number.isNaN(n)))).toBeLessThan(-(2 ** 52))
  } else {
    const outcome = ({ isRow, timeMs }: { isRow: boolean; timeMs: number }) => [isRow, timeMs]
    expect(ours.results.map(outcome)).toEqual(theirs.results.map(outcome))
    expect(ours.block).toEqual(theirs.block)
  }
  const rows = ours.block.length
  return { rows, refused: records.length - rows }
}

test('generated code reads what avsc reads, of any schema that Avro lets a stream read', () => {
  let rows = 0
  fc.assert(
    fc.property(cases, (c) => {
      const type = avsc.Type.forSchema(c.writer as never)
      rows += compare(
        c,
        c.values.map((value) => type.toBuffer(value)),
      ).rows
    }),
    { numRuns: 2_000 },
  )
  expect(rows).toBeGreaterThan(1_000)
}, 120_000)

test('bent and random bytes: both refuse, or both read the same', () => {
  const seen = { rows: 0, refused: 0 }
  const bend = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(3),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 4, size: 'max' }),
      fc.constantFrom(
        [0x80, 0x80, 0],
        [0xff, 0xff, 0xff, 0xff, 0x0f],
        Array(9).fill(0xff).concat(1),
        Array(10).fill(0x80),
      ),
    ),
  })
  fc.assert(
    fc.property(
      cases,
      fc.array(bend, { minLength: 1, maxLength: 12 }),
      fc.uint8Array({ maxLength: 60 }),
      (c, bends, noise) => {
        const good = avsc.Type.forSchema(c.writer as never).toBuffer(c.values[0])
        const bent = bends.map(({ at, remove, insert }) => {
          const from = Math.floor(at * (good.length + 1))
          return Buffer.concat([good.subarray(0, from), Uint8Array.from(insert), good.subarray(from + remove)])
        })
        const { rows, refused } = compare(c, [good, ...bent, noise])
        seen.rows += rows
        seen.refused += refused
      },
    ),
    { numRuns: 2_000 },
  )
  expect(seen.rows).toBeGreaterThan(1_500)
  expect(seen.refused).toBeGreaterThan(1_000)
}, 120_000)
