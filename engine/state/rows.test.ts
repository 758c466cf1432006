import { expect, test } from 'vitest'
import { type Block, type Column, DECIMAL_NULL_HIGH } from '../model/block.ts'
import { CHUNK_ROWS, type Chunk, type ColumnRef, type RowShape } from './chunk.ts'
import type { HeldBytes } from './held-bytes.ts'
import { Memory } from './memory.ts'
import { packSome } from './packing.ts'
import { fits, Rows } from './rows.ts'
import type { Segments } from './segments.ts'
import { StringTable } from './string-table.ts'
import { CHUNKS, MemorySegments } from './testing.ts'

const shape: RowShape = { codes: 2, numbers: 1, decimals: 1, texts: 1, bitWords: 1, keySpaces: 1, entries: 1 }
const ref = (store: ColumnRef['store'], index: number, scale = 0): ColumnRef => ({ store, index, scale })
/** Names go to a code and a text, prices to a decimal and a code, amounts to a number; the last column nowhere. */
const mapping = [[ref('code', 0), ref('text', 0)], [ref('decimal', 0), ref('code', 1, 2)], [ref('number', 0, 4)], []]
const priceless = [mapping[0], [], mapping[2], []]
/** Rows of another stream, that has no prices: each second 1,500. */
const isPriceless = (row: number): boolean => Math.floor(row / 1_500) % 2 === 1

const nameOf = (row: number): string | null => (row % 5 === 0 ? null : `name ${row % 7_000}`)
/** In hundredths. */
const priceOf = (row: number): number | null => (row % 3 === 0 || isPriceless(row) ? null : (row % 11) - 5)
const amountOf = (row: number): number | null => (row % 5 === 4 ? null : row + 0.5)

/** Slot, chain and filter bits of every seventh row, what all others begin with. */
const keyOf = (row: number): [number, number, number] => (row % 7 === 0 ? [row % 50, row % 90, row % 31] : [-1, 0, 0])

/** `rows`, at the time `row`, and in front of each a row that is not accepted. */
function blockOf(rows: readonly number[]): [block: Block, accepted: Int32Array] {
  const all = rows.flatMap((row) => [-1, row])
  const text = new TextEncoder().encode(all.map((row) => nameOf(row) ?? '').join(''))
  const ends = Uint32Array.from([0, ...all.map((row) => nameOf(row)?.length ?? 0)])
  for (let i = 1; i < ends.length; i++) ends[i] += ends[i - 1]
  const nulls = Uint8Array.from(all, (row) => (nameOf(row) === null ? 1 : 0))
  const names = { kind: 'string', bytes: text, offsets: ends, nulls } as const
  const columns: Column[] = [
    names,
    {
      kind: 'decimal',
      scale: 2,
      high: Int32Array.from(all, (row) => Math.floor((priceOf(row) ?? DECIMAL_NULL_HIGH * 2 ** 32) / 2 ** 32)),
      low: Uint32Array.from(all, (row) => (priceOf(row) ?? 0) >>> 0),
    },
    { kind: 'number', values: Float64Array.from(all, (row) => amountOf(row) ?? Number.NaN) },
    { kind: 'number', values: Float64Array.from(all) },
  ]
  const timesMs = Float64Array.from(all)
  const offsets = Float64Array.from(all, (row) => row * 10)
  const place = { stream: 's', sourceTopic: 't', sourcePartition: 0 }
  const block: Block = { kind: 'block', ...place, length: all.length, offsets, timesMs, types: names, columns }
  return [block, Int32Array.from(rows, (_, i) => 2 * i + 1)]
}

function expectRow(rows: Rows, row: number): void {
  const chunk = rows.chunkOf(row)
  const at = Rows.at(row)
  const value = (code: number): string | number | null => (code < 0 ? null : rows.strings.value(code))
  const [price, amount] = [priceOf(row), amountOf(row)]
  expect([
    [chunk.timesMs[at], chunk.offsets[at], chunk.types[at], chunk.sources[at], chunk.entries[0][at]],
    [value(chunk.codes[0][at]), chunk.texts[0].at(at), value(chunk.codes[1][at]), chunk.numbers[0][at]],
    [chunk.highs[0][at], chunk.lows[0][at], chunk.slots[0][at], chunk.chains[0][at], chunk.bits[at]],
  ]).toEqual([
    [row, row * 10, row % 13, 3, row % 2 === 0 ? row : -1],
    [nameOf(row), nameOf(row), price === null ? null : price / 100, amount ?? Number.NaN],
    [price === null ? DECIMAL_NULL_HIGH : price < 0 ? -1 : 0, (price ?? 0) >>> 0, ...keyOf(row)],
  ])
}

function build(files: Segments<Chunk> | null) {
  const strings = new StringTable(new Memory())
  return new Rows(shape, strings, files)
}

function append(rows: Rows, from: number, count: number): void {
  const [block, accepted] = blockOf(Array.from({ length: count }, (_, i) => from + i))
  const types = Uint16Array.from({ length: block.length }, (_, i) => (i % 2 === 0 ? 99 : (from + (i >> 1)) % 13))
  rows.append(
    block,
    accepted,
    count,
    types,
    new Uint16Array(block.length).fill(3),
    isPriceless(from) ? priceless : mapping,
  )
  for (let row = from; row < from + count; row++) {
    const chunk = rows.chunkOf(row)
    const at = Rows.at(row)
    if (row % 2 === 0) chunk.entries[0][at] = row
    if (row % 7 === 0) [chunk.slots[0][at], chunk.chains[0][at], chunk.bits[at]] = keyOf(row)
  }
}

function reloaded(saved: Omit<HeldBytes, 'index'>, strings: StringTable, files: Segments<Chunk> | null): Rows {
  const rows = new Rows(shape, strings, files)
  rows.loadHeld(
    saved.chunks.map((part) => packSome(part.packing(), Number.POSITIVE_INFINITY)!),
    saved.hot.map((part) => part.bytes()),
  )
  return rows
}

const PLACES = ['in memory', 'in files', 'in files, after a while'] as const
const segmentsOf = (place: (typeof PLACES)[number]) =>
  place === 'in memory' ? null : new MemorySegments(CHUNKS, 3, place === 'in files' ? 0 : 6)

const windowRows = 20 * CHUNK_ROWS
const totalRows = 50 * CHUNK_ROWS

test.each(PLACES)('events that are held come back until they go: %s', (place) => {
  let files = segmentsOf(place)
  let rows = build(files)
  let chunkBytes = 0
  for (let end = 1_500; end <= totalRows; end += 1_500) {
    append(rows, end - 1_500, 1_500)
    expect(rows.endRow).toBe(end)
    const oldest = end - windowRows
    if (chunkBytes === 0) chunkBytes = rows.bytesInMemory
    rows.trim(oldest)
    expect(rows.firstRow).toBe(Math.max(0, Math.floor((oldest + 1) / CHUNK_ROWS) * CHUNK_ROWS))
    for (let step = 0; step < 8; step++) rows.freeze(end - 5_000) // each packs a few columns
    const cursors = [Math.max(0, oldest + 1), end - 1]
    rows.makeRoom(cursors)
    for (let row = end - 1_500; row < end; row += 50) expectRow(rows, row)
    expectRow(rows, cursors[0])
    if (files) {
      expect(rows.bytesInMemory / chunkBytes).toBeLessThanOrEqual(files.inMemoryMax + 9)
      expect(files.held.size).toBeLessThanOrEqual(1 + windowRows / CHUNK_ROWS)
    }
    if (end !== 27 * 4_500) continue
    const saved = rows.saveHeld(Number.NEGATIVE_INFINITY)
    const numbers = saved.chunks.map((part) => part.number)
    expect(numbers).toEqual(numbers.map((_, i) => rows.firstRow / CHUNK_ROWS + i))
    const before = files
    files = segmentsOf(place)
    rows = reloaded(saved, rows.strings, files)
    saved.release()
    expect(files?.texts).toEqual(before?.texts)
    for (const row of [rows.firstRow, rows.firstRow + CHUNK_ROWS, end - CHUNK_ROWS, end - 1]) expectRow(rows, row)
    if (files) expect(rows.bytesInMemory / chunkBytes).toBeLessThanOrEqual(files.inMemoryMax + 3)
  }
  const end = rows.endRow
  if (files) {
    const read = files.reads
    expect(read).toBeGreaterThan(10)
    expect(read).toBeLessThan(30)
    expect(files.sudden).toBeLessThan(4)
    for (let row = rows.firstRow; row < end; row += 512) expectRow(rows, row)
    expect(rows.bytesInMemory / chunkBytes).toBeLessThanOrEqual(files.inMemoryMax + 20)
    expect(files.reads - read).toBeLessThan(20)
    const before = rows.bytesInMemory
    files.ahead(1_000)
    expect(rows.bytesInMemory - before).toBe(chunkBytes)
  }
  rows.trim(Number.POSITIVE_INFINITY)
  expect(rows.firstRow).toBe(Math.floor(end / CHUNK_ROWS) * CHUNK_ROWS)
  expect(files?.held.size ?? 0).toBe(0)
  const left = new Set<string | number>()
  for (let row = rows.firstRow; row < end; row++) {
    const [name, price] = [nameOf(row), priceOf(row)]
    if (name !== null) left.add(name)
    if (price !== null) left.add(price)
  }
  expect(rows.strings.live).toBe(left.size)
})

test.each(PLACES)('a snapshot under way has the events of its moment, whatever goes meanwhile: %s', (place) => {
  const rows = build(segmentsOf(place))
  const go = (from: number, to: number): void => {
    for (let end = from + 1_500; end <= to; end += 1_500) {
      append(rows, end - 1_500, 1_500)
      rows.trim(end - 5 * CHUNK_ROWS)
      rows.freeze(end - CHUNK_ROWS)
      rows.makeRoom([Math.max(0, end - 5 * CHUNK_ROWS), end - 1])
    }
  }
  const packed = (saved: Omit<HeldBytes, 'index'>) =>
    saved.chunks.map((part) => Buffer.from(packSome(part.packing(), Number.POSITIVE_INFINITY)!).toString('latin1'))
  go(0, 60_000)
  const expected = packed(rows.saveHeld(Number.NEGATIVE_INFINITY))
  const saved = rows.saveHeld(Number.NEGATIVE_INFINITY)
  go(60_000, 150_000)
  expect(packed(saved)).toEqual(expected)
  saved.release()
})

test('a number whose fixed-point form has more than 63 bits is null, and counted once', () => {
  const limit = 2 ** 63 / 10 ** 4
  const below = 922337203685477
  expect([fits(below, 4), fits(-below, 4), fits(limit, 4), fits(-limit, 4)]).toEqual([true, true, false, false])
  const rows = build(null)
  const [block, accepted] = blockOf([1, 2, 3, 5])
  const { values } = block.columns[2] as { values: Float64Array }
  values[3] = limit
  values[5] = Number.NaN
  values[7] = -limit
  rows.append(block, accepted, 4, new Uint16Array(8), new Uint16Array(8), mapping)
  const chunk = rows.chunkOf(0)
  expect([...chunk.numbers[0].subarray(0, 4)]).toEqual([1.5, Number.NaN, Number.NaN, Number.NaN])
  expect([rows.takeOutOfRange(), rows.takeOutOfRange()]).toEqual([2, 0])
  rows.setNumber(chunk, 1, ref('number', 0, 4), limit)
  rows.setNumber(chunk, 2, ref('number', 0, 4), below)
  expect([chunk.numbers[0][1], chunk.numbers[0][2], rows.takeOutOfRange()]).toEqual([Number.NaN, below, 1])
})
