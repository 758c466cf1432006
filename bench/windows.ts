import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { defaultConfig } from '../engine/config.ts'
import { FileSegments } from '../engine/edge/segments/file-segments.ts'
import { CHUNKS, PACKED } from '../engine/edge/segments/part-forms.ts'
import type { Block, RuleSource } from '../engine/model/block.ts'
import { Counters } from '../engine/model/counters.ts'
import { compileRuleSet } from '../engine/rules/index.ts'
import { Task } from '../engine/task/task.ts'
import { orders } from './events.ts'
import { type Figure, size, smoke } from './harness.ts'
import { tenRules } from './rules.ts'

const SEED = 42
const PER_SECOND = 100
/** Chunks of 4,096 events that may stay in memory though they are in files. */
const IN_MEMORY = 16

interface Measured {
  readonly perSecond: number
  readonly perCpuSecond: number
  /** Of the processor time of the task's thread alone; 0 where the system does not tell. */
  readonly perThreadSecond: number
  readonly residentMb: number
  readonly heldEvents: number
  readonly bytesPerHeldEvent: number
  readonly readsAwaited: number
  readonly worstRecordMs: number
  readonly checksum: number
}

/**
 * What a window's length costs: the same rules and events, once its windows are full. `plain`: without distinct counts,
 * whose exact state grows with the values in the window. `quiet`: no condition ever holds, whatever the window.
 */
export async function windowsBenchmark(): Promise<Figure[]> {
  const events = size(80_000, 500_000) // more than are read within a span of ids: they come again
  const figures: Figure[] = []
  for (const set of smoke ? ['plain'] : ['plain', 'ten']) {
    const cases = smoke
      ? [['1m', 'quiet']]
      : [...['1m', '1h', '24h'].map((window) => [window, 'quiet']), ['24h', 'firing']]
    for (const [window, mood] of cases) {
      const args = ['--import', 'tsx', fileURLToPath(import.meta.url), set, window, mood, `${events}`]
      const measured: Measured = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
      const { perSecond, perCpuSecond, checksum, ...parameters } = measured
      figures.push({
        benchmark: 'windows',
        case: `${set} rules, ${window}, ${mood}`,
        unit: 'events/s',
        min: perSecond,
        median: perSecond,
        max: perSecond,
        runs: 1,
        perCpuSecond,
        checksum,
        seed: SEED,
        parameters: { events, ...parameters },
      })
    }
  }
  return figures
}

/**
 * Rules of the set with both their windows that long. `firing`: with the thresholds of a window of a minute, so that in
 * 24 h most events find a condition that holds.
 */
function rulesOf(set: string, window: string, mood: string): RuleSource[] {
  const rules = tenRules(window, window, mood === 'quiet' ? 1e6 : 1)
  return set === 'ten' ? rules : rules.filter(({ text }) => !text.includes('distinct'))
}

/** The events again and again, later each time. */
function* endless(blocks: readonly Block[]): Generator<Block> {
  const last = blocks[blocks.length - 1]
  const spanMs = last.timesMs[last.length - 1] - blocks[0].timesMs[0] + 1000 / PER_SECOND
  const spanOffsets = last.offsets[last.length - 1] + 1
  for (let round = 0; ; round++) {
    for (const block of blocks) {
      yield {
        ...block,
        timesMs: block.timesMs.map((ms) => ms + round * spanMs),
        offsets: block.offsets.map((offset) => offset + round * spanOffsets),
      }
    }
  }
}

async function measure(set: string, window: string, mood: string, events: number): Promise<Measured> {
  const { streams } = defaultConfig()
  const stream = streams.find((s) => s.name === 'transactions')
  const compiled = compileRuleSet(rulesOf(set, window, mood), { streams })
  if (!stream || !compiled.ok) throw new Error('the benchmark does not compile')
  const traffic = endless(
    orders(stream, { events, keys: size(1_000, 5_000), perSecond: PER_SECOND, rows: 100, seed: SEED }),
  )
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-bench-'))
  const rows = new FileSegments(join(folder, 'rows'), IN_MEMORY, CHUNKS)
  const index = new FileSegments(join(folder, 'index'), IN_MEMORY, PACKED)
  const task = new Task({
    streams,
    counters: new Counters(),
    finite: true,
    held: () => ({ rows, index, close: () => {} }),
  })
  task.install(compiled.set)
  let checksum = 0
  const sink = { output: () => checksum++, change: () => {} }
  let position = 0
  const next = (): void => task.process({ position: position++, entry: traffic.next().value as Block }, sink)
  const hours = { '1m': 1 / 60, '1h': 1, '24h': 24 }[window] ?? 0
  const fill = Math.min(size(50_000, Number.POSITIVE_INFINITY), Math.ceil(hours * 3600 * PER_SECOND) + 20_000)
  for (let n = 0; n < fill; n += 100) {
    next()
    if (n % 2000 === 0) await turn()
  }
  const awaited = rows.counts.readsAwaited
  let worstNs = 0n
  const started = process.hrtime.bigint()
  const cpu = process.cpuUsage()
  const threadNs = threadCpuNs()
  for (let n = 0; n < events; n += 100) {
    const before = process.hrtime.bigint()
    next()
    const took = process.hrtime.bigint() - before
    if (took > worstNs) worstNs = took
    if (n % 2000 === 0) await turn()
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  const used = process.cpuUsage(cpu)
  const threadSeconds = (threadCpuNs() - threadNs) / 1e9
  globalThis.gc?.()
  const result = {
    perSecond: Math.round(events / seconds),
    perCpuSecond: Math.round(events / ((used.user + used.system) / 1e6)),
    perThreadSecond: threadSeconds > 0 ? Math.round(events / threadSeconds) : 0,
    residentMb: Math.round(process.memoryUsage().rss / 2 ** 20),
    heldEvents: task.gauges.heldEvents,
    bytesPerHeldEvent:
      Math.round((10 * (rows.counts.writtenBytes + index.counts.writtenBytes)) / (rows.counts.written * 4096)) / 10,
    readsAwaited: rows.counts.readsAwaited - awaited,
    worstRecordMs: Number(worstNs / 10_000n) / 100,
    checksum,
  }
  rows.close()
  index.close()
  rmSync(folder, { recursive: true, force: true })
  return result
}

/** Processor time of the main thread so far, as Linux tells it. */
function threadCpuNs(): number {
  const path = `/proc/self/task/${process.pid}/schedstat`
  return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[0]) : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , set, window, mood, events] = process.argv
  console.log(JSON.stringify(await measure(set, window, mood, Number(events))))
}
