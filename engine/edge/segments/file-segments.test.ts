import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CHUNK_ROWS, Chunk, type RowShape } from '../../state/chunk.ts'
import { packSome } from '../../state/packing.ts'
import { FileSegments } from './file-segments.ts'
import { CHUNKS, PACKED } from './part-forms.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'segments-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const newSegments = (): FileSegments => new FileSegments(join(folder, 'rows'), 4, PACKED)
const bytesOf = (n: number): Uint8Array => Uint8Array.from({ length: 1000 + (n % 50) }, (_, i) => (n * 31 + i) & 0xff)
const isWritten = (segments: { isWritten(number: number): boolean }, number: number) =>
  expect.poll(() => segments.isWritten(number), { timeout: 15_000 }).toBe(true)

test('what was written is read again: before it is on disk, after, and ahead of time; dropped files go', async () => {
  const segments = newSegments()
  for (let n = 0; n < 600; n++) segments.write(n, bytesOf(n))
  expect(segments.read(599)).toEqual(bytesOf(599))
  await isWritten(segments, 599)
  expect(segments.counts.written).toBe(600)
  const awaited = segments.counts.readsAwaited
  for (let n = 0; n < 600; n++) expect([segments.read(n), segments.copy(n)]).toEqual([bytesOf(n), bytesOf(n)])
  expect(segments.counts.readsAwaited - awaited).toBe(600)
  segments.ahead(7)
  expect(segments.aheadParts).toBe(1)
  segments.write(600, bytesOf(600))
  await isWritten(segments, 600) // the thread does one thing after the other
  expect(segments.read(7)).toEqual(bytesOf(7))
  expect([segments.counts.readsAwaited - awaited, segments.aheadParts]).toEqual([600, 0])
  const files = () => readdirSync(join(folder, 'rows')).length
  expect(files()).toBe(3)
  segments.drop(511)
  await expect.poll(files).toBe(2)
  segments.drop(512)
  await expect.poll(files).toBe(1)
  expect(segments.read(512)).toEqual(bytesOf(512))
  expect(() => segments.read(511)).toThrow(/no segment 511/)
  segments.close()
  expect(readdirSync(folder)).toEqual([])
})

test('without a turn of the event loop, writes are awaited before more than 32 stand in memory', () => {
  const segments = newSegments()
  for (let n = 0; n < 5_000; n++) segments.write(n, bytesOf(n))
  expect(segments.counts.written).toBeGreaterThanOrEqual(5_000 - 32)
  expect(segments.counts.writesAwaited).toBeGreaterThan(0)
  expect(segments.read(2)).toEqual(bytesOf(2))
  segments.close()
})

test('a changed byte is told, never read', async () => {
  const segments = newSegments()
  segments.write(0, bytesOf(0))
  await isWritten(segments, 0)
  const path = join(folder, 'rows', '0.segments')
  const bytes = readFileSync(path)
  bytes[500] ^= 1
  writeFileSync(path, bytes)
  expect(() => segments.read(0)).toThrow(/is not what was written: segment 0/)
  expect(() => segments.copy(0)).toThrow(/is not what was written: segment 0/)
  segments.close()
})

test('a write that fails is counted, what it had is read from memory, and the next write tries it again', async () => {
  const segments = newSegments()
  segments.write(0, bytesOf(0))
  await isWritten(segments, 0)
  mkdirSync(join(folder, 'rows', '1.segments')) // where the second file is to go
  segments.write(300, bytesOf(300))
  await expect.poll(() => [segments.isWritten(300), segments.counts.writesFailed]).toEqual([false, 1])
  expect([segments.read(300), segments.copy(300)]).toEqual([bytesOf(300), bytesOf(300)])
  rmdirSync(join(folder, 'rows', '1.segments'))
  segments.write(301, bytesOf(301))
  await isWritten(segments, 301)
  expect([segments.copy(300), segments.copy(301)]).toEqual([bytesOf(300), bytesOf(301)])
  expect([segments.counts.written, segments.counts.writesFailed]).toEqual([3, 1])
  segments.close()
})

test('where the folder cannot be made, parts stay in memory until it can', async () => {
  const segments = newSegments()
  writeFileSync(join(folder, 'rows'), 'no folder')
  segments.write(0, bytesOf(0))
  await expect.poll(() => [segments.isWritten(0), segments.counts.writesFailed]).toEqual([false, 1])
  rmSync(join(folder, 'rows'))
  segments.write(1, bytesOf(1))
  await isWritten(segments, 1)
  expect([segments.copy(0), segments.copy(1)]).toEqual([bytesOf(0), bytesOf(1)])
  segments.close()
})

const shape: RowShape = { codes: 1, numbers: 2, decimals: 1, texts: 2, bitWords: 1, keySpaces: 1, entries: 1 }

/** A full chunk; of every second one the texts are longer. */
function fill(chunk: Chunk, n: number): Chunk {
  chunk.clear()
  const words = Array.from(
    { length: CHUNK_ROWS },
    (_, i) => 'é'.repeat((i % 5) * (n % 2 === 0 ? 9 : 1)) + ((i * n) % 999),
  )
  const bytes = new TextEncoder().encode(words.join(''))
  const offsets = Uint32Array.of(0, ...words.map((word) => Buffer.byteLength(word)))
  for (let i = 0; i < CHUNK_ROWS; i++) offsets[i + 1] += offsets[i]
  const column = { kind: 'string', bytes, offsets, nulls: new Uint8Array(CHUNK_ROWS) } as const
  chunk.texts[0].append(column, Int32Array.from(words.keys()), 0, CHUNK_ROWS, 0)
  chunk.texts[1].fillTo(CHUNK_ROWS)
  for (let i = 0; i < CHUNK_ROWS; i++) {
    chunk.timesMs[i] = 1.7e12 + n * 1e6 + i * 10
    chunk.numbers[1][i] = i / 7 + n
    chunk.codes[0][i] = (i * n) % 700
    chunk.bits[i] = i % 3
  }
  chunk.length = CHUNK_ROWS
  chunk.timeMsMax = chunk.timesMs[CHUNK_ROWS - 1]
  return chunk
}

const packed = (chunk: Chunk) => Buffer.from(packSome(chunk.packing(), Number.POSITIVE_INFINITY)!).toString('latin1')

test('chunks are packed and filled where they stand, in memory that is used again and again', async () => {
  const segments = new FileSegments(join(folder, 'rows'), 4, CHUNKS)
  const expected: string[] = []
  for (let n = 0; n < 9; n++) {
    const chunk = fill(new Chunk(shape), n)
    expected.push(packed(chunk))
    segments.write(n, chunk)
  }
  await isWritten(segments, 8)
  const room = new Chunk(shape)
  for (const n of [3, 2, 7, 6, 0]) {
    if (n % 2 === 0) segments.ahead(n, () => fill(room, 1))
    const chunk = segments.read(n, () => fill(room, 1))
    expect(chunk).toBe(room)
    expect([packed(chunk), chunk.length, chunk.texts[0].at(4)]).toEqual([
      expected[n],
      CHUNK_ROWS,
      'é'.repeat(4 * (n % 2 === 0 ? 9 : 1)) + 4 * n,
    ])
    expect(Buffer.from(segments.copy(n)!).toString('latin1')).toBe(expected[n])
  }
  segments.close()
})
