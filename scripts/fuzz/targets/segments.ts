import { Prng } from '../../../engine/kit/prng.ts'
import { Chunk, type RowShape } from '../../../engine/state/chunk.ts'
import { packArrays, unpackArrays } from '../../../engine/state/packed-arrays.ts'
import { Packer, packSome } from '../../../engine/state/packing.ts'
import { TimeIndex } from '../../../engine/state/time-index.ts'
import type { Reading, Target } from '../target.ts'
import { namedBy } from './engine-errors.ts'

const SHAPE: RowShape = { codes: 1, numbers: 1, decimals: 1, texts: 2, bitWords: 1, keySpaces: 1, entries: 1 }
const ROWS = 50
const ROWS_TOLD = 20

function chunkOf(texts: (row: number) => string | null): Chunk {
  const chunk = new Chunk(SHAPE)
  const random = new Prng(3)
  for (let row = 0; row < ROWS; row++) {
    chunk.timesMs[row] = 1_767_614_400_000 + row * 500
    chunk.offsets[row] = row
    chunk.codes[0][row] = random.int(20)
    chunk.numbers[0][row] = random.next() * 5
  }
  for (const column of chunk.texts)
    column.append(
      columnOf(texts),
      Int32Array.from({ length: ROWS }, (_, i) => i),
      0,
      ROWS,
      0,
    )
  chunk.length = ROWS
  chunk.timeMsMax = chunk.timesMs[ROWS - 1]
  return chunk
}

function columnOf(texts: (row: number) => string | null) {
  const all = Array.from({ length: ROWS }, (_, row) => texts(row))
  const bytes = Buffer.from(all.map((text) => text ?? '').join(''))
  const offsets = new Uint32Array(ROWS + 1)
  for (let row = 0; row < ROWS; row++) offsets[row + 1] = offsets[row] + (all[row]?.length ?? 0)
  return { kind: 'string', bytes, offsets, nulls: Uint8Array.from(all, (text) => (text === null ? 1 : 0)) } as const
}

function packedIndex(): Uint8Array {
  const packer = new Packer()
  packer.numbers(Float64Array.of(ROWS), 1)
  for (const column of [(row: number) => 1_767_614_400_000 + row * (row % 3), (row: number) => row])
    packer.numbers(
      Float64Array.from({ length: ROWS }, (_, row) => column(row)),
      ROWS,
    )
  return packer.finish()
}

const room = new Chunk(SHAPE)
const READERS: readonly ((bytes: Uint8Array) => Reading)[] = [
  (bytes) => {
    const { length, timesMs, codes, texts, entries } = Chunk.unpack(SHAPE, bytes, room)
    const rows = Array.from({ length: Math.min(length, ROWS_TOLD) }, (_, row) => [
      ...[timesMs[row], codes[0][row], entries[0][row], ...texts.map((text) => text.at(row))],
    ])
    return { count: length, digest: JSON.stringify([length, rows]) }
  },
  (bytes) => {
    const index = new TimeIndex()
    index.load([bytes], 0, [packArrays([new Float64Array(0)])])
    const again = packSome(index.save().index[0].packing(), Number.POSITIVE_INFINITY) as Uint8Array
    return { count: 1, digest: Buffer.from(again).toString('base64') }
  },
  (bytes) => {
    const arrays = unpackArrays(bytes)
    return { count: arrays.length, digest: arrays.map((array) => Buffer.from(array).toString('base64')).join() }
  },
]
const PACKED = [
  packSome(
    chunkOf((row) => (row % 3 === 0 ? null : `text ${row % 5}`)).packing(),
    Number.POSITIVE_INFINITY,
  ) as Uint8Array,
  packSome(chunkOf((row) => 'x'.repeat(row)).packing(), Number.POSITIVE_INFINITY) as Uint8Array,
]

/** Held events and their order in time, as files and snapshots have them. The first byte says which of them it is. */
export const segments: Target = {
  seeds: [
    ...PACKED.map((bytes) => Buffer.concat([Buffer.of(0), bytes])),
    Buffer.concat([Buffer.of(1), packedIndex()]),
    Buffer.concat([Buffer.of(2), packArrays([Float64Array.of(1, 2, 3), Uint8Array.of(1, 2, 3)])]),
  ],
  read: (bytes) => (READERS[bytes[0] ?? 0] ?? READERS[0])(new Uint8Array(bytes.subarray(1))),
  named: namedBy('STATE_CORRUPT'),
}
