import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decimalToText } from '../kit/decimal.ts'
import { BlockBuilder } from './block-builder.ts'
import { blockFromRows, cellAt, numberAt, type Row, stringAt } from './column.ts'
import type { Stream } from './stream.ts'

const stream: Stream = {
  name: 'things',
  topic: 'x.things.v1',
  fields: [
    { name: 'type', kind: 'string', scale: 0, doc: '' },
    { name: 'at', kind: 'number', scale: 0, doc: '' },
    { name: 'id', kind: 'string', scale: 0, doc: '' },
    { name: 'size', kind: 'number', scale: 6, doc: '' },
    { name: 'fresh', kind: 'boolean', scale: 0, doc: '' },
    { name: 'price', kind: 'decimal', scale: 4, doc: '' },
  ],
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
const source = { topic: 'x.things.v1', partition: 3 }

test('columns hold what was set, the rest is null', () => {
  const builder = new BlockBuilder(stream, 'x.things.v1', 3)
  builder.begin(7, 1000.9, 'thing.made')
  builder.string(2, 'é')
  builder.number(3, 1.5)
  builder.begin(9, 900, 'thing.sold')
  expect(builder.decimalFrom(5, '19.99')).toBe(true)
  builder.number(4, 1)
  builder.stringBytes(2, Buffer.from('xabcx'), 1, 4)
  builder.begin(10, 900, 'thing.sold')
  expect(builder.decimalFrom(5, 'dear')).toBe(false)
  expect(builder.length).toBe(3)
  const block = builder.build()
  expect([block.length, [...block.offsets], [...block.timesMs]]).toEqual([3, [7, 9, 10], [1000, 900, 900]])
  const rows = [0, 1, 2].map((row) => block.columns.map((column) => cellAt(column, row)))
  expect(rows).toEqual([
    ['thing.made', 1000, 'é', 1.5, null, null],
    ['thing.sold', 900, 'abc', null, true, 19.99],
    ['thing.sold', 900, null, null, null, null],
  ])
  expect(block.columns[0]).toBe(block.types)
  expect(builder.length).toBe(0)
})

test('a row can be taken back, a field set anew', () => {
  const builder = new BlockBuilder(stream, 'x.things.v1', 3)
  builder.begin(1, 1, 'a')
  builder.string(2, 'first')
  builder.string(2, 'latter')
  builder.begin(2, 2, 'b')
  builder.string(2, 'gone')
  builder.number(3, 5)
  builder.decimal(5, 0, 1)
  builder.undo()
  builder.begin(2, 3, 'c')
  const block = builder.build()
  expect([0, 1].map((row) => block.columns.map((column) => cellAt(column, row)))).toEqual([
    ['a', 1, 'latter', null, null, null],
    ['c', 3, null, null, null, null],
  ])
})

test('offsets must rise', () => {
  const builder = new BlockBuilder(stream, 'x.things.v1', 3)
  builder.begin(1, 1, 'a')
  expect(() => builder.begin(1, 2, 'a')).toThrow('offsets must rise')
})

test('a wrong kind of value is refused by name', () => {
  expect(() => blockFromRows(stream, source, [{ offset: 0, timeMs: 0, type: 'a', size: 'big' }])).toThrow(
    'size: number wanted, string given',
  )
})

test('many rows, any strings, several blocks from one builder', () => {
  const row = fc.record({
    id: fc.option(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.string({ unit: 'binary-ascii' }))),
    size: fc.option(fc.double({ noNaN: true })),
    fresh: fc.option(fc.boolean()),
    cents: fc.option(fc.integer()),
  })
  fc.assert(
    fc.property(fc.array(fc.array(row, { maxLength: 200, size: 'max' }), { maxLength: 3 }), (blocks) => {
      const builder = new BlockBuilder(stream, 'x.things.v1', 3)
      for (const rows of blocks) {
        rows.forEach((given, i) => {
          builder.begin(i, i * 10, 'thing.made')
          builder.string(2, given.id)
          if (given.size !== null) builder.number(3, given.size)
          if (given.fresh !== null) builder.number(4, Number(given.fresh))
          if (given.cents !== null) builder.decimalFrom(5, given.cents / 100)
        })
        const block = builder.build()
        expect(block.length).toBe(rows.length)
        rows.forEach((given, i) => {
          expect(stringAt(block.columns[2]!, i)).toBe(given.id)
          expect(numberAt(block.columns[3]!, i)).toBe(given.size)
          expect(cellAt(block.columns[4]!, i)).toBe(given.fresh)
          expect(numberAt(block.columns[5]!, i)).toBe(given.cents === null ? null : given.cents / 100)
        })
      }
    }),
    { numRuns: 50 },
  )
})

test('decimals keep every digit', () => {
  const rows: Row[] = [{ offset: 0, timeMs: 0, type: 'a', price: '12345678901234.5678' }]
  const column = blockFromRows(stream, source, rows).columns[5]!
  if (column.kind !== 'decimal') throw new Error('kind')
  expect(decimalToText(column.high[0]!, column.low[0]!, 4)).toBe('12345678901234.5678')
})
