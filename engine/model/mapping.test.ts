import { expect, test } from 'vitest'
import { MappedRecords } from './mapped-records.ts'
import { type Mapping, numberReader } from './mapping.ts'
import type { Field, Stream } from './stream.ts'

test('numbers of a form, and what is not of it', () => {
  const chinese = numberReader({ thousands: ',', decimal: '.', strip: '¥￥元' })
  expect(['¥1,234.50', '1234.5元', '-¥5', '+ ¥7', ' 12 ', '.5', '¥-1,000,000', '0'].map(chinese)).toEqual([
    '1234.50',
    '1234.5',
    '-5',
    null,
    '12',
    '0.5',
    '-1000000',
    '0',
  ])
  const wrong = ['1,5', '12,34', '1,2345', ',123', '1,234,5', '', '¥', '-', '1.', '1.2.3', '1e5', '$5', '5-', '0x10']
  expect(wrong.map(chinese)).toEqual(wrong.map(() => null))
  const european = numberReader({ thousands: '.', decimal: ',', strip: '€' })
  expect(['1.234,50 €', '1234,5', '1.5', ',5'].map(european)).toEqual(['1234.50', '1234.5', null, '0.5'])
  const bare = numberReader({ thousands: '', decimal: '.', strip: '%' })
  expect(['12%', '1,234'].map(bare)).toEqual(['12', null])
  expect(numberReader({ thousands: ' ', decimal: ',', strip: '' })('1 234 567,8')).toBe('1234567.8')
})

const field = (name: string, kind: Field['kind']): Field => ({ name, kind, scale: 0, doc: '' })
const stream: Stream = {
  name: 'orders',
  topic: 'orders',
  fields: [
    field('type', 'string'),
    field('at', 'number'),
    field('amount', 'decimal'),
    field('gift', 'boolean'),
    field('note', 'string'),
    field('__proto__', 'string'),
  ],
  timeField: 'at',
  timeFormat: 'ms',
  idField: null,
  type: { field: 'type' },
  types: ['order.*'],
  latenessMs: 0,
  maxAheadMs: 0,
  dedupeMs: 0,
  determines: {},
  avro: null,
}
const mapping: Mapping = {
  columns: { 状态: 'type', 时间: 'at', 金额: 'amount', constructor: '__proto__' },
  types: { 已下单: 'order.created', constructor: 'order.built' },
  numbers: { thousands: ',', decimal: '.', strip: '¥' },
  trueWords: ['是'],
  falseWords: ['否'],
  nullWords: ['-', 'NULL'],
}
const records = new MappedRecords(stream, mapping)

test('names, types, numbers, true, false and null in the words of the stream', () => {
  const source = {
    状态: ' 已下单',
    时间: '1,000',
    金额: '¥1,234.50',
    gift: '是',
    note: '1,5',
    other: '-',
    __proto__: 1,
  }
  expect(records.of(source)).toEqual({
    record: { type: 'order.created', at: '1,000', amount: '1234.50', gift: true, note: '1,5', other: null },
  })
  expect(records.typeOf(source)).toBe('order.created')
})

test('what is no text, or no word, stays as it is', () => {
  const source = { type: '退款', amount: 12.5, gift: 'maybe', note: '', at: 5 }
  expect(records.of(source)).toEqual({ record: source })
})

test('names that every object has are names like others', () => {
  const { record } = records.of({ constructor: 'x', 状态: 'constructor' }) as { record: Record<string, unknown> }
  expect(Object.entries(record)).toEqual([
    ['__proto__', 'x'],
    ['type', 'order.built'],
  ])
  expect(records.of({ 状态: 'toString' })).toEqual({ record: { type: 'toString' } })
})

test('a number of another form, and two names of one field, are problems', () => {
  expect(records.of({ 金额: '1,5' })).toEqual({ problem: '"amount" is not written as "numbers" says: "1,5"' })
  expect(records.of({ 金额: 1, amount: 2 })).toEqual({
    problem: '"amount" stands there twice: "金额" and "amount"',
  })
})
