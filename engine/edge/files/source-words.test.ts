import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { blocksOf } from '../../model/batch.ts'
import { cellAt } from '../../model/column.ts'
import type { Field, Stream } from '../../model/stream.ts'
import { type ReadOptions, readBatches } from './read.ts'

/** In place of `@1`, `@2` … in the inputs. */
const NOON_MS = 1_767_600_000_000

const dir = mkdtempSync(join(tmpdir(), 'lapwing-words-'))
afterAll(() => rmSync(dir, { recursive: true }))

const field = (name: string, kind: Field['kind'], scale = 0): Field => ({ name, kind, scale, doc: '' })
const plain: Stream = {
  name: 'plain',
  topic: 'x.plain',
  fields: [field('type', 'string'), field('at', 'number'), field('id', 'string'), field('price', 'decimal', 2)],
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
const export_: Stream = {
  ...plain,
  name: 'export',
  topic: 'x.export',
  types: ['sale.*'],
  mapping: {
    columns: { 状态: 'type', 时间: 'at', 单号: 'id', 订单号: 'id', 金额: 'price' },
    types: { 已下单: 'sale.made' },
    numbers: { thousands: ',', decimal: '.', strip: '¥' },
    trueWords: [],
    falseWords: [],
    nullWords: ['-'],
  },
}

async function read(content: string, streams: readonly Stream[], more: Partial<ReadOptions> = {}) {
  const path = join(dir, 'input')
  writeFileSync(
    path,
    content.replace(/@(\d)/g, (_, n) => String(NOON_MS + Number(n))),
  )
  const [rows, said]: [unknown[], unknown[]] = [[], []]
  const options: ReadOptions = {
    streams,
    onMalformed: (line, reason) => said.push([line, reason]),
    onUnknownField: ({ name }) => said.push(name),
    ...more,
  }
  for await (const batch of readBatches(path, options))
    for (const block of blocksOf(batch))
      for (let i = 0; i < block.length; i++)
        rows.push([block.stream, ...block.columns.map((column) => shownCell(cellAt(column, i)))])
  return { rows, said }
}

function shownCell(cell: unknown): unknown {
  return typeof cell === 'number' && cell >= NOON_MS ? `@${cell - NOON_MS}` : cell
}

test('a CSV with headers, words and numbers of its own', async () => {
  const csv =
    '订单号,状态,时间,金额,备注\nO1,已下单,@1,"¥1,234.50",a\nO2,sale.made,@2,-,\nO3,已关闭,@3,5,\nO4,已下单,@4,"1,5",\n'
  expect(await read(csv, [export_])).toEqual({
    rows: [
      ['export', 'sale.made', '@1', 'O1', 1234.5],
      ['export', 'sale.made', '@2', 'O2', null],
    ],
    said: [
      '备注',
      [4, 'stream "export" does not carry the type "已关闭"'],
      [5, '"price" is not written as "numbers" says: "1,5"'],
    ],
  })
})

test('JSON lines, beside a stream that speaks its own words', async () => {
  const lines = [
    '{"状态":"已下单","时间":@1,"订单号":"O1","金额":"¥2.50"}',
    '{"type":"order.created","at":@2,"id":"O2","price":"3"}',
  ]
  expect((await read(lines.join('\n'), [plain, export_])).rows).toEqual([
    ['export', 'sale.made', '@1', 'O1', 2.5],
    ['plain', 'order.created', '@2', 'O2', 3],
  ])
  const csv = '状态,时间,订单号,金额\n已下单,@1,O1,2\n'
  expect((await read(csv, [plain, export_])).rows).toEqual([['export', 'sale.made', '@1', 'O1', 2]])
})

test('a header in which a column is missing, or stands there twice', async () => {
  const why = (csv: string) => read(csv, [export_]).catch((error: Error) => error.message.replace(/^.*?input:/, ''))
  expect(await why('订单号,时间\n')).toBe('1: there is no column "状态" ("type")')
  expect(await why('订单号,单号,状态,时间\n')).toBe('1: the columns "订单号" and "单号" are both "id"')
  expect(await why('状态,时间,单号\n已下单,@1,O1\n')).toEqual({
    rows: [['export', 'sale.made', '@1', 'O1', null]],
    said: [[1, 'there is no column "金额", which is to be "price"']],
  })
})

test('a delimiter of its own', async () => {
  const stream = { ...export_, delimiter: ';' }
  const csv = '订单号;状态;时间;金额\n"O;1";已下单;@1;1,234\n'
  expect((await read(csv, [stream])).rows).toEqual([['export', 'sale.made', '@1', 'O;1', 1234]])
  expect((await read(csv, [plain, stream], { stream: 'export' })).rows).toHaveLength(1)
  await expect(read(csv, [plain, stream])).rejects.toThrow('the streams have different delimiters: --stream NAME')
})
