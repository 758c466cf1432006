import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { RuleSource } from '../model/block.ts'
import { SnapshotRefused } from '../model/errors.ts'
import type { SavedState, SnapshotPiece } from '../model/ports.ts'
import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import type { LoadedHeld } from '../state/held-bytes.ts'
import type { Roots, SavedPage } from '../state/memory.ts'
import type { Core } from './core.ts'
import type { Intake } from './intake.ts'
import type { Meta } from './meta.ts'

/** Of a state's arrays. Raise it whenever the same bytes would come to mean something else. */
export const STATE_VERSION = 5

/** What a piece is a part of: the first digits of its key. 0 and 1: pages of the core's and of the intake's memory. */
export const CHUNK = 2
export const KEPT = 3
export const HOT = 4
export const INDEX = 5
const PAGE_RANGE = 2 ** 32
const PART_RANGE = 2 ** 16

/** Entries as commits keep them. */
export type Kept = readonly (readonly [key: string, value: string])[]

/** What says how the pieces fit together. */
export interface Head {
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

/** Numbers of parts that stand one after the other. */
export interface Numbers {
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
export function shapeOf(
  { hash }: RuleSet,
  streams: readonly Stream[],
  { layout, memory }: Core,
  { memory: intakeMemory }: Intake,
): string {
  const build = JSON.stringify([memory.build, layout.shape, layout.spaces.map((s) => s.stride), intakeMemory.build])
  return createHash('sha256')
    .update(JSON.stringify([STATE_VERSION, hash, streams, build]))
    .digest('hex')
}

const whole = z.int().min(0)
const numbersShape = z.object({ first: whole, count: whole })
const headShape = z.object({
  version: whole,
  shape: z.string(),
  ruleSetHash: z.string(),
  files: z.array(z.custom<RuleSource>(isFile)),
  meta: z.string(),
  roots: z.array(z.custom<Roots>(Array.isArray)).length(2),
  lengths: z.array(z.array(whole)).length(2),
  chunks: numbersShape,
  index: numbersShape,
  keptPieces: whole,
  hotPieces: whole,
})
const keptShape = z.array(z.tuple([z.string(), z.string()]))

function isFile(file: unknown): boolean {
  const { path, text } = (file ?? {}) as Partial<RuleSource>
  return typeof path === 'string' && typeof text === 'string'
}

/** SnapshotRefused when it is of another version, or none. */
export function readHead(saved: SavedState): Head {
  const head = jsonIn('head', saved.head)
  const { version } = (head ?? {}) as Partial<Head>
  if (version !== STATE_VERSION)
    throw new SnapshotRefused('version', `its state is of version ${version}, this engine reads ${STATE_VERSION}`)
  return checked('head', headShape, head)
}

function jsonIn(what: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw new SnapshotRefused('torn', `its ${what} is no JSON`, error)
  }
}

function checked<T>(what: string, shape: z.ZodType<T>, json: unknown): T {
  const { data, error } = shape.safeParse(json)
  if (!error) return data
  const [{ path, message }] = error.issues
  throw new SnapshotRefused('torn', `its ${what} is none: ${[what, ...path].join('.')}: ${message}`)
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
    if (!isOf(head, area, part, page)) throw new SnapshotRefused('torn', `it has a piece ${key}, which its head lacks`)
    count++
    if (area === CHUNK) chunks[page - head.chunks.first] = bytes
    else if (area === INDEX) index[page - head.index.first] = bytes
    else if (area === KEPT) kept[page] = checked('kept state', keptShape, jsonIn('kept state', bytes))
    else if (area === HOT) hot[page] = bytes
    else pages[area].push({ part, page, bytes })
  }
  const others = head.chunks.count + head.index.count + head.keptPieces + head.hotPieces
  const expected = head.lengths.flat().reduce((sum, n) => sum + n, others)
  if (count !== expected) throw new SnapshotRefused('torn', `it has ${count} pieces of ${expected}`)
  const { lists, ...meta } = metaIn(head)
  const [coreMemory, intakeMemory] = pages.map((list, i) => ({ roots: head.roots[i], pages: list }))
  const held = { chunks, index, firstIndex: head.index.first, hot }
  return { meta, lists, coreMemory, intakeMemory, held, kept: kept.flat() }
}

/** What the parts of a state make of it they check as they load it. */
function metaIn({ meta }: Head): Meta & { readonly lists: Kept } {
  const json = jsonIn('meta record', Buffer.from(meta))
  if (typeof json !== 'object' || json === null) throw new SnapshotRefused('torn', 'its meta record is none')
  return json as Meta & { readonly lists: Kept }
}

function isOf(
  { chunks, index, keptPieces, hotPieces, lengths }: Head,
  area: number,
  part: number,
  page: number,
): boolean {
  if (area < CHUNK) return page < (lengths[area]![part] ?? 0)
  if (part !== 0) return false
  const { first, count } =
    { [CHUNK]: chunks, [INDEX]: index, [KEPT]: allOf(keptPieces), [HOT]: allOf(hotPieces) }[area] ?? allOf(0)
  return page >= first && page < first + count
}

function allOf(count: number): Numbers {
  return { first: 0, count }
}

export function join(area: number, part: number, page: number): number {
  assert(part < PART_RANGE && page < PAGE_RANGE)
  return (area * PART_RANGE + part) * PAGE_RANGE + page
}

export function split(key: number): { area: number; part: number; page: number } {
  const high = Math.floor(key / PAGE_RANGE)
  return { area: Math.floor(high / PART_RANGE), part: high % PART_RANGE, page: key % PAGE_RANGE }
}
