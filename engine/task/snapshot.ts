import type { SnapshotPiece, SnapshotSource } from '../model/ports.ts'
import type { HeldBytes, HeldPart } from '../state/held-bytes.ts'
import type { Memory, Pass } from '../state/memory.ts'
import type { Meta } from './meta.ts'
import {
  CHUNK,
  type Head,
  HOT,
  INDEX,
  join,
  KEPT,
  type Kept,
  type Numbers,
  STATE_VERSION,
  split,
} from './snapshot-pieces.ts'

const KEPT_CHARS = 1 << 18
/** Packing a value takes as long as copying so many bytes. */
const BYTES_A_VALUE = 128

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
