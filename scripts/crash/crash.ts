import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Prng } from '../../engine/kit/prng.ts'
import { Traffic } from '../../engine/traffic/traffic.ts'
import { copyLog, differences, outputsOf, progressOf, repeated } from './compare.ts'
import { feedPaced, type Process, runEngine } from './processes.ts'

/** What a process takes to start, roughly: the feeding lasts about as long as the killing. */
const START_MS = 4_500

export interface CrashOptions {
  /** An empty folder. */
  readonly folder: string
  readonly times: number
  readonly seed: number
  readonly minutes: number
  readonly ordersPerSecond: number
  /** The moment of each kill lies within so long after the start of the process, ms. */
  readonly lifeMs: number
  readonly log: (line: string) => void
}

export interface CrashResult {
  readonly ok: boolean
  readonly seed: number
  readonly kills: number
  /** Kills that came after the first commit of their process. */
  readonly killsAtWork: number
  readonly events: number
  readonly eventsInLog: number
  readonly records: number
  readonly alertRecords: number
  readonly rankings: number
  readonly repeated: readonly string[]
  /** What the run with crashes and the undisturbed one over the same log do not share. */
  readonly differences: readonly string[]
  readonly seconds: number
}

/**
 * Feeds seeded traffic to a log while engines on it are killed (SIGKILL) at random moments, until all is read; then lets
 * an undisturbed engine read the same log. Both must have put out the same, each record once.
 */
export async function crashTest(options: CrashOptions): Promise<CrashResult> {
  const { folder, times, seed, lifeMs, log } = options
  const beganAt = performance.now()
  const data = join(folder, 'crashed')
  mkdirSync(data, { recursive: true })
  const { file, events } = writeTraffic(options)
  const prng = new Prng(seed)
  const feeding = feedPaced(file, data, times * (START_MS + lifeMs / 2))
  let killsAtWork = 0
  for (let kill = 1; kill <= times; kill++) {
    const engine = runEngine(data)
    const before = progressOf(data).committed
    await engine.started
    await sleep(prng.between(0, lifeMs))
    await engine.kill()
    const { committed, last } = progressOf(data)
    if (committed > before) killsAtWork += 1
    log(`kill ${kill} of ${times}: committed ${committed} of ${last} records`)
  }
  await feeding
  await readToEnd(runEngine(data), data)
  const calm = join(folder, 'calm')
  const copied = copyLog(data, calm)
  await readToEnd(runEngine(calm), calm)
  const [made, expected] = [outputsOf(data), outputsOf(calm)]
  const result = {
    seed,
    kills: times,
    killsAtWork,
    events,
    eventsInLog: copied.events,
    records: copied.records,
    alertRecords: made.filter((o) => o.kind === 'alert').length,
    rankings: made.filter((o) => o.kind === 'ranking').length,
    repeated: repeated(made),
    differences: differences(made, expected),
    seconds: Math.round((performance.now() - beganAt) / 1_000),
  }
  const ok = result.repeated.length === 0 && result.differences.length === 0 && result.eventsInLog === events
  return { ok, ...result }
}

/** Up to now, so that the engine marks time at its end. */
function writeTraffic({ folder, seed, minutes, ordersPerSecond }: CrashOptions): { file: string; events: number } {
  const nowMs = Date.now()
  const events = new Traffic({ seed, startMs: nowMs - minutes * 60_000, ordersPerSecond }).events(nowMs)
  const file = join(folder, 'traffic.jsonl')
  writeFileSync(file, events.map(({ stream, label, ...fields }) => `${JSON.stringify(fields)}\n`).join(''))
  return { file, events: events.length }
}

async function readToEnd(engine: Process, data: string): Promise<void> {
  await engine.started
  for (;;) {
    const { committed, last } = progressOf(data)
    if (committed >= last) break
    await engine.alive()
    await sleep(50)
  }
  await engine.stop()
}
