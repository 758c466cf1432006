import { describe, expect, test } from 'vitest'
import { orderStream, readAll } from './testing.ts'

const NOON_MS = Date.UTC(2026, 0, 5, 12)
const stream = orderStream('json')
const order = { type: 'order.created', event_time: NOON_MS, order_id: 'O1' }

test('one object is one row; names that are no field are passed over', async () => {
  const record = {
    ...order,
    buyer_id: 'B1',
    amount: '10.50',
    pieces: 2,
    gift: true,
    note: 'für dich',
    extra: { a: [1] },
  }
  expect((await readAll(stream, [record])).rows).toEqual([
    {
      type: 'order.created',
      event_time: NOON_MS,
      order_id: 'O1',
      buyer_id: 'B1',
      amount: 10.5,
      pieces: 2,
      gift: true,
      note: 'für dich',
    },
  ])
})

test('ids above 2^53 keep their digits, as numbers and as texts', async () => {
  const ids = ['1234567890123456781', '"1234567890123456782"', '900719925474099301', '12', '12.50']
  const records = ids.map((id) => `{"type":"order.created","event_time":${NOON_MS},"order_id":${id}}`)
  const { rows } = await readAll(stream, records)
  expect(rows.map((row) => row.order_id)).toEqual([
    '1234567890123456781',
    '1234567890123456782',
    '900719925474099301',
    '12',
    '12.50',
  ])
})

test('a field may be called by one of its aliases; its own name wins', async () => {
  const { rows } = await readAll(stream, [
    { type: 'order.created', updated_at: '2026-01-05 12:00:00', id: 7 },
    { ...order, id: 'other' },
  ])
  expect(rows.map((row) => [row.event_time, row.order_id])).toEqual([
    [NOON_MS, '7'],
    [NOON_MS, 'O1'],
  ])
})

test('a byte order mark, and the header that converters with a registry write, are passed over', async () => {
  const text = JSON.stringify(order)
  const framed = Buffer.concat([Buffer.from([0, 0, 0, 0, 9]), Buffer.from(text)])
  expect((await readAll(stream, [`\u{feff}${text}`, framed])).rows).toHaveLength(2)
})

test('fields with names that every object has', async () => {
  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty']
  const fields = [...names.map((name) => ({ name, type: ['null', 'string'] })), { name: 'valueOf', type: 'string' }]
  const strange = { type: 'record', name: 'S', fields: [...fields, { name: 'event_time', type: 'long' }] }
  const one = {
    ...orderStream('json', undefined, { ...strange, fields: [...strange.fields, { name: 'type', type: 'string' }] }),
  }
  const { rows, bad } = await readAll(one, [
    `{"type":"order.created","event_time":${NOON_MS},"__proto__":"a","constructor":"b"}`,
    `{"type":"order.created","event_time":${NOON_MS}}`,
  ])
  expect(bad).toEqual([])
  expect(rows.map((row) => Object.entries(row).filter(([name]) => names.includes(name)))).toEqual([
    [
      ['constructor', 'b'],
      ['__proto__', 'a'],
    ],
    [],
  ])
})

describe('dead letters', () => {
  test.each<[string, unknown]>([
    ['MALFORMED: no value', null],
    ['MALFORMED: no bytes', ''],
    ['MALFORMED: not JSON', '{"type":'],
    ['MALFORMED: not a JSON object', '[1]'],
    ['MALFORMED: not a JSON object', 'null'],
    ['MALFORMED: not UTF-8', Buffer.from('{"type":"\xe9"}', 'latin1')],
    ['MALFORMED: "pieces" is no whole number: 1.5', { ...order, pieces: 1.5 }],
    [
      'MALFORMED: "pieces" is beyond 2^53, up to which whole numbers are exact: "9007199254740993"',
      `{"type":"order.created","event_time":1767614400000,"pieces":9007199254740993}`,
    ],
    [
      'MALFORMED: "amount" is no decimal that fits: "99999999999999999999"',
      { ...order, amount: '99999999999999999999' },
    ],
    ['MALFORMED: "gift" is no true or false: "maybe"', { ...order, gift: 'maybe' }],
    [
      'MALFORMED: "note" is no text: […]',
      `{"type":"order.created","event_time":1767614400000,"note":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
    ],
    ['MALFORMED: "note" is no text: {…}', { ...order, note: {} }],
    ['MALFORMED: "note" is no text: "\\ud800"', '{"type":"order.created","event_time":1767614400000,"note":"\\ud800"}'],
    [
      'MALFORMED: "pieces" is beyond the largest number, 1.8e308: "1e999"',
      '{"type":"order.created","event_time":1767614400000,"pieces":1e999}',
    ],
    ['NO_TIME: no "event_time"', { type: 'order.created' }],
    ['NO_TIME: "event_time" is no time: "soon"', { ...order, event_time: 'soon' }],
    ['UNKNOWN_TYPE: no "type"', { event_time: 1 }],
    ['UNKNOWN_TYPE: "type" is no text: {…}', { type: {}, event_time: 1 }],
    ['UNKNOWN_TYPE: type "account.opened"', { ...order, type: 'account.opened' }],
    ['OVERSIZED: 1048577 bytes', 'x'.repeat((1 << 20) + 1)],
  ])('%s', async (letter, record) => {
    const { bad, rows } = await readAll(stream, [record, order])
    expect([bad, rows.length]).toEqual([[letter], 1])
  })
  test('from the future', async () => {
    const ahead = { ...order, event_time: NOON_MS + 30_001 }
    const { bad, rows } = await readAll(stream, [ahead, order], { clockMs: NOON_MS })
    expect([bad, rows.length]).toEqual([['FUTURE_TIME: 30001 ms ahead, at most 30000'], 1])
  })
})

test('records in the encoding of the stream', async () => {
  const text = `{"type":"order.created","event_time":${NOON_MS},"order_id":"`
  const record = Buffer.concat([Buffer.from(text), Buffer.from([0xb1, 0xb1, 0xbe, 0xa9]), Buffer.from('"}')])
  const { rows, bad } = await readAll({ ...stream, encoding: 'gbk' }, [record])
  expect([rows.length, JSON.stringify(rows).includes('北京'), bad]).toEqual([1, true, []])
})
