import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LogCorrupt } from '../../../model/errors.ts'
import { crc32c } from './crc32c.ts'
import { FeedState } from './feed.ts'
import type { FetchedPart } from './fetch-request.ts'

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'testdata', `fixture-${name}.bin`))

function answer(records: Buffer, end: number, aborted: FetchedPart['aborted'] = []): FetchedPart {
  const offsets = { highWatermark: end, lastStableOffset: end, logStart: 0 }
  return { topic: 't', partition: 1, errorCode: 0, ...offsets, aborted, records }
}

/** The batch moved to another offset: not part of the checksum. */
function at(offset: number, bytes = fixture('gzip')): Buffer {
  bytes.writeBigInt64BE(BigInt(offset), 0)
  return bytes
}

function offsets(feed: FeedState): number[] {
  const all: number[] = []
  for (let batch = feed.take(); batch; batch = feed.take())
    for (const cursor = batch.cursor(); cursor.next(); ) all.push(cursor.offset)
  return all
}

function setUp(from = 0) {
  const told: string[] = []
  const feed = new FeedState('t', 1, from, () => told.push(`${feed.waitingBytes}`))
  return { feed, told }
}

test('batches in order, from within the first; the position passes over holes, and what is not whole is left', () => {
  const { feed } = setUp(102)
  const cut = at(120).subarray(0, 200)
  expect(feed.receive(answer(Buffer.concat([at(100), at(110), cut]), 130), true, 0)).toBe(true)
  const size = fixture('gzip').length
  expect(feed).toMatchObject({ fetched: 115, end: 130, position: 102, waitingBytes: 2 * size })
  expect(feed.take()?.baseOffset).toBe(100)
  expect(feed).toMatchObject({ position: 110, waitingBytes: size })
  expect(offsets(feed)).toEqual([110, 111, 112, 113, 114])
  expect(feed).toMatchObject({ position: 115, waitingBytes: 0 })
})

test('only what is news is: records, and another end', () => {
  const { feed } = setUp()
  const nothing = Buffer.alloc(0)
  expect(feed.receive(answer(nothing, 0), true, 0)).toBe(true)
  expect(feed.receive(answer(nothing, 0), true, 0)).toBe(false)
  expect(feed.receive(answer(at(0), 5), true, 0)).toBe(true)
  expect(feed.receive(answer(nothing, 5), true, 0)).toBe(false)
})

test('aborted and control batches are passed over without a take', () => {
  const { feed } = setUp()
  const aborted = JSON.parse(readFileSync(join(import.meta.dirname, 'testdata', 'transactions.json'), 'utf8'))
  feed.receive(answer(fixture('transactions'), 9, aborted), true, 0)
  expect(feed.position).toBe(1)
  expect(offsets(feed)).toEqual([1, 2, 5, 6])
  expect(feed).toMatchObject({ position: 9, fetched: 9, waitingBytes: 0 })
})

test('a corrupt batch: those before it are given, it throws until a seek, and nothing more is wanted meanwhile', () => {
  const { feed } = setUp()
  const broken = at(5)
  broken[300] ^= 1
  feed.receive(answer(Buffer.concat([at(0), broken, at(10)]), 15), true, 0)
  expect(feed.wants(1 << 20)).toBe(true)
  expect(feed.take()?.baseOffset).toBe(0)
  for (let i = 0; i < 2; i++) expect(() => feed.take()).toThrow('t/1: offsets 5 to 9: the checksum (CRC-32C) is wrong')
  expect(feed.position).toBe(5)
  expect(feed.wants(1 << 20)).toBe(false)
  feed.seek(10)
  expect(feed).toMatchObject({ position: 10, fetched: 10, waitingBytes: 0 })
  expect(feed.wants(1 << 20)).toBe(true)
  expect(feed.take()).toBeNull()
})

test('what a cursor finds corrupt, the next take throws as well', () => {
  const { feed } = setUp()
  const bytes = fixture('none')
  bytes[65] = 0x7e // the length of the first key
  bytes.writeUInt32BE(crc32c(bytes, 21, bytes.length), 17)
  feed.receive(answer(bytes, 5), true, 0)
  const batch = feed.take()!
  expect(() => batch.cursor().next()).toThrow('t/1: offsets 0 to 4: a key that ends beyond its record')
  expect(() => feed.take()).toThrow(LogCorrupt)
})

test('bytes that are no batch stop the fetching, and are a fault when it is their turn', () => {
  const { feed } = setUp()
  feed.receive(answer(Buffer.concat([at(0), Buffer.alloc(100)]), 50), true, 0)
  expect(feed.wants(1 << 20)).toBe(false)
  expect(offsets.bind(null, feed)).toThrow('t/1: a batch of 12 bytes')
})

test('nothing left by compaction before the end: believed after a second of complete answers', () => {
  const { feed } = setUp(20)
  const nothing = answer(Buffer.alloc(0), 25)
  feed.receive(nothing, true, 0)
  expect(feed.receive(nothing, true, 900)).toBe(false)
  expect(feed.receive(nothing, false, 1_100)).toBe(false) // others took all that the answer may hold
  expect(feed.position).toBe(20)
  expect(feed.receive(nothing, true, 1_200)).toBe(true)
  expect(feed).toMatchObject({ position: 25, fetched: 25, end: 25 })
})

test('a small part of a large answer does not keep the whole of it', () => {
  const { feed } = setUp()
  const whole = Buffer.concat([Buffer.alloc(1 << 20), at(0)])
  feed.receive(answer(whole.subarray(1 << 20), 5), true, 0)
  const cursor = feed.take()!.cursor()
  expect(cursor.bytes.buffer).not.toBe(whole.buffer)
})
