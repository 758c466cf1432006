import assert from 'node:assert/strict'
import { Chunk, type ChunkParts } from '../../state/chunk.ts'
import type { SentPart } from './messages.ts'

/** How parts of one kind go to the thread and come from it. */
export interface PartForm<Part> {
  /** For a part that is not packed. */
  sent(part: Part): SentPart
  unpacked(bytes: Uint8Array, room?: () => Part): Part
  /** What a part that is asked for is to be put into; null = it comes as bytes. */
  room(room?: () => Part): Part | null
  into(room: Part): ChunkParts | null
  received(sent: SentPart, room: Part | null): Part
}

/** Parts that their owner packs. */
export const PACKED: PartForm<Uint8Array> = {
  sent: (part) => part,
  unpacked: (bytes) => bytes,
  room: () => null,
  into: () => null,
  received: (sent) => sent as Uint8Array,
}

/** Chunks, whose columns the thread reads and fills where they stand. */
export const CHUNKS: PartForm<Chunk> = {
  sent: (chunk) => chunk.parts,
  unpacked: (bytes, room) => {
    const chunk = roomOf(room)
    return Chunk.unpack(chunk.parts.shape, bytes, chunk)
  },
  room: roomOf,
  into: (chunk) => chunk.parts,
  received: (sent, room) => {
    const chunk = room as Chunk
    chunk.adopt(sent as ChunkParts)
    return chunk
  },
}

function roomOf(room?: () => Chunk): Chunk {
  assert(room)
  return room()
}
