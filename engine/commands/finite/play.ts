import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HeldFolder } from '../../edge/segments/held-folder.ts'
import { oldestMs } from '../../model/batch.ts'
import { type Batch, markAll } from '../../model/block.ts'
import { Counters } from '../../model/counters.ts'
import { DEFAULT_LIMITS, type Limits } from '../../model/limits.ts'
import type { Output } from '../../model/output.ts'
import { isFed, type RuleSet } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { finish, step } from '../../task/step.ts'
import { Task } from '../../task/task.ts'
import type { Until } from './input.ts'
import { spansOf } from './spans.ts'
import type { InputFaults } from './summary.ts'

/** Something finite to read: a file, or a stretch of a log. */
export interface PlayInput extends InputFaults {
  batches(): AsyncIterable<Batch>
  /** Of it, what was read so far; null while that is unknown. */
  readonly share: number | null
}

export interface FinitePlay {
  readonly input: PlayInput
  readonly streams: readonly Stream[]
  readonly set: RuleSet
  readonly until: Until
  readonly measures: boolean
  /** Default: DEFAULT_LIMITS. */
  readonly limits?: Limits
  /** Told of the rows read so far, batch by batch, and of the time of the newest one. */
  readonly onProgress?: (rows: number, timeMs: number) => void
  readonly onBatch?: (batch: Batch) => void
}

export interface Played {
  readonly counters: Counters
  /** Rows read, dropped ones included. */
  readonly rows: number
  readonly tookMs: number
  /** Of that, what the task took. */
  readonly taskMs: number
  /** The smallest event time, and the largest; NaN without events. */
  readonly fromMs: number
  readonly toMs: number
}

/**
 * One finite input through a fresh engine. `take` gets the outputs batch by batch and says whether it wants more: a
 * reader that has gone away ends it.
 */
export async function playFinite(
  play: FinitePlay,
  take: (outputs: readonly Output[]) => Promise<boolean>,
): Promise<Played> {
  const limits = play.limits ?? DEFAULT_LIMITS
  const folder = new HeldFolder(mkdtempSync(join(tmpdir(), 'lapwing-held-')), limits.eventsInMemory)
  try {
    return await playIn(folder, { ...play, limits }, take)
  } finally {
    folder.close()
  }
}

async function playIn(
  folder: HeldFolder,
  { input, streams, set, until, measures, limits, onProgress, onBatch }: FinitePlay & { readonly limits: Limits },
  take: (outputs: readonly Output[]) => Promise<boolean>,
): Promise<Played> {
  const counters = new Counters()
  const task = new Task({
    streams,
    counters,
    finite: true,
    commits: false,
    heldFields: 'read',
    measures,
    limits,
    held: () => folder.open(),
  })
  task.install(set)
  const feedsLists = set.lists.some(isFed)
  let [rows, position, taskMs] = [0, 0, 0]
  let [fromMs, toMs] = [Number.NaN, Number.NaN]
  const beganAt = performance.now()
  const played = () => ({ counters, rows, tookMs: performance.now() - beganAt, taskMs, fromMs, toMs })
  for await (const batch of input.batches()) {
    onBatch?.(batch)
    const from = performance.now()
    const entries = feedsLists ? spansOf(batch) : [batch]
    const { outputs } = step(task, entries.map((entry) => ({ position: position++, entry }))) // biome-ignore format: one step
    taskMs += performance.now() - from
    fromMs = Math.min(rows === 0 ? Number.POSITIVE_INFINITY : fromMs, oldestMs(batch))
    toMs = task.streamMs
    rows += batch.length
    onProgress?.(rows, task.streamMs)
    if (outputs.length > 0 && !(await take(outputs))) return played()
  }
  const stopped = typeof until === 'number' ? step(task, [{ position, entry: markAll(until) }]).outputs : []
  await take([...stopped, ...finish(task, until === 'drained' ? 'drained' : 'last')])
  return played()
}
