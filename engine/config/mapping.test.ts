import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadConfig } from '../config.ts'
import type { EngineError } from '../model/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-mapping-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The stream `orders`, of the shipped schema, with more keys. */
function orders(more: string, type = 'type: type, types: [order.*]') {
  const known = 'schema: schemas/transaction.avsc, topic: shop.orders, time: event_time'
  writeFileSync(join(folder, 'lapwing.yaml'), `streams:\n  orders: { ${known}, ${type}, ${more} }\n`)
  return loadConfig({ folder }).streams[0]
}
function faults(more: string, type?: string): string[] {
  try {
    orders(more, type)
    return []
  } catch (error) {
    expect((error as EngineError).code).toBe('CONFIG_INVALID')
    return [...(error as Error).message.matchAll(/error\[.*|did you mean.*/g)].map(([line]) => line)
  }
}

test('a stream without these keys has no mapping', () => {
  expect(orders('lateness: 1m')).not.toHaveProperty('mapping')
})

test('what is left out says nothing', () => {
  expect(orders('columns: { 订单号: order_id }')?.mapping).toEqual({
    columns: { 订单号: 'order_id' },
    types: {},
    numbers: null,
    trueWords: [],
    falseWords: [],
    nullWords: [],
  })
  expect(
    orders('numbers: { strip: ¥ }, true_words: [是], false_words: [否], null_words: ["-"]')?.mapping,
  ).toMatchObject({
    numbers: { thousands: '', decimal: '.', strip: '¥' },
    trueWords: ['是'],
    falseWords: ['否'],
    nullWords: ['-'],
  })
})

test('a delimiter is one character', () => {
  expect(orders('delimiter: "\\t"')?.delimiter).toBe('\t')
  expect(orders('delimiter: ","')).not.toHaveProperty('delimiter')
  for (const wrong of ['""', '"ab"', "'\"'", '"\\n"'])
    expect(faults(`delimiter: ${wrong}`)).toEqual([
      'error[wrong-value]: "streams.orders.delimiter" must be one character, such as ";" or "\\t"',
    ])
})

test('types that the values name are carried', () => {
  const stream = orders('values: { 已下单: order.created, 1: order.paid, 新: order.created }', 'type: type')
  expect(stream?.types).toEqual(['order.paid', 'order.created'])
})

test('what does not fit, with its place', () => {
  expect(faults('columns: { 订单号: order_idd }')).toEqual([
    'error[unknown-field]: "order_idd" is not a field of the schema',
    'did you mean "order_id"?',
  ])
  expect(faults('values: { 已付款: payment.captured }')).toEqual([
    'error[wrong-value]: "payment.captured" is none of the "types" of the stream',
  ])
  expect(faults('values: { a: b }', 'type: { fixed: order.created }')).toEqual([
    'error[wrong-value]: a stream with one fixed type has no "values"',
  ])
  expect(faults('numbers: { thousands: ".", strip: "1" }')).toEqual([
    'error[wrong-value]: is the same as "decimal"',
    'error[wrong-value]: must hold no digit and no sign',
  ])
  expect(faults('numbers: { thousands: ",", strip: "¥," }')).toEqual([
    'error[wrong-value]: holds ",", which stands in numbers',
  ])
  expect(faults('true_words: [是, Y], null_words: [Y]')).toEqual([
    'error[duplicate-name]: "Y" stands in "true_words" too',
  ])
  expect(faults('numbers: { decimals: "," }')).toEqual([
    'error[unknown-key]: "decimals" is not a key in "streams.orders.numbers"',
    'did you mean "decimal"?',
  ])
})
