import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AbortedFilter } from '../../engine/edge/kafka/fetch/aborted.ts'
import { codecsReady } from '../../engine/edge/kafka/fetch/codecs.ts'
import { crc32c } from '../../engine/edge/kafka/fetch/crc32c.ts'
import { batchEnd, RecordBatch } from '../../engine/edge/kafka/fetch/record-batch.ts'
import { packagePath } from '../../engine/kit/package-path.ts'
import { Prng } from '../../engine/kit/prng.ts'
import { LogCorrupt } from '../../engine/model/errors.ts'
import type { Range } from './fuzz.ts'

await codecsReady()
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const SLOW_MS = 1_000
/** What a batch may unpack to here: little, so that a decoder that goes beyond it is seen. */
const UNPACKED_BYTES_MAX = 1 << 20
const MEMORY_BYTES_MAX = 256 << 20
const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd', 'transactions']
const BORDERS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]

export interface FuzzedBatches {
  runs: number
  /** Cases whose batches could all be read. */
  sound: number
  records: number
  /** What failed, with the number of the case: any other throw, a place outside of the bytes, too much memory or time. */
  readonly failures: string[]
  /** Faults by what is said before the first figure. */
  readonly faults: Record<string, number>
  slowestMs: number
  slowest: number
  /** Most bytes of buffers in use, seen every 256 cases. */
  bufferBytesMax: number
}

export function goodBatches(): Buffer[] {
  return NAMES.map((name) => readFileSync(packagePath(`engine/edge/kafka/fetch/testdata/fixture-${name}.bin`)))
}

/** The i-th broken copy that belongs to a seed. Most have a right length and checksum again, so that more is read of them. */
export function brokenBatch(good: readonly Buffer[], seed: number, i: number): Buffer {
  const random = new Prng(Math.imul(seed, 0x9e3779b1) ^ i)
  let bytes = Buffer.from(good[random.int(good.length)])
  for (let k = 1 + random.int(3); k > 0; k--) bytes = mutate(bytes, good, random)
  if (random.next() < 0.9) repair(bytes)
  return bytes
}

/** Reads the broken copies `from` to `to` of a seed. `before` is told the number of each case before it is read. */
export async function fuzzBatches(
  { seed, from, to }: Range,
  before: (i: number, soFar: FuzzedBatches) => void = () => {},
): Promise<FuzzedBatches> {
  const good = goodBatches()
  const all: FuzzedBatches = {
    ...{ runs: 0, sound: 0, records: 0, failures: [], faults: {} },
    ...{ slowestMs: 0, slowest: from, bufferBytesMax: 0 },
  }
  for (let i = from; i < to; i++) {
    before(i, all)
    const bytes = brokenBatch(good, seed, i)
    const began = process.cpuUsage()
    const failure = read(bytes, all)
    const { user, system } = process.cpuUsage(began)
    const ms = (user + system) / 1_000
    if (ms > all.slowestMs) [all.slowestMs, all.slowest] = [ms, i]
    if (failure !== null) all.failures.push(`case ${i}: ${failure}`)
    else if (ms > SLOW_MS) all.failures.push(`case ${i}: took ${Math.round(ms)} ms of processor time`)
    if (i % 256 === 0) await turn() // a failed gunzip keeps its buffer until then
    if (i % 256 === 0) all.bufferBytesMax = Math.max(all.bufferBytesMax, bufferBytes())
    all.runs += 1
  }
  if (all.bufferBytesMax > MEMORY_BYTES_MAX) all.failures.push(`${all.bufferBytesMax} bytes of memory`)
  return all
}

/** What is wrong with how `bytes` was read, or null. */
function read(bytes: Buffer, all: FuzzedBatches): string | null {
  const filter = new AbortedFilter([{ producerId: 6, firstOffset: 0 }])
  try {
    for (let at = 0, end = batchEnd(bytes, 0); end >= 0; at = end, end = batchEnd(bytes, at)) {
      const batch = new RecordBatch(bytes, at, end, 'fuzz/0')
      filter.drops(batch)
      const unpacked = batch.unpack(UNPACKED_BYTES_MAX).length
      if (unpacked > Math.max(UNPACKED_BYTES_MAX, batch.sizeBytes)) return `unpacked to ${unpacked} bytes`
      for (const cursor = batch.cursor(); cursor.next(); all.records++) {
        const { keyStart, keyEnd, valueStart, valueEnd, offset } = cursor
        if (keyEnd !== -1 && !(keyStart <= keyEnd && keyEnd <= unpacked)) return `key ${keyStart} to ${keyEnd}`
        if (valueEnd !== -1 && !(valueStart <= valueEnd && valueEnd <= unpacked)) return `value to ${valueEnd}`
        if (!(offset >= batch.baseOffset && offset <= batch.lastOffset)) return `offset ${offset}`
        cursor.headers()
      }
    }
    all.sound += 1
    return null
  } catch (error) {
    if (!(error instanceof LogCorrupt)) return error instanceof Error ? (error.stack ?? error.message) : String(error)
    const kind = error.reason.split(/\d/)[0]
    all.faults[kind] = (all.faults[kind] ?? 0) + 1
    return null
  }
}

/** Of buffers; where there are many, without those that nobody uses any more. */
function bufferBytes(): number {
  const bytes = process.memoryUsage().arrayBuffers
  if (bytes < MEMORY_BYTES_MAX / 4) return bytes
  collect()
  return process.memoryUsage().arrayBuffers
}

function mutate(bytes: Buffer, good: readonly Buffer[], random: Prng): Buffer<ArrayBuffer> {
  // a third of them in the headers and the first records
  const at = random.int(random.next() < 0.3 ? Math.min(120, bytes.length + 1) : bytes.length + 1)
  const length = random.int(16)
  const copy = Buffer.from(bytes)
  switch (random.int(7)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + 8 * length), bytes.subarray(at)])
    case 2: {
      const other = good[random.int(good.length)]
      const from = random.int(other.length)
      return Buffer.concat([
        bytes.subarray(0, at),
        other.subarray(from, from + 4 * length),
        bytes.subarray(at + length),
      ])
    }
    case 3:
      return Buffer.from(bytes.subarray(0, Math.max(at, 61)))
    case 4: {
      const border = BORDERS[random.int(BORDERS.length)]
      if (at + 4 <= copy.length) random.next() < 0.5 ? copy.writeUInt32BE(border, at) : copy.writeUInt32LE(border, at)
      return copy
    }
    case 5:
      for (let i = at; i < Math.min(at + length, copy.length); i++) copy[i] = random.int(256)
      return copy
    default:
      if (at < copy.length) copy[at] ^= 1 << random.int(8)
      return copy
  }
}

/** Makes the first batch fill the bytes, where there is but one, and its checksum right. */
function repair(bytes: Buffer): void {
  if (bytes.length < 61) return
  let end = 12 + bytes.readInt32BE(8)
  if (end < 61 || end > bytes.length || end + 61 > bytes.length) {
    end = bytes.length
    bytes.writeInt32BE(end - 12, 8)
  }
  bytes.writeUInt32BE(crc32c(bytes, 21, end), 17)
}
