import { setImmediate as turn } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { Prng } from '../../engine/kit/prng.ts'
import { mutated } from './bytes.ts'
import type { Range } from './fuzz.ts'

/** A decoder of foreign bytes. */
export interface Target {
  /** Small, and as they are written in earnest. */
  readonly seeds: readonly Buffer[]
  /** Of texts: what else may stand in the place of a word. */
  readonly words?: readonly string[]
  /** Makes sizes and checksums right again, so that more is read of the bytes. In place. */
  repair?(bytes: Buffer): void
  /** Reads all of it. A throw that is not `named`, or a fault that a target finds in what was read, is a failure. */
  read(bytes: Buffer): Reading | Promise<Reading>
  /** What a decoder may throw, in words; null: it may not. */
  named(error: unknown): string | null
}

export interface Reading {
  /** Records, rows or items. */
  readonly count: number
  /** What they are, as a text or a number: the same bytes must give the same. */
  readonly digest: string | number
}

export interface FuzzedBytes {
  runs: number
  /** Inputs that were read without an error. */
  sound: number
  count: number
  /** What failed, with the number of the case. */
  readonly failures: string[]
  /** Named errors by what is said before the first figure. */
  readonly faults: Record<string, number>
  slowestMs: number
  slowest: number
  /** Most memory that reading one input added, heap and buffers. */
  bytesMax: number
}

const SLOW_MS = 1_000
/** Inputs have a few KB. */
const MEMORY_BYTES_MAX = 64 << 20
const CASES_A_TURN = 256
const FAULTS_MAX = 200
const REPAIRED = 0.9
const AROUND_BYTES = 64

/** The i-th broken copy that belongs to a seed: depends on nothing else but the target's seeds. */
export function brokenCopy({ seeds, words = [], repair }: Target, seed: number, i: number): Buffer<ArrayBuffer> {
  const random = new Prng(Math.imul(seed, 0x9e3779b1) ^ i)
  const bytes = mutated(seeds, words, random)
  if (random.next() < REPAIRED) repair?.(bytes)
  return bytes
}

/** Reads the broken copies `from` to `to` of a seed. `before` is told the number of each case before it is read. */
export async function fuzzBytes(
  target: Target,
  { seed, from, to }: Range,
  before: (i: number, soFar: FuzzedBytes) => void = () => {},
): Promise<FuzzedBytes> {
  const all: FuzzedBytes = {
    ...{ runs: 0, sound: 0, count: 0, failures: [], faults: {} },
    ...{ slowestMs: 0, slowest: from, bytesMax: 0 },
  }
  for (let i = from; i < to; i++) {
    before(i, all)
    const failure = await check(target, brokenCopy(target, seed, i), i, all)
    if (failure !== null) all.failures.push(`case ${i}: ${failure}`)
    all.runs += 1
    if (i % CASES_A_TURN === 0) await turn() // a failed gunzip keeps its buffer until then
  }
  return all
}

/**
 * What is wrong with how `bytes` were read, or null. They are read twice: alone, then among others, which shows whether
 * anything behind their end is read.
 */
async function check(target: Target, bytes: Buffer<ArrayBuffer>, i: number, all: FuzzedBytes): Promise<string | null> {
  const held = memoryBytes()
  const began = process.cpuUsage()
  const first = await outcome(target, Buffer.from(new Uint8Array(bytes).buffer), all)
  const { user, system } = process.cpuUsage(began)
  const ms = (user + system) / 1_000 // of processor time: the machine's other work is not the decoder's
  const grown = memoryBytes() - held
  if (ms > all.slowestMs) [all.slowestMs, all.slowest] = [ms, i]
  all.bytesMax = Math.max(all.bytesMax, grown)
  if (ms > SLOW_MS) return `took ${Math.round(ms)} ms of processor time`
  if (grown > MEMORY_BYTES_MAX) return `took ${grown >> 20} MB of memory`
  if ('failure' in first) return first.failure
  const around = Buffer.alloc(bytes.length + AROUND_BYTES, 0xa5)
  const at = 8 + (i % 16)
  bytes.copy(around, at)
  const second = await outcome(target, around.subarray(at, at + bytes.length), null)
  if ('failure' in second) return `the second time: ${second.failure}`
  return first.said === second.said ? null : `two answers:\n${first.said}\n${second.said}`
}

async function outcome(
  target: Target,
  bytes: Buffer,
  all: FuzzedBytes | null,
): Promise<{ said: string | number } | { failure: string }> {
  try {
    const { count, digest } = await target.read(bytes)
    if (all) {
      all.sound += 1
      all.count += count
    }
    return { said: digest }
  } catch (error) {
    const said = target.named(error)
    if (said === null) return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    const kind = said.split(/\d/)[0].slice(0, 60)
    if (all && (kind in all.faults || Object.keys(all.faults).length < FAULTS_MAX))
      all.faults[kind] = (all.faults[kind] ?? 0) + 1
    return { said }
  }
}

function memoryBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}
