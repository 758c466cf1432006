import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import iconv from 'iconv-lite'
import { type ReadOptions, readBatches } from '../../../engine/edge/files/read.ts'
import { orderStream } from '../../../engine/edge/registry/formats/testing.ts'
import type { Reading, Target } from '../target.ts'
import { readingOf } from './blocks.ts'
import { namedBy } from './engine-errors.ts'
import { scratchFolder } from './scratch.ts'
import { NOON_MS, WORDS } from './topics.ts'

const plain = orderStream('avro')
const MAPPING = {
  columns: { 单号: 'order_id', 金额: 'amount', 时间: 'event_time', 类型: 'type', 礼物: 'gift' },
  types: { 下单: 'order.created' },
  numbers: { thousands: ',', decimal: '.', strip: '¥ ' },
  ...{ trueWords: ['是'], falseWords: ['否'], nullWords: ['-'] },
}
const mapped = { ...plain, mapping: MAPPING, delimiter: ';', timeFormat: 'iso' as const, zone: 'Asia/Shanghai' }

const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const order = { type: 'order.created', event_time: NOON_MS, order_id: 'O1', buyer_id: 'B1', amount: '10.50', pieces: 3, gift: true } // biome-ignore format: one value
const JSONL = lines([order, { ...order, order_id: 2, event_time: NOON_MS + 5, note: '店' }, { ...order, amount: null }])
const CSV = `type,event_time,order_id,buyer_id,amount,note\norder.created,${NOON_MS},O1,B1,10.50,\norder.paid,${NOON_MS + 5},O2,"B ""2""",1e1,"two\nlines"\n` // biome-ignore format: one text
const EXPORT =
  '类型;时间;单号;金额;礼物\r\n下单;2026-01-05 20:00:00;O1;"¥1,234.50";是\r\n下单;2026-01-05 20:00:01;O2;-;否\r\n'

const ASCII_MAX = 0x7f
/** The export's first byte in UTF-8. */
const UTF8_LEAD = Buffer.from(EXPORT)[0]
const scratch = join(scratchFolder(), 'input')

async function read(bytes: Buffer, options: ReadOptions): Promise<Reading> {
  writeFileSync(scratch, bytes)
  let count = 0
  const said: unknown[] = []
  const all: ReadOptions = {
    ...{ ...options, aheadMaxMs: 86_400_000 },
    onMalformed: (...fault) => said.push(fault),
    onAhead: (...ahead) => said.push(ahead),
    onUnknownField: (field) => said.push(field),
  }
  for await (const batch of readBatches(scratch, all)) {
    const { digest, count: rows } = readingOf(batch)
    count += rows
    said.push(digest)
  }
  return { count, digest: JSON.stringify(said) }
}

const shared = { words: [...WORDS, 'order.created', '\n', '\r\n', '\r', '""', ';', '\t', '单号', '¥'], named: namedBy('INPUT_MALFORMED') } // biome-ignore format: one value

/** JSON lines: UTF-8, UTF-16, gzip. */
export const jsonl: Target = {
  ...shared,
  seeds: [Buffer.from(JSONL), gzipSync(JSONL), iconv.encode(JSONL, 'utf-16le', { addBOM: true })],
  read: (bytes) => read(bytes, { streams: [plain], strict: bytes.length % 8 === 0 }),
}

/** CSV: the stream's own words, and an export with a mapping in an encoding of its own. */
export const csv: Target = {
  ...shared,
  seeds: [Buffer.from(CSV), gzipSync(CSV), Buffer.from(EXPORT), iconv.encode(EXPORT, 'gbk')],
  read: (bytes) =>
    bytes[0] > ASCII_MAX
      ? read(bytes, { streams: [mapped], stream: mapped.name, encoding: bytes[0] === UTF8_LEAD ? 'utf-8' : 'gbk' })
      : read(bytes, { streams: [plain], stream: plain.name }),
}
