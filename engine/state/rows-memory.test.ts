import { expect, test } from 'vitest'
import type { Block } from '../model/block.ts'
import { CHUNK_ROWS, type Chunk, type RowShape } from './chunk.ts'
import { Memory } from './memory.ts'
import { packSome } from './packing.ts'
import { Rows } from './rows.ts'
import { StringTable } from './string-table.ts'
import { CHUNKS, MemorySegments } from './testing.ts'

const shape: RowShape = { codes: 0, numbers: 0, decimals: 0, texts: 0, bitWords: 2, keySpaces: 0, entries: 1 }

/** Keeps a list of what it was asked. */
class Told extends MemorySegments<Chunk> {
  readonly calls: string[] = []
  override write(number: number, part: Chunk | Uint8Array): void {
    this.calls.push(`write ${number}`)
    super.write(number, part)
  }
  override read(number: number, room?: () => Chunk): Chunk {
    this.calls.push(`read ${number}`)
    return super.read(number, room)
  }
  override ahead(number: number): void {
    if (!this.asked.has(number)) this.calls.push(`ahead ${number}`)
    super.ahead(number)
  }
  override drop(below: number): void {
    if (below > 0) this.calls.push(`drop below ${below}`)
    super.drop(below)
  }
}

/** `chunks` full ones, one event a millisecond, the time of an event being its row. */
function append(rows: Rows, chunks: number, count = CHUNK_ROWS): void {
  for (let n = 0; n < chunks; n++) {
    const timesMs = Float64Array.from({ length: CHUNK_ROWS }, (_, i) => rows.endRow + i)
    const types = { kind: 'string', bytes: new Uint8Array(0), offsets: new Uint32Array(CHUNK_ROWS + 1), nulls: new Uint8Array(CHUNK_ROWS) } as const // biome-ignore format: one thing
    const place = { stream: 's', sourceTopic: 't', sourcePartition: 0, length: CHUNK_ROWS }
    const block: Block = { kind: 'block', ...place, offsets: timesMs, timesMs, types, columns: [] }
    rows.append(
      block,
      Int32Array.from({ length: count }, (_, i) => i),
      count,
      new Uint16Array(CHUNK_ROWS),
      new Uint16Array(CHUNK_ROWS),
      [],
    )
  }
}

function build(inMemoryMax: number) {
  const files = new Told(CHUNKS, inMemoryMax)
  const rows = new Rows(shape, new StringTable(new Memory()), files)
  const bytes = new Rows(shape, rows.strings)
  append(bytes, 1)
  /** Chunks in memory, those asked for ahead too. */
  const inMemory = () => rows.bytesInMemory / bytes.bytesInMemory
  const said = () => files.calls.splice(0).join(', ')
  return { files, rows, inMemory, said }
}

const first = (chunk: number): number => chunk * CHUNK_ROWS

test('chunks freeze oldest first, down to those that may stay, and never one that can still change', () => {
  const { rows, said } = build(3)
  append(rows, 3)
  rows.freeze(Number.POSITIVE_INFINITY)
  expect(said()).toBe('')
  append(rows, 3)
  rows.freeze(first(1) - 1) // the newest event of chunk 0 is of that time
  expect(said()).toBe('')
  rows.freeze(first(1))
  expect(said()).toBe('write 0')
  rows.freeze(first(3))
  expect(said()).toBe('write 1, write 2')
  rows.freeze(Number.POSITIVE_INFINITY) // frozen ones are still in memory, but the newest chunk takes events
  expect(said()).toBe('write 3, write 4')
  expect(rows.chunkOf(first(5)).isFrozen).toBe(false)
})

test('those leave memory first that a cursor comes to last; those behind and near one stay', () => {
  const { rows, inMemory, said } = build(2)
  append(rows, 16)
  rows.freeze(Number.POSITIVE_INFINITY)
  said()
  rows.makeRoom([first(4), first(15)])
  // 2 may stay and the newest takes events, but 0 to 3 are about to go, and 4 to 6 are near the cursor
  expect(inMemory()).toBe(10)
  for (const i of [0, 1, 2, 3, 4, 5, 6, 13, 14, 15]) rows.chunkOf(first(i))
  expect(said()).toBe('')
  for (const i of [7, 12]) rows.chunkOf(first(i))
  expect(said()).toBe('read 7, read 12')
})

test('while there are no more than eight too many, none leaves; then as many as are too many, the farthest', () => {
  const { rows, inMemory, said } = build(6)
  append(rows, 13)
  rows.freeze(Number.POSITIVE_INFINITY)
  rows.makeRoom([first(0)])
  expect(inMemory()).toBe(13)
  append(rows, 1)
  rows.freeze(Number.POSITIVE_INFINITY)
  rows.makeRoom([first(0)])
  expect(inMemory()).toBe(6)
  said()
  for (const i of [0, 1, 2, 3, 4, 13]) rows.chunkOf(first(i))
  expect(said()).toBe('')
  rows.chunkOf(first(5))
  expect(said()).toBe('read 5')
})

test('where texts are long, fewer chunks stay in memory', () => {
  const bytes = 600
  const files = new Told(CHUNKS, 16)
  const rows = new Rows({ ...shape, texts: 1 }, new StringTable(new Memory()), files)
  const offsets = Uint32Array.from({ length: CHUNK_ROWS + 1 }, (_, i) => i * bytes)
  const text = { kind: 'string', bytes: new Uint8Array(CHUNK_ROWS * bytes), offsets, nulls: new Uint8Array(CHUNK_ROWS) } as const // biome-ignore format: one thing
  const all = Int32Array.from({ length: CHUNK_ROWS }, (_, i) => i)
  for (let n = 0; n < 24; n++) {
    const timesMs = Float64Array.from(all, (i) => rows.endRow + i)
    const place = { stream: 's', sourceTopic: 't', sourcePartition: 0, length: CHUNK_ROWS }
    const block: Block = { kind: 'block', ...place, offsets: timesMs, timesMs, types: text, columns: [text] }
    const none = new Uint16Array(CHUNK_ROWS)
    rows.append(block, all, CHUNK_ROWS, none, none, [[{ store: 'text', index: 0, scale: 0 }]])
    rows.freeze(Number.POSITIVE_INFINITY)
    rows.makeRoom([first(0)])
    // 256 bytes for each event of 16 chunks, and the eight chunks that may be too many
    expect(rows.textBytesInMemory).toBeLessThanOrEqual(16 * 256 * CHUNK_ROWS + 8 * 4 * 2 ** 20)
  }
  expect(rows.chunkOf(first(9)).texts[0].at(7)).toBe('\0'.repeat(bytes))
})

test('what all cursors have passed leaves memory, and comes back oldest first to be trimmed', () => {
  const { rows, inMemory, said } = build(2)
  append(rows, 30)
  rows.freeze(Number.POSITIVE_INFINITY)
  rows.makeRoom([first(29)])
  expect(inMemory()).toBe(6)
  said()
  rows.trim(first(2) - 1)
  rows.makeRoom([first(29)])
  expect(said()).toBe('drop below 2, ahead 3, ahead 4')
  rows.trim(first(5) - 1)
  expect(said()).toBe('read 3, read 4, drop below 5')
})

test('what stands ahead of a cursor is asked for, two chunks far', () => {
  const { rows, said } = build(1)
  append(rows, 12)
  rows.freeze(Number.POSITIVE_INFINITY)
  rows.makeRoom([first(0)])
  said()
  rows.makeRoom([first(1) - 1])
  expect(said()).toBe('')
  rows.makeRoom([first(1)])
  expect(said()).toBe('ahead 3')
  rows.makeRoom([first(3) + 5])
  expect(said()).toBe('ahead 4, ahead 5')
  rows.makeRoom([first(9)])
  expect(said()).toBe('ahead 10')
})

test('what went through memory once does not pile up, and what is trimmed is dropped', () => {
  const { rows, inMemory, said } = build(1)
  append(rows, 40)
  rows.freeze(Number.POSITIVE_INFINITY)
  rows.makeRoom([first(0)])
  expect(inMemory()).toBe(4)
  for (let i = 39; i >= 0; i--) rows.chunkOf(first(i))
  expect(inMemory()).toBe(18) // 17 frozen ones and the newest
  said()
  rows.trim(first(7) - 2) // the newest event of chunk 6 is still held
  expect([rows.firstRow, inMemory(), said()]).toEqual([first(6), 14, 'read 4, read 5, drop below 6'])
  rows.trim(first(7) - 1)
  expect([rows.firstRow, said()]).toEqual([first(7), 'read 6, drop below 7'])
})

test('of a snapshot, full chunks that have entered are final; the others are as they were, whatever enters meanwhile', () => {
  const { rows } = build(1)
  append(rows, 3)
  const enter = (row: number, entry: number): void => {
    const chunk = rows.chunkOf(row)
    chunk.entries[0][Rows.at(row)] = entry
    chunk.bits[2 * Rows.at(row) + 1] = entry
  }
  for (let row = 0; row < first(2) - 1; row++) enter(row, row)
  rows.freeze(first(1))
  const saved = rows.saveHeld(first(2) - 2)
  expect(saved.chunks.map(({ number, isFinal }) => [number, isFinal])).toEqual([[0, true], [1, false], [2, false]]) // biome-ignore format: a table
  expect(rows.saveHeld(first(2) - 1).chunks.map(({ isFinal }) => isFinal)).toEqual([true, true, false])
  append(rows, 1, 10)
  expect(rows.saveHeld(Number.POSITIVE_INFINITY).chunks.map(({ isFinal }) => isFinal)).toEqual([
    true,
    true,
    true,
    false,
  ])
  enter(first(2) - 1, 7)
  enter(first(2) + 1, 8)
  const restored = new Rows(shape, rows.strings)
  restored.loadHeld(
    saved.chunks.map((part) => packSome(part.packing(), Number.POSITIVE_INFINITY)!),
    saved.hot.map((part) => part.bytes()),
  )
  const entry = (from: Rows, row: number) => [from.chunkOf(row).entries[0][Rows.at(row)], from.chunkOf(row).bits[2 * Rows.at(row) + 1]] // biome-ignore format: one thing
  for (const row of [1, first(1), first(2) - 2]) expect(entry(restored, row)).toEqual([row, row])
  for (const row of [first(2) - 1, first(2) + 1]) expect(entry(restored, row)).toEqual([-1, 0])
  expect([entry(rows, first(2) - 1), entry(rows, first(2) + 1)]).toEqual([[7, 7], [8, 8]]) // biome-ignore format: a table
})

test('restored, the newest frozen chunks stay in memory, as many as may', () => {
  const { rows } = build(3)
  append(rows, 10)
  rows.freeze(Number.POSITIVE_INFINITY)
  const saved = rows.saveHeld(Number.POSITIVE_INFINITY)
  const twin = build(3)
  twin.rows.loadHeld(
    saved.chunks.map((part) => packSome(part.packing(), Number.POSITIVE_INFINITY)!),
    saved.hot.map((part) => part.bytes()),
  )
  expect(twin.said()).toBe(Array.from({ length: 9 }, (_, i) => `write ${i}`).join(', '))
  expect(twin.inMemory()).toBe(3)
  for (const i of [9, 8, 7]) expect(twin.rows.chunkOf(first(i)).timesMs[3]).toBe(first(i) + 3)
  expect(twin.said()).toBe('')
  expect([twin.rows.chunkOf(first(6)).timesMs[3], twin.said()]).toEqual([first(6) + 3, 'read 6'])
})
