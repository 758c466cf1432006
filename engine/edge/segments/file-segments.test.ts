import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FileSegments } from './file-segments.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'segments-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const bytesOf = (n: number): Uint8Array => Uint8Array.from({ length: 1000 + (n % 50) }, (_, i) => (n * 31 + i) & 0xff)

async function written(segments: FileSegments, count: number): Promise<void> {
  for (let i = 0; i < 200 && segments.counts.written < count; i++) await sleep(5)
  expect(segments.counts.written).toBe(count)
}

test('what was written is read again: before it is on disk, after, and ahead of time; dropped files go', async () => {
  const segments = new FileSegments(join(folder, 'rows'), 4)
  for (let n = 0; n < 600; n++) segments.write(n, bytesOf(n))
  expect(segments.read(599)).toEqual(bytesOf(599))
  await written(segments, 600)
  for (let n = 0; n < 600; n++) expect(segments.read(n)).toEqual(bytesOf(n))
  expect(segments.counts.readsAwaited).toBe(600)
  segments.ahead(7)
  await sleep(50)
  expect(segments.read(7)).toEqual(bytesOf(7))
  expect(segments.counts.readsAwaited).toBe(600)
  expect(readdirSync(join(folder, 'rows')).length).toBe(3)
  segments.drop(511)
  expect(readdirSync(join(folder, 'rows')).length).toBe(2)
  segments.drop(512)
  expect(readdirSync(join(folder, 'rows')).length).toBe(1)
  expect(segments.read(512)).toEqual(bytesOf(512))
  segments.close()
})

test('without a turn of the event loop, writes are awaited before too much stands in memory', () => {
  const segments = new FileSegments(join(folder, 'rows'), 4)
  const big = new Uint8Array(8 << 20).fill(7)
  for (let n = 0; n < 20; n++) segments.write(n, big)
  expect(Buffer.compare(segments.read(2), big)).toBe(0)
  expect(segments.counts.writesAwaited).toBeGreaterThan(10)
  segments.close()
})

test('a changed byte is told, never read', async () => {
  const segments = new FileSegments(join(folder, 'rows'), 4)
  segments.write(0, bytesOf(0))
  await written(segments, 1)
  const path = join(folder, 'rows', '0.segments')
  const bytes = readFileSync(path)
  bytes[500] ^= 1
  writeFileSync(path, bytes)
  expect(() => segments.read(0)).toThrow(/is not what was written: segment 0/)
  segments.close()
})
