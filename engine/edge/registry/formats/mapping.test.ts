import { expect, test } from 'vitest'
import type { Mapping } from '../../../model/mapping.ts'
import type { Stream } from '../../../model/stream.ts'
import { APPEND_ONLY, BY_STATUS, orderStream, readAll } from './testing.ts'

const mapping: Mapping = {
  columns: { 订单号: 'order_id', 金额: 'amount', 时间: 'event_time', 状态: 'type', 礼物: 'gift' },
  types: { 已下单: 'order.created' },
  numbers: { thousands: ',', decimal: '.', strip: '¥' },
  trueWords: ['是'],
  falseWords: ['否'],
  nullWords: ['-'],
}
const mapped = (stream: Stream): Stream => ({ ...stream, mapping })
const source = { 订单号: 'O1', 金额: '¥1,234.50', 时间: 1_767_600_000_000, 状态: '已下单', 礼物: '是', note: '-' }
const event = { type: 'order.created', event_time: 1_767_600_000_000, order_id: 'O1', amount: 1234.5, gift: true }

test('json', async () => {
  const { rows, bad } = await readAll(mapped(orderStream('json')), [source, { ...source, 金额: '1,5' }])
  expect(rows).toEqual([event])
  expect(bad).toEqual(['MALFORMED: "amount" is not written as "numbers" says: "1,5"'])
})

test('canal: rows by their own type; changes name columns as the table does', async () => {
  const insert = { data: [source], database: 'shop', table: 'orders', isDdl: false, es: 5, old: null, type: 'INSERT' }
  expect((await readAll(mapped(orderStream('canal', APPEND_ONLY)), [insert])).rows).toEqual([event])
  const byStatus = { ...BY_STATUS, update: { column: '状态', types: { 已付款: 'payment.captured' } } }
  const update = { ...insert, data: [{ ...source, 状态: '已付款' }], old: [{ 状态: '已下单' }], type: 'UPDATE' }
  const { rows, passed } = await readAll(mapped(orderStream('canal', byStatus)), [
    update,
    { ...update, data: [{ ...source, 状态: '已付款', 金额: '7' }], old: [{ 金额: '8' }] },
  ])
  expect(rows).toEqual([{ ...event, type: 'payment.captured' }])
  expect(passed).toEqual({ update: 1 })
})

test('debezium: a decimal without a schema under the name of its column', async () => {
  const stream = mapped(orderStream('debezium', { ...APPEND_ONLY, decimals: { 金额: 2 } }))
  const after = { ...source, 金额: 'BBo=' }
  const { rows, bad } = await readAll(stream, [{ before: null, after, op: 'c', source: { ts_ms: 5 } }])
  expect(bad).toEqual([])
  expect(rows).toEqual([{ ...event, amount: 10.5 }])
})
