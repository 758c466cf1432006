import { crc32 } from 'node:zlib'
import type { Block } from '../../../model/block.ts'
import { decodeEntry, encodeEntry } from '../../../model/block-codec.ts'
import { EngineError } from '../../../model/errors.ts'
import type { Stream } from '../../../model/stream.ts'
import type { Batch } from '../batch.ts'

/*
 * One batch as bytes, little-endian; all parts begin at multiples of 8.
 *
 *    0  u32  magic "LPWB"
 *    4  u32  size of all of it
 *    8  u32  numbers in runs
 *   12  u32  blocks
 *   16  u32  CRC-32 of bytes 0..16 and of runs, u32 zero
 *   24  runs; then for each block: u32 size, u32 zero, the entry (model/block-codec.ts, with a checksum of its own)
 */
const MAGIC = 0x4257504c
export const BATCH_HEADER_BYTES = 24

export function encodeBatch({ blocks, runs }: Batch, streams: readonly Stream[]): Uint8Array {
  const entries = blocks.map((block) => encodeEntry(block, streams))
  const runsBytes = padded(runs.byteLength)
  const size = BATCH_HEADER_BYTES + runsBytes + entries.reduce((sum, entry) => sum + 8 + padded(entry.length), 0)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, size, true)
  view.setUint32(8, runs.length, true)
  view.setUint32(12, blocks.length, true)
  bytes.set(new Uint8Array(runs.buffer, runs.byteOffset, runs.byteLength), BATCH_HEADER_BYTES)
  view.setUint32(16, checksum(bytes, runs.length), true)
  let at = BATCH_HEADER_BYTES + runsBytes
  for (const entry of entries) {
    view.setUint32(at, entry.length, true)
    bytes.set(entry, at + 8)
    at += 8 + padded(entry.length)
  }
  return bytes
}

/** Size of the batch that begins with `header`; null if none does. */
export function batchSize(header: Uint8Array): number | null {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength)
  const size = view.getUint32(4, true)
  return view.getUint32(0, true) === MAGIC && size >= BATCH_HEADER_BYTES && size % 8 === 0 ? size : null
}

/** Columns are views of `bytes`, which must be whole and begin at a multiple of 8. EngineError STATE_CORRUPT. */
export function decodeBatch(bytes: Uint8Array, streams: readonly Stream[]): Batch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const numbers = view.getUint32(8, true)
  if (BATCH_HEADER_BYTES + 4 * numbers > bytes.length) throw corrupt('runs')
  if (view.getUint32(16, true) !== checksum(bytes, numbers)) throw corrupt('checksum of runs')
  const runs = new Uint32Array(bytes.buffer, bytes.byteOffset + BATCH_HEADER_BYTES, numbers)
  const blocks: Block[] = []
  let at = BATCH_HEADER_BYTES + padded(runs.byteLength)
  for (let left = view.getUint32(12, true); left > 0; left--) {
    if (at + 8 > bytes.length) throw corrupt('blocks')
    const size = view.getUint32(at, true)
    if (at + 8 + size > bytes.length) throw corrupt('size of a block')
    const entry = decodeEntry(bytes.subarray(at + 8, at + 8 + size), streams)
    if (entry.kind !== 'block') throw corrupt(`a ${entry.kind}`)
    blocks.push(entry)
    at += 8 + padded(size)
  }
  const rows = new Float64Array(blocks.length)
  for (let i = 0; i < runs.length; i += 2) rows[runs[i]!]! += runs[i + 1]!
  if (at !== bytes.length || blocks.some((block, i) => block.length !== rows[i]))
    throw corrupt('runs and blocks differ')
  return { blocks, runs, length: blocks.reduce((sum, block) => sum + block.length, 0) }
}

function checksum(bytes: Uint8Array, numbers: number): number {
  return crc32(bytes.subarray(BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + 4 * numbers), crc32(bytes.subarray(0, 16)))
}

function padded(size: number): number {
  return (size + 7) & ~7
}

function corrupt(what: string): EngineError {
  return new EngineError('STATE_CORRUPT', `a batch cannot be read: ${what}`)
}
