import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FolderSnapshots } from '../engine/edge/snapshots/folder-snapshots.ts'
import type { Task } from '../engine/task/task.ts'
import { type Figure, size, threadMs } from './harness.ts'
import { filledTask, keysTask, Orders } from './keys.ts'

const EVENTS_A_RECORD = 100

/**
 * Snapshots of a task with very many keys while records of random keys go on, as the service takes them: how long they
 * hold the task, how long a record takes meanwhile, what they write, and how long a restore takes. Durations of whole
 * snapshots and of restores are those of the clock, all others those of the thread.
 */
export async function snapshotBenchmark(): Promise<Figure[]> {
  const keys = size(20_000, 1_000_000)
  const orders = new Orders()
  const task = filledTask(keys, orders)
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-bench-'))
  try {
    const store = new FolderSnapshots(folder, 'bench')
    await store.save(0, task.beginSnapshot(true))
    const filled = { heldEvents: task.gauges.heldEvents, seconds: await restores(folder) }
    const traffic = new Traffic(task, orders, keys)
    traffic.run(size(100, 5_000)) // to be compared with
    const calm = traffic.takeTimes()
    const full = await snapshot(task, store, traffic, true)
    traffic.run(100)
    traffic.takeTimes()
    const changed = await snapshot(task, store, traffic, false)
    const later = { heldEvents: task.gauges.heldEvents, seconds: await restores(folder) }
    const parameters = { keys, 'events a record': EVENTS_A_RECORD }
    const figure = (name: string, unit: string, values: readonly number[]): Figure => {
      const sorted = [...values].sort((a, b) => a - b)
      const spread = { min: sorted[0], median: sorted[sorted.length >> 1], max: sorted[sorted.length - 1] }
      const rounded = Object.fromEntries(Object.entries(spread).map(([k, v]) => [k, Math.round(v * 100) / 100]))
      return {
        benchmark: 'snapshot',
        case: name,
        unit,
        ...(rounded as typeof spread),
        runs: values.length,
        checksum: keys,
        seed: 42,
        parameters,
      }
    }
    return [
      figure('record, no snapshot', 'ms', calm),
      figure('record, p99.99, no snapshot', 'ms', [quantile(calm, 0.9999)]),
      ...[full, changed].flatMap((s) => [
        figure(`${s.name}: record meanwhile`, 'ms', s.records),
        figure(`${s.name}: record meanwhile, p99.99`, 'ms', [quantile(s.records, 0.9999)]),
        figure(`${s.name}: hold of the task`, 'ms', s.holds),
        figure(`${s.name}: size`, 'MB', [s.bytes / 1e6]),
        figure(`${s.name}: duration`, 's', [s.ms / 1e3]),
      ]),
      ...[filled, later].map(({ heldEvents, seconds }) => ({
        ...figure(`restore, ${(heldEvents / 1e6).toFixed(1)} M events held`, 's', seconds),
        parameters: { ...parameters, heldEvents },
      })),
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

class Traffic {
  readonly #task: Task
  readonly #orders: Orders
  readonly #keys: number
  #position = 1_000_000
  #times: number[] = []

  constructor(task: Task, orders: Orders, keys: number) {
    this.#task = task
    this.#orders = orders
    this.#keys = keys
  }

  run(records: number): void {
    const sink = { output: () => {}, change: () => {} }
    for (let i = 0; i < records; i++) {
      const entry = this.#orders.block(EVENTS_A_RECORD, (_, random) => Math.floor(random * this.#keys))
      const beganAt = threadMs()
      this.#task.process({ position: this.#position++, entry }, sink)
      this.#times.push(threadMs() - beganAt)
    }
  }

  /** Milliseconds of each record since the last asking. */
  takeTimes(): number[] {
    const times = this.#times
    this.#times = []
    return times
  }
}

async function snapshot(task: Task, store: FolderSnapshots, traffic: Traffic, full: boolean) {
  const beganAt = performance.now()
  const startedAt = threadMs()
  let saving = true
  const saved = store.save(1, task.beginSnapshot(full)).finally(() => {
    saving = false
  })
  const holds = [threadMs() - startedAt]
  while (saving) {
    traffic.run(1)
    const from = threadMs()
    await new Promise(setImmediate)
    holds.push(threadMs() - from)
  }
  const { bytes } = await saved
  const name = full ? 'full' : 'of what changed'
  return { name, holds, bytes, ms: performance.now() - beganAt, records: traffic.takeTimes() }
}

/** Seconds by the clock, of several runs. */
async function restores(folder: string): Promise<number[]> {
  const seconds: number[] = []
  for (let run = 0; run < size(1, 5); run++) {
    const beganAt = performance.now()
    const store = new FolderSnapshots(folder, 'bench')
    const [newest] = await store.candidates(1, (refusal) => {
      throw refusal
    })
    keysTask().restore(newest.read())
    seconds.push((performance.now() - beganAt) / 1e3)
  }
  return seconds
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
