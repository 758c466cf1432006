import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { blocksOf } from '../../model/batch.ts'
import type { Block } from '../../model/block.ts'
import { cellAt, stringAt } from '../../model/column.ts'
import { EngineError } from '../../model/errors.ts'
import type { Field, Stream } from '../../model/stream.ts'
import { type ReadOptions, readBatches } from './read.ts'

const dir = mkdtempSync(join(tmpdir(), 'lapwing-files-'))
afterAll(() => rmSync(dir, { recursive: true }))
let files = 0
function fileOf(content: string | Uint8Array): string {
  const path = join(dir, `input-${files++}`)
  writeFileSync(path, content)
  return path
}

const field = (name: string, kind: Field['kind'], scale = 0): Field => ({ name, kind, scale, doc: '' })
const common = {
  timeFormat: 'ms',
  idField: null,
  latenessMs: 0,
  maxAheadMs: 0,
  dedupeMs: 0,
  determines: {},
  avro: null,
} as const
const orders: Stream = {
  ...common,
  name: 'orders',
  topic: 'x.orders',
  fields: [
    field('type', 'string'),
    field('at', 'number'),
    field('id', 'string'),
    field('price', 'decimal', 2),
    field('gift', 'boolean'),
    field('pieces', 'number'),
  ],
  timeField: 'at',
  type: { field: 'type' },
  types: ['order.*'],
}
const views: Stream = {
  ...orders,
  name: 'views',
  topic: 'x.views',
  fields: orders.fields.slice(0, 3),
  types: ['item.viewed'],
}
const bids: Stream = {
  ...common,
  name: 'bids',
  topic: 'x.bids',
  fields: [field('auction', 'number'), field('date_time', 'number')],
  timeField: 'date_time',
  timeFormat: 'iso',
  type: { fixed: 'bid' },
  types: [],
}

/** A block ends where the stream changes. */
async function* readBlocks(path: string, options: ReadOptions): AsyncGenerator<Block, void, undefined> {
  for await (const batch of readBatches(path, options)) yield* blocksOf(batch)
}

async function read(path: string, options: Partial<ReadOptions> = {}): Promise<Block[]> {
  const blocks: Block[] = []
  for await (const block of readBlocks(path, { streams: [orders, views], ...options })) blocks.push(block)
  return blocks
}
const rows = (blocks: readonly Block[]) =>
  blocks.flatMap((b) => Array.from({ length: b.length }, (_, i) => b.columns.map((column) => cellAt(column, i))))
const positions = (blocks: readonly Block[]) => blocks.map((b) => [b.stream, ...b.offsets])
async function failure(promise: Promise<unknown>): Promise<EngineError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(EngineError)
  return error as EngineError
}

/** 2026-01-01 */
const T0 = 1_767_225_600_000
const LINES = `{"type":"order.created","at":1767225601000,"id":"ä","price":"19.99","gift":true,"pieces":2,"more":{"deep":[1]}}
{"type":"order.paid","at":"2026-01-01 00:00:02","price":5.005,"id":7}\r

{"at":1767225603000,"type":"item.viewed","id":"v"}
{"at":1767225604000,"type":"order.created"}`

describe('JSON lines', () => {
  test('values as people write them; order between streams is kept', async () => {
    const blocks = await read(fileOf(LINES))
    expect(positions(blocks)).toEqual([
      ['orders', 0, 1],
      ['views', 0],
      ['orders', 2],
    ])
    expect(blocks[0]!.sourceTopic).toBe('x.orders')
    expect(rows(blocks)).toEqual([
      ['order.created', T0 + 1000, 'ä', 19.99, true, 2],
      ['order.paid', T0 + 2000, '7', 5.01, null, null],
      ['item.viewed', T0 + 3000, 'v'],
      ['order.created', T0 + 4000, null, null, null, null],
    ])
  })

  test('gzip by content, several members, byte order mark, file ending inside a character of a chunk', async () => {
    const half = LINES.indexOf('\r')
    const zipped = Buffer.concat([gzipSync(`\ufeff${LINES.slice(0, half)}`), gzipSync(LINES.slice(half))])
    expect(rows(await read(fileOf(zipped)))).toEqual(rows(await read(fileOf(LINES))))
  })

  test('many lines across chunks, blocks of at most batchRows', async () => {
    const long = 'ü'.repeat(100)
    const lines = Array.from({ length: 9_001 }, (_, i) =>
      JSON.stringify({ type: 'order.created', at: T0 + i, id: `${long}${i}` }),
    )
    const blocks = await read(fileOf(lines.join('\n')), { batchRows: 500 })
    expect(Math.max(...blocks.map((b) => b.length))).toBe(500)
    const ids = blocks.flatMap((b) => Array.from({ length: b.length }, (_, i) => stringAt(b.columns[2]!, i)))
    expect(ids).toEqual(Array.from({ length: 9_001 }, (_, i) => `${long}${i}`))
    expect(blocks.at(-1)!.offsets.at(-1)).toBe(9_000)
  })

  test('malformed lines are told with number and reason, and do not count', async () => {
    const bad: [number, string][] = []
    const content = [
      'oops',
      '[1]',
      '{"type":"order.created"}',
      '{"type":"order.created","at":"soon"}',
      '{"type":"order.created","at":1767225600001,"price":"cheap"}',
      '{"type":"order.created","at":1767225600001,"gift":"maybe"}',
      '{"type":"order.created","at":1767225600001,"id":{}}',
      '{"type":"order.created","at":1767225600001,"price":"99999999999999999999"}',
      '{"type":"order.created","at":1767225600001,"pieces":1.5}',
      '{"type":"ship.sunk","at":1767225600001}',
      '{"at":1767225600001}',
      `{"type":"order.created","at":1767225600001,"id":"${'x'.repeat(1 << 20)}"}`,
      '{"type":"order.created","at":1767225600001,"id":"good"}',
    ]
    const path = fileOf(`{"type":"order.created","at":1767225600001,"id":"first"}\n${content.join('\n')}`)
    const blocks = await read(path, { onMalformed: (line, reason) => bad.push([line, reason]) })
    expect(rows(blocks).map((row) => row[2])).toEqual(['first', 'good'])
    expect(positions(blocks)).toEqual([['orders', 0, 1]])
    expect(bad).toEqual([
      [2, 'not JSON'],
      [3, 'not a JSON object'],
      [4, 'no "at"'],
      [5, '"at" is no time: "soon"'],
      [6, '"price" is no decimal that fits: "cheap"'],
      [7, '"gift" is no true or false: "maybe"'],
      [8, '"id" is no text: {…}'],
      [9, '"price" is no decimal that fits: "99999999999999999999"'],
      [10, '"pieces" is no whole number: 1.5'],
      [11, 'no stream carries the type "ship.sunk"'],
      [12, 'no type, and no stream was named'],
      [13, 'longer than 1 MB'],
    ])
  })

  test('strict makes the first one fatal, with its place', async () => {
    const path = fileOf(`${LINES}\n{`)
    const error = await failure(read(path, { strict: true }))
    expect([error.code, error.message]).toEqual(['INPUT_MALFORMED', `${path}:6: not JSON`])
  })

  test('offsets go on where the log ends', async () => {
    expect(positions(await read(fileOf(LINES), { firstOffset: () => 100 }))[0]).toEqual(['orders', 100, 101])
  })
})

describe('CSV', () => {
  test('columns by name, quotes, empty fields, CRLF', async () => {
    const csv = `id,unknown,price,type,at,gift\r\n"a, ""b""",x,1.5,order.created,2026-01-01T00:00:01Z,1\r\n,,,order.paid,${T0 + 2},\r\n"two\r\nlines",,,order.paid,${T0 + 3},false`
    expect(rows(await read(fileOf(csv)))).toEqual([
      ['order.created', T0 + 1000, 'a, "b"', 1.5, true, null],
      ['order.paid', T0 + 2, null, null, null, null],
      ['order.paid', T0 + 3, 'two\r\nlines', null, false, null],
    ])
  })

  test('malformed records, with the line where they begin', async () => {
    const bad: [number, string][] = []
    const csv = `type,at\norder.created,${T0 + 1}\norder.created\nor"der,2\n"order.created"x,3\norder.created,${T0 + 4}\n"never\nclosed`
    const blocks = await read(fileOf(csv), { onMalformed: (line, reason) => bad.push([line, reason]) })
    expect(rows(blocks).map((r) => r[1])).toEqual([T0 + 1, T0 + 4])
    expect(bad).toEqual([
      [3, '1 fields, the header has 2'],
      [4, 'a quote in a wrong place'],
      [5, 'a quote in a wrong place'],
      [7, 'a quoted field has no end'],
    ])
  })

  test('a header that cannot be used is fatal', async () => {
    const why = async (header: string, options?: Partial<ReadOptions>) =>
      (await failure(read(fileOf(`${header}\n`), options))).message.replace(/^.*?:1: /, '')
    expect(await why('at,id,at,type')).toBe('the column "at" stands there twice')
    expect(await why('at,id')).toBe('there is no column with the type; name the stream')
    expect(await why('at,id', { stream: 'orders' })).toBe('there is no column "type"')
    expect(await why('type,id')).toBe('there is no column "at"')
  })

  test('the Nexmark bids: a stream without types, named or alone', async () => {
    const csv =
      'auction,bidder,price,date_time\n1000,1001,73134520,2015-07-15 00:00:01.000\n1000,1001,499920,2015-07-15 00:00:01.001\n'
    for (const options of [{ streams: [orders, bids], stream: 'bids' }, { streams: [bids] }]) {
      const [block] = await read(fileOf(csv), options)
      expect([...block!.timesMs]).toEqual([1436918401000, 1436918401001])
      expect([stringAt(block!.types, 1), cellAt(block!.columns[0]!, 1)]).toEqual(['bid', 1000])
    }
  })
})

describe('what cannot be read', () => {
  test('nothing there, a folder, an empty file', async () => {
    const none = await failure(read(join(dir, 'none')))
    expect([none.code, none.message]).toEqual(['INPUT_MISSING', `${join(dir, 'none')}: no such file or folder`])
    const folder = await failure(read(dir))
    expect([folder.code, folder.message]).toEqual(['INPUT_MISSING', `${dir}: it is a folder, not a file`])
    expect(await read(fileOf(''))).toEqual([])
    expect(await read(fileOf('{'))).toEqual([])
  })
  test('gzip that breaks off', async () => {
    const error = await failure(read(fileOf(gzipSync(LINES.repeat(99)).subarray(0, 90))))
    expect([error.code, error.message.includes('unexpected end of file')]).toEqual(['INPUT_MALFORMED', true])
  })
  test('an unknown stream', async () => {
    expect((await failure(read(fileOf(LINES), { stream: 'order' }))).message).toBe(
      'there is no stream "order"; there are orders, views',
    )
  })
  test('a reader that stops early leaves nothing open', async () => {
    for (const content of [LINES, gzipSync(LINES)])
      for await (const block of readBlocks(fileOf(content), { streams: [orders, views] })) {
        expect(block.length).toBe(2)
        break
      }
  })
})

describe('events far ahead of those around them', () => {
  const at = (...times: number[]) => times.map((t) => `{"type":"order.created","at":${T0 + t}}`).join('\n')
  async function guarded(...times: number[]) {
    const ahead: [number, number][] = []
    let late: unknown = null
    const options = {
      aheadMaxMs: 100,
      onAhead: (line: number, timeMs: number) => ahead.push([line, timeMs - T0]),
      onLate: (since: { readonly timeMs: number }) => {
        late = { ...since, timeMs: since.timeMs - T0 }
      },
    }
    const read_ = await read(fileOf(at(...times)), options)
    return { times: read_.flatMap((b) => [...b.timesMs].map((timeMs) => timeMs - T0)), ahead, late }
  }
  test('one bad clock is passed over, wherever it stands', async () => {
    expect(await guarded(1, 999, 2, 3)).toEqual({ times: [1, 2, 3], ahead: [[2, 999]], late: null })
    expect((await guarded(999, 1, 2)).times).toEqual([1, 2])
    expect((await guarded(1, 999, 500, 2)).ahead).toEqual([[2, 999], [3, 500]]) // biome-ignore format: pairs
  })
  test('a gap in the data is none such', async () => {
    expect((await guarded(1, 999, 1_000)).times).toEqual([1, 999, 1_000])
    expect((await guarded(1, 999)).times).toEqual([1, 999])
  })
  test('two together go through; the first is named as what made the others late', async () => {
    expect(await guarded(1, 999, 999, 2, 3)).toMatchObject({ ahead: [], late: { line: 2, timeMs: 999, events: 2 } })
  })
})

describe('encodings', () => {
  const gbk = (text: Buffer) =>
    Buffer.concat([Buffer.from(`{"type":"order.created","at":${T0},"id":"`), text, Buffer.from('"}')])
  const BEIJING = Buffer.from([0xb1, 0xb1, 0xbe, 0xa9])
  const ids = async (content: Buffer, options: Partial<ReadOptions> = {}) =>
    (await read(fileOf(content), options)).flatMap((b) =>
      Array.from({ length: b.length }, (_, i) => stringAt(b.columns[2]!, i)),
    )

  test('a file in another one is refused at its end, each line at once', async () => {
    const bad: [number, string][] = []
    const path = fileOf(Buffer.concat([Buffer.from(`${LINES.split('\n')[3]}\n`), gbk(BEIJING)]))
    const error = await failure(read(path, { onMalformed: (line, reason) => bad.push([line, reason]) }))
    expect(bad).toEqual([[2, 'bytes that are not utf-8']])
    expect([error.code, error.message]).toEqual([
      'INPUT_MALFORMED',
      expect.stringMatching(/a line is not utf-8.*--encoding.*gbk/),
    ])
  })
  test('a faulty line among others is malformed', async () => {
    const bad: string[] = []
    const content = Buffer.concat([Buffer.from(`${LINES}\n`), gbk(Buffer.from([0xff]))])
    const options = {
      onMalformed: (_: number, reason: string, text: string) => bad.push(`${reason}: ${text.slice(-4)}`),
    }
    expect(await ids(content, options)).toEqual(['ä', '7', 'v', null])
    expect(bad).toEqual(['bytes that are not utf-8: "\ufffd"}'])
  })
  test('said by a flag, by the stream, or by a byte order mark', async () => {
    expect(await ids(gbk(BEIJING), { encoding: 'gbk' })).toEqual(['北京'])
    expect(await ids(gbk(BEIJING), { streams: [{ ...orders, encoding: 'gbk' }, views] })).toEqual(['北京'])
    expect(await ids(Buffer.from(`\ufeff${LINES.replace('ä', '北京')}`, 'utf16le'))).toEqual(['北京', '7', 'v', null])
  })
  test('of streams of several encodings, what is more than ASCII is not believed', async () => {
    const bad: string[] = []
    const options = {
      streams: [{ ...orders, encoding: 'gbk' as const }, views],
      onMalformed: (_: number, reason: string) => bad.push(reason),
    }
    const view = `{"type":"item.viewed","at":${T0},"id":"`
    expect(await ids(Buffer.from(`${view}v"}\n${view}北京"}`), options)).toHaveLength(1)
    expect(bad).toEqual([expect.stringMatching(/^read as gbk, but "views" is utf-8: say --encoding/)])
  })
  test('a byte order mark goes where the file begins, and nowhere else', async () => {
    const line = `{"type":"order.created","at":${T0},"id":"\ufeffa"}`
    expect(await ids(Buffer.from(`\ufeff${line}`))).toEqual(['\ufeffa'])
    expect(await ids(Buffer.from(`\ufeffid,type,at\n\ufeffa,order.created,${T0}`))).toEqual(['\ufeffa'])
  })
})

test('numbers of 64 bits keep their digits in text fields; an empty id stays a text where it is no event id', async () => {
  const line = (id: string) => `{"type":"order.created","at":${T0},"id":${id}}`
  const [block] = await read(fileOf(['1234567890123456781', '1234567890123456782', '""'].map(line).join('\n')))
  expect([0, 1, 2].map((i) => stringAt(block!.columns[2]!, i))).toEqual([
    '1234567890123456781',
    '1234567890123456782',
    '',
  ])
  const [written] = await read(fileOf(['1.50', '10e308', '-0'].map(line).join('\n')))
  expect([0, 1, 2].map((i) => stringAt(written!.columns[2]!, i))).toEqual(['1.50', '10e308', '-0'])
  const [ids] = await read(fileOf(line('""')), { streams: [{ ...orders, idField: 'id' }] })
  expect(stringAt(ids!.columns[2]!, 0)).toBeNull()
})

test('texts of numbers are read alike in every kind of field', async () => {
  const bad: string[] = []
  const values = ['0x10', ' 5', '5 ', '１２', '1_000', '+5', '1e1', '.5e1', '05']
  const lines = ['price', 'pieces'].flatMap((field) =>
    values.map((v) => `{"type":"order.created","at":${T0},"${field}":"${v}"}`),
  )
  const blocks = await read(fileOf(lines.join('\n')), { onMalformed: (_, reason) => bad.push(reason.split('"')[1]!) })
  expect(bad).toEqual([...Array<string>(5).fill('price'), ...Array<string>(5).fill('pieces')])
  expect(rows(blocks).map((row) => row[3] ?? row[5])).toEqual([5, 10, 5, 5, 5, 10, 5, 5])
})
