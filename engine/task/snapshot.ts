import { crc32 } from 'node:zlib'
import type { Block, RuleSource } from '../model/block.ts'
import { decodeEntry, encodeEntry } from '../model/block-codec.ts'
import { EngineError } from '../model/errors.ts'
import type { Stream } from '../model/stream.ts'
import type { RecentIds } from '../state/recent-ids.ts'
import { type Alert, alertFromJson, alertToJson } from './alert.ts'
import type { SavedBaselines } from './core.ts'
import type { HeldBlock } from './held-blocks.ts'

const MAGIC = 0x4c57_534e // "LWSN"
const VERSION = 2
const HEAD_BYTES = 16

/** A task's whole state in parts: what it holds, and what it remembers beyond that. */
export interface Snapshot {
  /** JSON of the task's meta record. */
  readonly meta: string
  readonly files: readonly RuleSource[]
  readonly ruleSetHash: string
  readonly alerts: readonly Alert[]
  /** Kept ranks as (key, JSON). */
  readonly ranks: readonly (readonly [string, string])[]
  readonly baselines: SavedBaselines
  readonly ids: readonly (readonly [string, ReturnType<RecentIds['snapshot']>])[]
  readonly held: readonly HeldBlock[]
}

/**
 * Snapshot as bytes: magic, version, length and CRC-32 of the rest, then a JSON directory and byte sections.
 * All numbers little-endian.
 */
export function encodeSnapshot(snapshot: Snapshot, streams: readonly Stream[]): Uint8Array {
  const sections: Uint8Array[] = []
  const add = (array: ArrayBufferView): number =>
    sections.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)) - 1
  const directory = {
    meta: snapshot.meta,
    files: snapshot.files,
    ruleSetHash: snapshot.ruleSetHash,
    alerts: snapshot.alerts.map(alertToJson),
    ranks: snapshot.ranks,
    baselines: snapshot.baselines,
    ids: snapshot.ids.map(([stream, ids]) => [
      stream,
      { startMs: Number.isFinite(ids.startMs) ? ids.startMs : null, young: add(ids.young), old: add(ids.old) },
    ]),
    held: snapshot.held.map((h) => ({
      block: add(encodeEntry(h.block, streams)),
      bits: add(h.bits),
      entries: add(h.entries),
    })),
    lengths: [] as number[],
  }
  directory.lengths = sections.map((s) => s.length)
  const head = new TextEncoder().encode(JSON.stringify(directory))
  const bytes = new Uint8Array(HEAD_BYTES + 4 + head.length + sections.reduce((sum, s) => sum + s.length, 0))
  const view = new DataView(bytes.buffer)
  view.setUint32(HEAD_BYTES, head.length, true)
  bytes.set(head, HEAD_BYTES + 4)
  let at = HEAD_BYTES + 4 + head.length
  for (const section of sections) {
    bytes.set(section, at)
    at += section.length
  }
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, VERSION, true)
  view.setUint32(8, bytes.length, true)
  view.setUint32(12, crc32(bytes.subarray(HEAD_BYTES)), true)
  return bytes
}

/** Throws EngineError STATE_CORRUPT on anything that is not a whole snapshot of this version. */
export function decodeSnapshot(bytes: Uint8Array, streams: readonly Stream[]): Snapshot {
  const refuse = (why: string): never => {
    throw new EngineError('STATE_CORRUPT', `snapshot refused: ${why}`)
  }
  if (bytes.length < HEAD_BYTES + 4) refuse(`${bytes.length} bytes are no snapshot`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== MAGIC) refuse('it does not begin like one')
  if (view.getUint32(4, true) !== VERSION) refuse(`version ${view.getUint32(4, true)}, this engine reads ${VERSION}`)
  if (view.getUint32(8, true) !== bytes.length) refuse(`${bytes.length} bytes of ${view.getUint32(8, true)}`)
  if (view.getUint32(12, true) !== crc32(bytes.subarray(HEAD_BYTES))) refuse('its checksum is wrong')
  const headEnd = HEAD_BYTES + 4 + view.getUint32(HEAD_BYTES, true)
  const directory = JSON.parse(new TextDecoder().decode(bytes.subarray(HEAD_BYTES + 4, headEnd)))
  const starts: number[] = []
  let at = headEnd
  for (const length of directory.lengths as number[]) {
    starts.push(at)
    at += length
  }
  const section = (i: number): Uint8Array => bytes.slice(starts[i], starts[i] + directory.lengths[i])
  return {
    meta: directory.meta,
    files: directory.files,
    ruleSetHash: directory.ruleSetHash,
    alerts: directory.alerts.map(alertFromJson),
    ranks: directory.ranks,
    baselines: directory.baselines,
    ids: directory.ids.map(([stream, ids]: [string, { startMs: number | null; young: number; old: number }]) => [
      stream,
      {
        startMs: ids.startMs ?? Number.NEGATIVE_INFINITY,
        young: new Float64Array(section(ids.young).buffer),
        old: new Float64Array(section(ids.old).buffer),
      },
    ]),
    held: directory.held.map((h: { block: number; bits: number; entries: number }) => ({
      block: decodeEntry(section(h.block), streams) as Block,
      bits: new Uint32Array(section(h.bits).buffer),
      entries: new Float64Array(section(h.entries).buffer),
    })),
  }
}
