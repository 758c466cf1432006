import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { blocksOf } from '../../model/batch.ts'
import { cellAt } from '../../model/column.ts'
import type { Field, Stream } from '../../model/stream.ts'
import { readBatches } from './read.ts'

const dir = mkdtempSync(join(tmpdir(), 'lapwing-oddities-'))
afterAll(() => rmSync(dir, { recursive: true }))

const field = (name: string, kind: Field['kind']): Field => ({ name, kind, scale: 0, doc: '' })
const orders: Stream = {
  name: 'orders',
  topic: 'x.orders',
  fields: [field('type', 'string'), field('at', 'number'), field('id', 'string'), field('shop', 'string')],
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

/** Ids and shops of the events, and what was passed over; or the error that ended it, without the file's name. */
async function read(content: string | Uint8Array, name = 'input') {
  const path = join(dir, name)
  writeFileSync(path, content)
  const [events, bad]: [string[], unknown[]] = [[], []]
  try {
    const onMalformed = (line: number, reason: string) => bad.push([line, reason])
    for await (const batch of readBatches(path, { streams: [orders], onMalformed }))
      for (const block of blocksOf(batch))
        for (let i = 0; i < block.length; i++)
          events.push(`${cellAt(block.columns[2], i)} ${cellAt(block.columns[3], i) ?? ''}`.trim())
  } catch (error) {
    return (error as Error).message.slice(path.length + 1)
  }
  return { events, bad }
}

const T = 1_767_600_000_000
const HEADER = 'id,type,at,shop'
/** Rows `from` to `to`, in lines of their own. */
const rows = (from: number, to: number, end = '\n') =>
  Array.from({ length: to - from + 1 }, (_, i) => `e${from + i},order.created,${T + i},S`).join(end)
const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `e${from + i} S`)

describe('a quote that nobody closed', () => {
  const WAY_OUT = 'close it, or write "" for a quote within a quoted field'
  const where = 'a quote opens in column 4, "shop"'
  const row = `e2,order.created,${T},"Shop of 5 inch`

  test('up to the end of the input', async () => {
    expect(await read(`${HEADER}\n${rows(1, 1)}\n${row}\n${rows(3, 1_000)}\n`)).toBe(
      `3: ${where}, and takes 998 lines that look like records for text, up to the end of the input: ${WAY_OUT}`,
    )
    expect(await read(`${HEADER}\r\n${row}\r\n${rows(3, 3)}`)).toBe(
      `2: ${where}, and takes 1 lines that look like records for text, up to the end of the input: ${WAY_OUT}`,
    )
  })
  test('up to the next quote', async () => {
    const before = `${HEADER}\n${row}\n${rows(3, 7)}\n`
    const inside = (n: number) =>
      `2: ${where}, and takes ${n} lines that look like records for text, before it ends: ${WAY_OUT}`
    expect(await read(`${before}e8,order.created,${T},"A, B"\n${rows(9, 10)}`)).toBe(inside(6))
    expect(await read(`${before}e8,order.created,${T},7 inch"\n${rows(9, 10)}`)).toBe(inside(6))
    expect(await read(`${HEADER}\n${row}\n"e3","order.created","${T}","S"\n${rows(4, 10)}`)).toBe(inside(1))
  })
  test('over more than a record may be long', async () => {
    expect(await read(`${HEADER}\n${rows(1, 1)}\n${row}\n${rows(3, 60_000)}\n`)).toBe(
      `3: ${where}, and has no end within 1 MB: ${WAY_OUT}`,
    )
    expect(await read(`${HEADER}\n${row}\n${'x'.repeat(1 << 20)}\n`)).toBe(
      `2: ${where}, and has no end within 1 MB: ${WAY_OUT}`,
    )
  })
  test('behind a field of several lines: the line is that of the quote', async () => {
    expect(await read(`${HEADER}\n"e\n2",order.created,${T},"S\n${rows(3, 9)}`)).toBe(
      `3: ${where}, and takes 7 lines that look like records for text, up to the end of the input: ${WAY_OUT}`,
    )
  })
  test('in the header', async () => {
    expect(await read(`id,"type,at,shop\n${rows(1, 9)}`)).toBe(
      '1: the header cannot be read: a quoted field has no end',
    )
    expect(await read(`i"d,type,at,shop\n${rows(1, 9)}`)).toBe('1: the header cannot be read: a quote in a wrong place')
  })
  test('and a header in another encoding', async () => {
    const gbk = Buffer.from([0xb6, 0xa9, 0xb5, 0xa5]) // 订单
    expect(await read(Buffer.concat([gbk, Buffer.from(`,${HEADER}\n1,${rows(1, 9)}`)]))).toMatch(
      /^1: the header cannot be read: bytes that are not utf-8: --encoding.*lapwing infer/,
    )
  })
  test('in the last line: that record alone', async () => {
    expect(await read(`${HEADER}\n${rows(1, 2)}\n${row.replace('e2', 'e3')}`)).toEqual({
      events: ids(1, 2),
      bad: [[4, 'a quoted field has no end']],
    })
  })
  test('a text of several lines, commas and all, is none such', async () => {
    expect(await read(`${HEADER}\ne1,order.created,${T},"a\nb,c,d,e"\n`)).toEqual({
      events: ['e1 a\nb,c,d,e'],
      bad: [],
    })
    const text = 'first, with a comma\nsecond, third, with ""quotes""\n\nfourth,,'
    expect(await read(`${HEADER}\ne1,order.created,${T},"${text}"\n${rows(2, 2)}`)).toEqual({
      events: [`e1 ${text.replaceAll('""', '"')}`, 'e2 S'],
      bad: [],
    })
  })
})

describe('CSV as programs write it', () => {
  const fine = { events: ids(1, 3), bad: [] }
  test.each([
    ['CRLF', `${HEADER}\r\n${rows(1, 3, '\r\n')}\r\n`],
    ['lone CR', `${HEADER}\r${rows(1, 3, '\r')}\r`],
    ['no end of the last line', `${HEADER}\n${rows(1, 3)}`],
    ['byte order mark, quoted header', `\ufeff"id","type","at","shop"\n${rows(1, 3)}\n`],
    ['empty lines', `\n${HEADER}\n\r\n\n${rows(1, 3, '\n\n')}\n\n\r\n`],
    ['blanks in the header', `id , type, at,\tshop\n${rows(1, 3)}`],
  ])('%s', async (_, content) => {
    expect(await read(content)).toEqual(fine)
    expect(await read(gzipSync(content))).toEqual(fine)
  })
  test('each fault costs its own record', async () => {
    const long = `e2,order.created,${T},${'x'.repeat(1 << 20)}`
    const cases: [string, string][] = [
      [`e2,order.created,${T},5" inch`, 'a quote in a wrong place'],
      [`e2,order.created,${T},"5" inch`, 'a quote in a wrong place'],
      [`e2,order.created,${T}`, '3 fields, the header has 4'],
      [`e2,order.created,${T},S,`, '5 fields, the header has 4'],
      [`e2,order.created,${T},S\rT`, 'a carriage return without a line feed, outside quotes'],
      [long, 'longer than 1 MB'],
    ]
    for (const [record, reason] of cases)
      expect(await read(`${HEADER}\n${rows(1, 1)}\n${record}\n${rows(3, 3)}`)).toEqual({
        events: ['e1 S', 'e3 S'],
        bad: [[3, reason]],
      })
  })
})

describe('JSON that is not one object a line', () => {
  const object = `{"id":"e1","type":"order.created","at":${T}}`
  const array = "the input is one JSON array: give each object a line of its own, as does jq -c '.[]' FILE"
  const several = 'an object goes on over several lines: give each object a line of its own, as does jq -c . FILE'
  test.each([
    ['an array in one line', `[${object},${object}]`, `1: ${array}`],
    ['an array of lines', `\n[\n${object},\n${object}\n]\n`, `2: ${array}`],
    ['an array that begins in the first line', `[${object},\r\n${object}]`, `1: ${array}`],
    ['a pretty array', JSON.stringify([JSON.parse(object)], null, 2), `1: ${array}`],
    ['a long array', `[${Array(50_000).fill(object).join()}]`, `1: ${array}`],
    ['pretty objects', JSON.stringify(JSON.parse(object), null, 2).repeat(2), `1: ${several}`],
    ['objects with a break inside', `{"id":"e1",\n"type":"order.created","at":${T}}\n`, `1: ${several}`],
  ])('%s', async (_, content, message) => {
    expect(await read(content)).toBe(message)
    expect(await read(content, 'input.json')).toBe(message)
  })
  test('a broken line, first or later, costs itself', async () => {
    for (const broken of ['{"id":"e0",', '{', 'oops', '[1]'])
      expect(await read(`${broken}\n${object}\n`)).toMatchObject({ events: ['e1'], bad: [[1, expect.any(String)]] })
    expect(await read(`${object}\n{\n[{"a":1}]\n${object}`)).toMatchObject({ events: ['e1', 'e1'], bad: [[2, 'not JSON'], [3, 'not a JSON object']] }) // biome-ignore format: pairs
  })
  test('lone CR', async () => {
    expect(await read(`${object}\r${object}\r`)).toEqual({ events: ['e1', 'e1'], bad: [] })
  })
})
