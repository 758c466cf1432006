import iconv from 'iconv-lite'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { draftOf } from './draft.ts'
import { decodeSample } from './encoding.ts'
import { typeOf } from './event-types.ts'
import { configText, type Source, schemaText } from './render.ts'
import { fieldsFor } from './roles.ts'
import { tableOf } from './table.ts'
import { timeFormOf } from './times.ts'

const source: Source = {
  name: 'orders.csv',
  sample: '3 rows',
  rows: 3,
  encoding: null,
  encodingDoubt: null,
  delimiter: ',',
  topic: null,
  isChinese: true,
}

/** The stream's keys, its fields as `name: type`, and the text. */
function inferred(text: string, path = 'orders') {
  const draft = draftOf(tableOf(text, path, true))!
  const config = configText('orders', 'orders.avsc', draft, { ...source, rows: draft.fields[0]!.column.values.length })
  const schema = JSON.parse(schemaText('orders', draft, source))
  const fields = schema.fields.map(({ name, type }: { name: string; type: unknown }) => {
    const bare = (Array.isArray(type) ? type[1] : type) as string | { scale: number }
    return `${name}: ${typeof bare === 'object' ? bare.scale : bare}`
  })
  return { stream: parse(config).streams.orders, fields, config }
}
const comment = (config: string, of: string) => config.split('\n').find((line) => line.trim().startsWith(of))!.split(' # ')[1] // biome-ignore format: one line

test('encodings: UTF-8 strictly, Chinese in pairs of bytes, accents that stand alone', () => {
  const of = (text: string, encoding: string, whole = true) => {
    const { encoding: found, text: read } = decodeSample(iconv.encode(text, encoding, { addBOM: false }), whole)
    return [found, read]
  }
  const chinese = '订单号,买家\n1,张三，¥5\n'
  const western = 'Kunde,Stra\u00dfe\nM\u00fcller,caf\u00e9 \u00e0 c\u00f4t\u00e9\n'
  expect(of(chinese, 'utf8')).toEqual([null, chinese])
  expect(of(chinese, 'gb18030')).toEqual(['gb18030', chinese])
  expect(of('订单号\n', 'gbk')).toEqual(['gb18030', '订单号\n'])
  expect(of(western, 'latin1')).toEqual(['latin1', western])
  expect(of('plain\n', 'latin1')).toEqual([null, 'plain\n'])
  for (const encoding of ['utf-16le', 'utf-16be'])
    expect(decodeSample(iconv.encode(chinese, encoding, { addBOM: true }), true)).toMatchObject({ encoding, text: chinese }) // biome-ignore format: one line
  expect(decodeSample(Buffer.from(`\ufeff${chinese}`), true)).toMatchObject({ encoding: null, text: chinese })
})

test('a sample that ends inside a character, or a line', () => {
  const text = '订单号,买家\n1,张三\n'
  for (const encoding of ['utf8', 'gb18030']) {
    const bytes = iconv.encode(`${text}2,李四\n`, encoding)
    for (let cut = iconv.encode(text, encoding).length; cut < bytes.length; cut++)
      expect(decodeSample(bytes.subarray(0, cut), false).text).toBe(text)
  }
})

test('delimiters, and lines of any end', () => {
  for (const delimiter of [',', ';', '\t', '|'])
    for (const end of ['\n', '\r\n', '\r']) {
      const rows = [
        ['id', 'name', 'time'],
        ['1', '"a, b; c"', '2'],
        ['2', '"x|y"', '3'],
      ]
      const table = tableOf(rows.map((row) => row.join(delimiter)).join(end), 'x.csv', true)
      expect([table.delimiter, table.rows]).toEqual([delimiter, 2])
    }
  expect(tableOf('time\n1\n', 'x.csv', true)).toMatchObject({ delimiter: ',', rows: 1 })
})

test('a file that no stream could read is refused with the place', () => {
  const why = (text: string, path = 'f.csv') => {
    try {
      tableOf(text, path, true)
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(why('1,2026-01-05,¥5\n2,2026-01-06,¥6\n')).toBe(
    'f.csv:1: "1" looks like a value, not like a name: the first line must name the columns',
  )
  expect(why('a,a\n1,2\n')).toBe('f.csv:1: the column "a" stands there twice')
  expect(why('a,b\n')).toBe('f.csv: there is no record in it that can be read')
  expect(why('交易记录明细\n订单号,金额\n1,2\n')).toBe(
    'f.csv: none of its 2 records is like the first line, which must name the columns',
  )
  expect(why('a,b\n1,"2\n3,4\n')).toMatch(/^f.csv:2: a quote opens in column 2, "b"/)
  expect(why('[\n{"a":1}]', 'f')).toMatch(/^f:1: the input is one JSON array/)
  expect(draftOf(tableOf('a,b\n1,x\n', 'f.csv', true))).toBeNull()
})

test('fields by Chinese and English names, each once', () => {
  const of = (names: string) => Object.fromEntries(fieldsFor(names.split(',')).fields)
  expect(of('订单编号,买家会员名,店铺名称,宝贝标题,买家实际支付金额,订单创建时间,订单付款时间,订单状态')).toEqual({
    订单编号: 'order_id',
    买家会员名: 'buyer_id',
    店铺名称: 'shop_id',
    宝贝标题: 'item_id',
    买家实际支付金额: 'amount',
    订单创建时间: 'event_time',
    订单付款时间: 'paid_at',
    订单状态: 'type',
  })
  expect(of('Order ID,userId,Total (USD),created_at,Status,店铺ID,店铺名称')).toEqual({
    'Order ID': 'order_id',
    userId: 'buyer_id',
    'Total (USD)': 'amount',
    created_at: 'event_time',
    Status: 'type',
    店铺ID: 'shop_id',
    店铺名称: 'shop_name',
  })
  expect(of('随便,Some Thing,someThing,2nd,constructor')).toEqual({
    随便: 'column_1',
    'Some Thing': 'some_thing',
    someThing: 'some_thing_2',
    '2nd': 'f_2nd',
    constructor: 'constructor',
  })
})

test.each([
  ['已下单 待付款 等待买家付款 新订单 created unpaid placed', 'order.created'],
  ['已付款 待发货 支付成功 买家已付款 paid PAID', 'order.paid'],
  ['已签收 交易成功 已完成 确认收货 delivered completed', 'order.delivered'],
  ['已退款 退款成功 refunded', 'order.refunded'],
  ['已取消 交易关闭 cancelled Canceled', 'order.cancelled'],
  ['已发货 待收货 shipped', 'order.shipped'],
])('%s: %s', (words, type) => {
  for (const word of words.split(' ')) expect([word, typeOf(word)]).toEqual([word, { type, doubt: null }])
})
test('words that are half known, or not at all, are guesses', () => {
  expect(typeOf('退款中')).toEqual({ type: 'order.refunded', doubt: 'a guess' })
  expect(typeOf('蓝色')).toMatchObject({ type: 'order.other', doubt: expect.stringContaining('not known') })
})

test.each([
  ['1767600000', 's', false],
  ['1767600000123', 'ms', false],
  ['1767600000123456', 'us', false],
  ['1767600000123456789', 'ns', false],
  ['2026-01-05T08:00:00Z', 'iso', false],
  ['2026-01-05 08:00:00+08:00', 'iso', false],
  ['2026-01-05 08:00:00', 'iso', true],
  ['2026-01-05', 'iso', true],
  ['2026/01/05 08:00:00', 'yyyy/M/d H:mm:ss', true],
  ['2026/1/5 8:00', 'yyyy/M/d H:mm', true],
  ['2026年1月5日 8:00:00', 'yyyy年M月d日 H:mm:ss', true],
  ['1/25/2026 8:00', 'M/d/yyyy H:mm', true],
  ['20260105080000', 'yyyyMMddHHmmss', true],
  ['05.01.2026 08:00', 'd.M.yyyy H:mm', true],
  ['25/01/2026 08:00:00', 'd/M/yyyy H:mm:ss', true],
])('%s is %s', (text, format, needsZone) => {
  expect(timeFormOf([text], 0)?.form).toMatchObject({ format, needsZone })
})
test('times that may be read in two ways, or in none', () => {
  expect(timeFormOf(['05/01/2026 08:00:00'], 0)?.form).toMatchObject({ format: 'M/d/yyyy H:mm:ss', doubt: expect.any(String) }) // biome-ignore format: one line
  expect(timeFormOf(['soon'], 0)).toBeNull()
  const hours = ['2026-01-05 10:00', '2026-01-05 11:00', '2026-01-05 9:00']
  expect(timeFormOf(hours, 1)).toMatchObject({ form: { format: 'yyyy-M-d H:mm' }, misfits: [] })
  expect(timeFormOf(['2026-01-05', 'soon'], 0)).toBeNull()
})

test('a Chinese export: texts of digits, decimals, true and false, null, words, and what is doubtful', () => {
  const { stream, fields, config } = inferred(
    `订单号,买家昵称,实付金额（元）,数量,是否会员,下单时间,状态,邮编
0123,张三,"¥1,234.50",2,是,2026-01-05 08:00:00,已付款,010000
0124,李四,-,1,否,2026-01-05 08:01:00,已下单,200000
0125,王五,¥8,3,否,2026-01-05 08:02:00,怪事,310000
`,
  )
  expect(stream).toEqual({
    schema: 'orders.avsc',
    topic: 'orders',
    time: 'event_time',
    time_format: 'iso',
    zone: 'Asia/Shanghai',
    id: 'order_id',
    type: 'type',
    values: { 已付款: 'order.paid', 已下单: 'order.created', 怪事: 'order.other' },
    numbers: { thousands: ',', strip: '¥￥' },
    true_words: ['是'],
    false_words: ['否'],
    null_words: ['-'],
    columns: {
      订单号: 'order_id',
      买家昵称: 'buyer_id',
      '实付金额（元）': 'amount',
      数量: 'quantity',
      是否会员: 'column_5',
      下单时间: 'event_time',
      状态: 'type',
      邮编: 'column_8',
    },
  })
  expect(fields).toEqual([
    'order_id: string',
    'buyer_id: string',
    'amount: 2',
    'quantity: long',
    'column_5: boolean',
    'event_time: string',
    'type: string',
    'column_8: string',
  ])
  expect(comment(config, '怪事:')).toBe('? the word is not known: say what it is, or leave it; 1 row')
  expect(comment(config, 'zone:')).toBe('? the times say no zone, the words are Chinese')
  expect(comment(config, '买家昵称:')).toBe('? a name: there is no column with an id; text')
})

test('JSON lines in the words of a stream: types as they are, nothing to map', () => {
  const { stream, fields } = inferred(
    [1, 2].map((i) => `{"event_id":"e${i}","type":"order.created","event_time":${1767600000000 + i},"amount":12.345,"buyer_id":12345678901234567890,"gift":true,"more":{"a":1}}`).join('\n'), // biome-ignore format: one line
  )
  expect(stream).toEqual({
    schema: 'orders.avsc',
    topic: 'orders',
    time: 'event_time',
    time_format: 'ms',
    id: 'event_id',
    type: 'type',
    types: ['order.*'],
  })
  expect(fields).toEqual([
    'event_id: string',
    'type: string',
    'event_time: long',
    'amount: 3',
    'buyer_id: string',
    'gift: boolean',
  ])
})

test('no column with a type, ids that come again, a few values that do not fit', () => {
  const rows = Array.from({ length: 40 }, (_, i) => `O${i % 3},${i === 7 ? 'free' : `1.0${i}`},2026-01-05T08:00:00Z`)
  const { stream, config } = inferred(`order_id,amount,created\n${rows.join('\n')}`)
  expect(stream).toMatchObject({ id: null, type: { fixed: 'order.created' }, time: 'created' })
  expect(config).toContain('# amount: ? 1 row is malformed, such as "free"; decimal, 3 digits behind the point')
})

test('a comma before decimals', () => {
  const { stream, fields } = inferred('id;amount;ts\n1;1.234,5;1767600000\n2;7,25;1767600001\n')
  expect(stream.numbers).toEqual({ thousands: '.', decimal: ',' })
  expect(fields).toContain('amount: 2')
  const { config } = inferred('id,amount,ts\n1,"1,234",1767600000\n2,"2,500",1767600001\n')
  expect(comment(config, 'numbers:')).toMatch(/^\? with "," before the decimals/)
  expect(inferred('id,amount,ts\n1,1.234,1767600000\n2,2.500,1767600001\n').config).toContain('# numbers: ? with ","')
})
