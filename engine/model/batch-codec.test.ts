import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchOf, eachRange } from './batch.ts'
import type { Block, LogEntry } from './block.ts'
import { decodeEntry, encodeEntry, encodeRows } from './block-codec.ts'
import { blockFromRows, cellAt } from './column.ts'
import { PickedRows } from './picked.ts'
import type { Field, Stream } from './stream.ts'

const field = (name: string, kind: Field['kind'], scale = 0): Field => ({ name, kind, scale, doc: '' })
const streamOf = (name: string, fields: readonly Field[]): Stream => ({
  ...{ name, topic: `x.${name}`, fields, timeField: 'at', timeFormat: 'ms', idField: 'id', type: { field: 'type' } },
  ...{ types: [`${name}.*`], latenessMs: 0, maxAheadMs: 0, dedupeMs: 0, determines: {}, avro: null },
})
const COMMON = [field('type', 'string'), field('at', 'number'), field('id', 'string'), field('shop', 'string')]
const streams = [
  streamOf('orders', [
    ...COMMON,
    field('price', 'decimal', 2),
    field('paid', 'decimal', 2),
    field('big', 'decimal', 2),
  ]),
  streamOf('views', [...COMMON, field('size', 'number', 6), field('seen', 'boolean'), field('none', 'string')]),
]

const draft = fc.record({
  stream: fc.nat({ max: 1 }),
  partition: fc.constantFrom(0, 1, 2, 70_000),
  step: fc.oneof(
    { weight: 5, arbitrary: fc.constant(1) },
    fc.nat({ max: 2 ** 33 }).map((n) => n + 1),
    fc.constant(0.25),
  ),
  timeMs: fc.oneof(fc.integer({ min: 1e12, max: 1e12 + 50 }), fc.integer({ min: 1e12, max: 1e12 + 40_000 })),
  shop: fc.oneof(fc.constantFrom('S1', 'S2', 'é', ''), fc.string({ maxLength: 300 }), fc.constant(null)),
  id: fc.string({ minLength: 8, maxLength: 10 }),
  price: fc.option(fc.integer({ min: -5, max: 5 }).map((n) => `${n}.25`)),
  big: fc.option(fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }).map(String), { freq: 1 }),
  size: fc.option(fc.oneof(fc.constant(7), fc.nat({ max: 60_000 }), fc.double({ noNaN: true }))),
})

/** The drafts as staged blocks of one stream and partition each, some rows a block, and where each draft went. */
function staged(drafts: readonly (typeof draft extends fc.Arbitrary<infer T> ? T : never)[], rowsMax: number) {
  const next = new Map<string, number>()
  const open = new Map<string, { rows: Parameters<typeof blockFromRows>[2][number][]; places: [number, number][] }>()
  const blocks: Block[] = []
  const places: [block: number, row: number][] = []
  const close = (key: string, stream: number, partition: number): void => {
    const { rows, places: own } = open.get(key)!
    for (const [i, row] of own) places[i] = [blocks.length, row]
    blocks.push(blockFromRows(streams[stream]!, { topic: streams[stream]!.topic, partition }, rows))
    open.delete(key)
  }
  drafts.forEach(({ stream, partition, step, ...rest }, i) => {
    const key = `${stream}/${partition}`
    const offset = (next.get(key) ?? -1) + step
    next.set(key, offset)
    if (!open.has(key)) open.set(key, { rows: [], places: [] })
    const { rows, places: own } = open.get(key)!
    own.push([i, rows.length])
    rows.push({ ...rest, paid: rest.price, seen: i % 2 === 0, offset, type: `${streams[stream]!.name}.a${i % 3}` })
    if (rows.length === rowsMax) close(key, stream, partition)
  })
  for (const key of [...open.keys()]) close(key, ...(key.split('/').map(Number) as [number, number]))
  return { blocks, places }
}

const rowOf = (block: Block, row: number) => ({
  stream: block.stream,
  partition: block.rowPartitions?.[row] ?? block.sourcePartition,
  offset: block.offsets[row],
  timeMs: block.timesMs[row],
  cells: block.columns.map((column) => cellAt(column, row)),
})

function rowsOf(entry: LogEntry) {
  if (entry.kind !== 'batch') throw new Error(entry.kind)
  const rows: ReturnType<typeof rowOf>[] = []
  eachRange(entry, (block, from, to) => {
    for (let row = from; row < to; row++) rows.push(rowOf(block, row))
  })
  return rows
}

test('picked rows of many blocks come back in their order, each with its place', () => {
  fc.assert(
    fc.property(
      fc.array(draft, { minLength: 1, maxLength: 120, size: 'max' }),
      fc.integer({ min: 1, max: 40 }),
      (drafts, rowsMax) => {
        const { blocks, places } = staged(drafts, rowsMax)
        const picked = new PickedRows()
        for (const [block, row] of places) picked.add(blocks[block]!, row)
        const batch = decodeEntry(encodeRows(picked, streams), streams)
        expect(rowsOf(batch)).toEqual(places.map(([block, row]) => rowOf(blocks[block]!, row)))
        expect(rowsOf(decodeEntry(encodeEntry(batch, streams), streams))).toEqual(rowsOf(batch))
      },
    ),
    { numRuns: 300 },
  )
})

test('a column that equals another costs nothing; texts that repeat cost a byte', () => {
  const rows = Array.from({ length: 1_000 }, (_, i) => ({
    ...{ offset: i, timeMs: 1e12 + 300 * i, type: 'orders.a', id: `e${i}`, shop: `shop number ${i % 50}` },
    ...{ price: i, paid: i },
  }))
  const size = (fields: object) =>
    encodeEntry(batchOf([blockFromRows(streams[0]!, { topic: 't', partition: 0 }, rows.map((row) => ({ ...row, ...fields })))]), streams).length // biome-ignore format: one call
  expect(size({}) - size({ paid: null })).toBeLessThan(30)
  expect(size({}) - size({ shop: null })).toBeLessThan(1_000 + 50 * 20)
  expect(size({}) / 1_000).toBeLessThan(16)
})

test('damage is never misread', () => {
  const { blocks } = staged(fc.sample(draft, { numRuns: 60, seed: 3 }), 10)
  const bytes = encodeEntry(batchOf(blocks), streams)
  for (let at = 0; at < bytes.length; at++) {
    const bent = Uint8Array.from(bytes)
    bent[at]! ^= 1 + (at % 255)
    expect(() => decodeEntry(bent, streams)).toThrow(/log entry cannot be read/)
  }
})
