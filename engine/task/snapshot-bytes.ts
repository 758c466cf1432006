import { crc32 } from 'node:zlib'
import { SnapshotRefused } from '../model/errors.ts'
import type { SavedState, SnapshotPiece, SnapshotSource } from '../model/ports.ts'
import { STATE_VERSION } from './snapshot-pieces.ts'

const MAGIC = 0x4c57_534e // "LWSN"
const HEAD_BYTES = 20
const PIECE_BYTES = 12

/** A snapshot in one array: magic, version, length, CRC-32 of the rest, length of the head, head, pieces. */
export function encodeSnapshot(source: SnapshotSource): Uint8Array {
  const pieces = allOf(source)
  const length = pieces.reduce((sum, p) => sum + PIECE_BYTES + p.bytes.length, HEAD_BYTES + source.head.length)
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(16, source.head.length, true)
  bytes.set(source.head, HEAD_BYTES)
  let at = HEAD_BYTES + source.head.length
  for (const piece of pieces) {
    view.setFloat64(at, piece.key, true)
    view.setUint32(at + 8, piece.bytes.length, true)
    bytes.set(piece.bytes, at + PIECE_BYTES)
    at += PIECE_BYTES + piece.bytes.length
  }
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, STATE_VERSION, true)
  view.setUint32(8, bytes.length, true)
  view.setUint32(12, crc32(bytes.subarray(16)), true)
  return bytes
}

/** SnapshotRefused on anything that is not a whole snapshot of this version. */
export function decodeSnapshot(bytes: Uint8Array): SavedState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEAD_BYTES || view.getUint32(0, true) !== MAGIC)
    throw new SnapshotRefused('torn', 'it does not begin like one')
  const version = view.getUint32(4, true)
  if (version !== STATE_VERSION)
    throw new SnapshotRefused('version', `version ${version}, this engine reads ${STATE_VERSION}`)
  if (view.getUint32(8, true) !== bytes.length)
    throw new SnapshotRefused('torn', `${bytes.length} bytes of ${view.getUint32(8, true)}`)
  if (view.getUint32(12, true) !== crc32(bytes.subarray(16)))
    throw new SnapshotRefused('checksum', 'its checksum is wrong')
  const headEnd = HEAD_BYTES + view.getUint32(16, true)
  const pieces: SnapshotPiece[] = []
  for (let at = headEnd; at < bytes.length; ) {
    const end = at + PIECE_BYTES + view.getUint32(at + 8, true)
    pieces.push({ key: view.getFloat64(at, true), bytes: bytes.subarray(at + PIECE_BYTES, end) })
    at = end
  }
  return { head: bytes.subarray(HEAD_BYTES, headEnd), pieces }
}

function allOf(source: SnapshotSource): SnapshotPiece[] {
  const pieces: SnapshotPiece[] = []
  for (;;) {
    const copied = source.copy(Number.POSITIVE_INFINITY)
    if (copied === null) return pieces
    for (const piece of copied) pieces.push(piece)
  }
}
