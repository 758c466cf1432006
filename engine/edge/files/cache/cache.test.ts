import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { defaultConfig } from '../../../config.ts'
import { blocksOf } from '../../../model/batch.ts'
import type { Block } from '../../../model/block.ts'
import { cellAt } from '../../../model/column.ts'
import type { ReadOptions } from '../read.ts'
import { readCachedBatches } from './read-cached.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-cache-'))
afterAll(() => rmSync(root, { recursive: true }))
const { streams } = defaultConfig(root)
const folder = join(root, 'cache')
const input = join(root, 'events.jsonl')

const T0 = Date.UTC(2026, 0)
const lines = Array.from({ length: 9_000 }, (_, i) =>
  i % 1_500 === 700
    ? '{'
    : JSON.stringify(
        i % 3 === 0
          ? { type: 'item.viewed', event_time: T0 + i, event_id: `v${i}`, user_id: 'U', item_id: `I${i % 7}` }
          : {
              type: 'order.created',
              event_time: T0 + i,
              event_id: `o${i}`,
              amount: i / 4,
              buyer_id: i % 5 ? `B${i}` : null,
              [i % 2 ? 'shop_id' : 'shopid']: 'S1',
            },
      ),
)

interface Heard {
  readonly rows: readonly unknown[]
  readonly notes: readonly unknown[]
  readonly said: readonly string[]
}

async function heard(options: Partial<ReadOptions> = {}, cacheFolder = folder): Promise<Heard> {
  const notes: unknown[] = []
  const said: string[] = []
  const rows: unknown[] = []
  const reading = {
    streams,
    aheadMaxMs: 1e9,
    onMalformed: (line: number, reason: string) => notes.push([line, reason]),
    onAhead: (line: number, timeMs: number) => notes.push([line, timeMs]),
    onLate: (late: object) => notes.push(late),
    onUnknownField: (field: object) => notes.push(field),
    ...options,
  }
  const cache = { folder: cacheFolder, say: (line: string) => said.push(line), inputBytesMin: 0 }
  for await (const batch of readCachedBatches(input, reading, cache))
    for (const block of blocksOf(batch)) rows.push(...rowsOf(block))
  return { rows, notes, said }
}
const rowsOf = (block: Block) =>
  Array.from(block.offsets, (offset, i) => [block.stream, offset, ...block.columns.map((column) => cellAt(column, i))])
const cacheFile = () => join(folder, readdirSync(folder)[0]!)
function damage(at: number): void {
  const bytes = readFileSync(cacheFile())
  const place = at < 0 ? bytes.length + at : at
  bytes[place] = bytes[place]! ^ 0xff
  writeFileSync(cacheFile(), bytes)
}

let plain: Heard
beforeEach(async () => {
  rmSync(folder, { recursive: true, force: true })
  writeFileSync(
    input,
    `${JSON.stringify({ type: 'order.created', event_time: 4e12, event_id: 'far' })}\n${lines.join('\n')}`,
  )
  plain = await heard()
})

test('the second reading is of the cache, and tells the same', async () => {
  expect(plain.rows).toHaveLength(8_994)
  expect(plain.notes).toHaveLength(8) // six malformed lines, and the first event, whose clock is wrong; and
  const wrong = lines.filter((line) => line.includes('shopid'))
  const field = { stream: 'transactions', name: 'shopid', meant: 'shop_id', line: 4, values: wrong.length }
  expect(plain.notes).toContainEqual(field)
  const writtenMs = statSync(cacheFile()).mtimeMs
  const ino = statSync(cacheFile()).ino
  expect(await heard()).toEqual({ ...plain, notes: expect.arrayContaining([...plain.notes]) })
  expect(statSync(cacheFile()).ino).toBe(ino)
  expect(statSync(cacheFile()).mtimeMs).toBeGreaterThanOrEqual(writtenMs)
})

describe('a cache that cannot be trusted costs a line, and nothing else', () => {
  test.each([
    ['its first words are another format', (size: number) => size - 8, /refused .*it has no end/],
    ['the notes are damaged', (size: number) => size - 40, /refused .*checksum/],
    [
      'a block in its middle is damaged',
      (size: number) => Math.floor(size / 2),
      /is damaged .*reading the file itself/,
    ],
  ])('%s', async (_, place, line) => {
    damage(place(statSync(cacheFile()).size))
    const again = await heard()
    expect(again.rows).toEqual(plain.rows)
    expect(again.said).toEqual([expect.stringMatching(line)])
    expect((await heard()).said).toEqual([]) // it was made anew
  })

  test('every byte of a block matters', async () => {
    const { size } = statSync(cacheFile())
    const whole = readFileSync(cacheFile())
    for (let at = 1_000; at < size - 1_000; at += Math.floor(size / 12)) {
      writeFileSync(cacheFile(), whole)
      damage(at)
      expect((await heard()).rows).toEqual(plain.rows)
    }
  })

  test('broken off', async () => {
    writeFileSync(cacheFile(), readFileSync(cacheFile()).subarray(0, 10_000))
    expect((await heard()).rows).toEqual(plain.rows)
  })
})

test('another file of that name, other streams: made anew', async () => {
  writeFileSync(input, lines.slice(0, 10).join('\n'))
  const shorter = await heard()
  expect(shorter.rows).toHaveLength(10)
  expect(shorter.said).toEqual([expect.stringContaining('another state of the file')])
  const slower = streams.map((s) => ({ ...s, latenessMs: 1 }))
  expect((await heard({ streams: slower })).said).toEqual([expect.stringContaining('or of other streams')])
})

test('the same size and time, another end', async () => {
  const { mtime } = statSync(input)
  writeFileSync(input, readFileSync(input, 'utf8').replace('"o8999"', '"oXXXX"'))
  utimesSync(input, mtime, mtime)
  expect((await heard()).rows.at(-1)).not.toEqual(plain.rows.at(-1))
})

test('strict ends at the malformed line, cached or not', async () => {
  await expect(heard({ strict: true })).rejects.toMatchObject({ code: 'INPUT_MALFORMED' })
})

test('a folder that cannot be written: no cache, the same events', async () => {
  const file = join(root, 'a-file')
  writeFileSync(file, '')
  chmodSync(file, 0o444)
  const { rows, said } = await heard({}, join(file, 'below'))
  expect(rows).toEqual(plain.rows)
  expect(said).toEqual([expect.stringContaining('no cache is kept')])
})

test('a reader that stops early leaves no cache behind', async () => {
  rmSync(folder, { recursive: true })
  const cache = { folder, say: () => {}, inputBytesMin: 0 }
  for await (const _ of readCachedBatches(input, { streams }, cache)) break
  expect(readdirSync(folder)).toEqual([])
})

test.each([
  ['JSON', 'x'],
  ['notes', '{}'],
  ['notes', '{"malformed":[1],"ahead":[],"late":null,"unknownFields":[]}'],
])('a right checksum over wrong %s: %s', async (what, notes) => {
  const bytes = readFileSync(cacheFile())
  const tail = bytes.subarray(bytes.length - 24)
  const text = Buffer.from(notes.padEnd((notes.length + 7) & ~7))
  const head = bytes.subarray(0, bytes.length - 24 - tail.readUInt32LE(0))
  tail.writeUInt32LE(text.length, 0)
  tail.writeUInt32LE(crc32(text), 4)
  writeFileSync(cacheFile(), Buffer.concat([head, text, tail]))
  const again = await heard()
  expect(again.rows).toEqual(plain.rows)
  expect(again.said).toEqual([expect.stringMatching(new RegExp(`refused .*its ${what}`))])
})
