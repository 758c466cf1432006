import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { RuleSource } from '../model/block.ts'
import { SnapshotRefused } from '../model/errors.ts'
import type { SavedState, SnapshotPiece, SnapshotSource } from '../model/ports.ts'
import type { Stream } from '../model/stream.ts'
import type { Memory, Pass, Roots, SavedPage } from '../state/memory.ts'
import type { HeldBytes, HeldPart, LoadedHeld } from '../state/rows.ts'
import type { Meta } from './meta.ts'

/** Of a state's arrays. Raise it whenever the same bytes would come to mean something else. */
export const STATE_VERSION = 4

const MAGIC = 0x4c57_534e // "LWSN"
const HEAD_BYTES = 20
const PIECE_BYTES = 12

/** What a piece is a part of: the first digits of its key. 0 and 1: pages of the core's and of the intake's memory. */
const CHUNK = 2
const KEPT = 3
const HOT = 4
const INDEX = 5
const PAGE_RANGE = 2 ** 32
const PART_RANGE = 2 ** 16
const KEPT_CHARS = 1 << 18
/** Packing a value takes as long as copying so many bytes. */
const BYTES_A_VALUE = 128

type Kept = readonly (readonly [key: string, value: string])[]

/** What says how the pieces fit together. */
interface Head {
  readonly version: number
  readonly shape: string
  readonly ruleSetHash: string
  readonly files: readonly RuleSource[]
  /** JSON of the task's meta record, with the changes of lists. */
  readonly meta: string
  readonly roots: readonly Roots[]
  /** Per memory and part: pages. */
  readonly lengths: readonly (readonly number[])[]
  readonly chunks: Numbers
  readonly index: Numbers
  readonly keptPieces: number
  readonly hotPieces: number
}

export interface StateToSave extends Pick<Head, 'shape' | 'ruleSetHash' | 'files'> {
  readonly meta: Meta
  readonly lists: Kept
  readonly coreMemory: Memory
  readonly intakeMemory: Memory
  readonly held: HeldBytes
  readonly kept: ReadonlyMap<string, string>
  /** All of it; otherwise what changed since the last one, and numbered parts of the events from these on. */
  readonly full: boolean
  readonly firstNewChunk: number
  readonly firstNewIndex: number
}

/** Numbers of parts that stand one after the other. */
interface Numbers {
  readonly first: number
  readonly count: number
}

/** What a memory's `load` takes. */
interface SavedMemory {
  readonly roots: Roots
  readonly pages: readonly SavedPage[]
}

export interface LoadedState {
  readonly meta: Meta
  readonly lists: Kept
  readonly coreMemory: SavedMemory
  readonly intakeMemory: SavedMemory
  readonly held: LoadedHeld
  readonly kept: Kept
}

/** Hash of all that gives a state's arrays their meaning: they fit a task of the same shape and no other. */
export function shapeOf(init: { ruleSetHash: string; streams: readonly Stream[]; build: string }): string {
  const text = JSON.stringify([STATE_VERSION, init.ruleSetHash, init.streams, init.build])
  return createHash('sha256').update(text).digest('hex')
}

/** The state of one moment, copied step by step. Everything that changes in place is copied at once. */
export class TaskSnapshot implements SnapshotSource {
  readonly full: boolean
  readonly head: Uint8Array
  readonly #passes: readonly Pass[]
  readonly #held: HeldBytes
  readonly #kept: readonly Kept[]
  readonly #chunks: Numbers
  readonly #index: Numbers
  readonly #rest: Generator<Work, void, undefined>

  constructor(state: StateToSave) {
    this.full = state.full
    this.#passes = [state.coreMemory, state.intakeMemory].map((memory) => memory.begin(state.full))
    this.#held = state.held
    this.#kept = groups(state.kept)
    this.#chunks = numbersOf(state.held.chunks)
    this.#index = numbersOf(state.held.index)
    const { shape, ruleSetHash, files, meta, lists } = state
    const head: Head = {
      version: STATE_VERSION,
      ...{ shape, ruleSetHash, files, meta: JSON.stringify({ ...meta, lists }) },
      roots: this.#passes.map((pass) => pass.roots),
      lengths: this.#passes.map((pass) => pass.lengths),
      chunks: this.#chunks,
      index: this.#index,
      keptPieces: this.#kept.length,
      hotPieces: state.held.hot.length,
    }
    this.head = new TextEncoder().encode(JSON.stringify(head))
    this.#rest = state.full ? this.#others(0, 0) : this.#others(state.firstNewChunk, state.firstNewIndex)
  }

  has(key: number): boolean {
    const { area, part, page } = split(key)
    if (area === CHUNK) return isOneOf(this.#chunks, page)
    if (area === INDEX) return isOneOf(this.#index, page)
    if (area === KEPT) return page < this.#kept.length
    if (area === HOT) return page < this.#held.hot.length
    return page < this.#passes[area].lengths[part]
  }

  copy(bytesMax: number): SnapshotPiece[] | null {
    const pieces: SnapshotPiece[] = []
    for (const [area, pass] of this.#passes.entries()) {
      const pages = pass.copy(bytesMax)
      for (const { part, page, bytes } of pages) pieces.push({ key: join(area, part, page), bytes })
      if (pages.length > 0) return pieces
    }
    for (let cost = 0; cost < bytesMax; ) {
      const { done, value } = this.#rest.next()
      if (done) {
        this.#held.release()
        return pieces.length > 0 ? pieces : null
      }
      cost += value.cost
      if (value.piece) pieces.push(value.piece)
    }
    return pieces
  }

  giveUp(): void {
    for (const pass of this.#passes) pass.giveUp()
    this.#held.release()
  }

  *#others(firstChunk: number, firstIndex: number): Generator<Work, void, undefined> {
    for (const [i, hot] of this.#held.hot.entries()) yield work(join(HOT, 0, i), hot.bytes())
    yield* packed(CHUNK, this.#held.chunks, firstChunk)
    yield* packed(INDEX, this.#held.index, firstIndex)
    for (const [i, group] of this.#kept.entries()) {
      yield work(join(KEPT, 0, i), new TextEncoder().encode(JSON.stringify(group)))
    }
  }
}

/** A step of copying, measured in bytes; most lead to a piece. */
interface Work {
  readonly cost: number
  readonly piece: SnapshotPiece | null
}

function work(key: number, bytes: Uint8Array): Work {
  return { cost: bytes.length, piece: { key, bytes } }
}

function* packed(area: number, parts: readonly HeldPart[], first: number): Generator<Work, void, undefined> {
  for (const part of parts) {
    if (part.number < first) continue
    const packing = part.packing()
    let step = packing.next()
    for (; !step.done; step = packing.next()) yield { cost: step.value * BYTES_A_VALUE, piece: null }
    yield work(join(area, 0, part.number), step.value)
  }
}

function numbersOf(parts: readonly HeldPart[]): Numbers {
  return { first: parts[0]?.number ?? 0, count: parts.length }
}

function isOneOf({ first, count }: Numbers, number: number): boolean {
  return number >= first && number < first + count
}

/** SnapshotRefused when it is of another version. */
export function readHead(saved: SavedState): Head {
  const head: Head = JSON.parse(new TextDecoder().decode(saved.head))
  if (head.version === STATE_VERSION) return head
  throw new SnapshotRefused('version', `its state is of version ${head.version}, this engine reads ${STATE_VERSION}`)
}

/** Sorts the pieces. SnapshotRefused when one is missing. */
export function readPieces(head: Head, pieces: Iterable<SnapshotPiece>): LoadedState {
  const pages: [SavedPage[], SavedPage[]] = [[], []]
  const chunks: Uint8Array[] = []
  const index: Uint8Array[] = []
  const kept: Kept[] = []
  const hot: Uint8Array[] = []
  let count = 0
  for (const { key, bytes } of pieces) {
    const { area, part, page } = split(key)
    count++
    if (area === CHUNK) chunks[page - head.chunks.first] = bytes
    else if (area === INDEX) index[page - head.index.first] = bytes
    else if (area === KEPT) kept[page] = JSON.parse(new TextDecoder().decode(bytes))
    else if (area === HOT) hot[page] = bytes
    else pages[area].push({ part, page, bytes })
  }
  const others = head.chunks.count + head.index.count + head.keptPieces + head.hotPieces
  const expected = head.lengths.flat().reduce((sum, n) => sum + n, others)
  if (count !== expected) throw new SnapshotRefused('torn', `it has ${count} pieces of ${expected}`)
  const { lists, ...meta }: Meta & { readonly lists: Kept } = JSON.parse(head.meta)
  const [coreMemory, intakeMemory] = pages.map((list, i) => ({ roots: head.roots[i], pages: list }))
  const held = { chunks, index, firstIndex: head.index.first, hot }
  return { meta, lists, coreMemory, intakeMemory, held, kept: kept.flat() }
}

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

function groups(kept: ReadonlyMap<string, string>): Kept[] {
  const all: [string, string][][] = []
  let room = 0
  for (const entry of kept) {
    if (room <= 0) {
      all.push([])
      room = KEPT_CHARS
    }
    all[all.length - 1].push(entry)
    room -= entry[1].length
  }
  return all
}

function join(area: number, part: number, page: number): number {
  assert(part < PART_RANGE && page < PAGE_RANGE)
  return (area * PART_RANGE + part) * PAGE_RANGE + page
}

function split(key: number): { area: number; part: number; page: number } {
  const high = Math.floor(key / PAGE_RANGE)
  return { area: Math.floor(high / PART_RANGE), part: high % PART_RANGE, page: key % PAGE_RANGE }
}
