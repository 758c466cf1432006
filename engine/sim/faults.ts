import { Prng } from '../kit/prng.ts'
import type { LogRecord } from '../model/block.ts'
import type { Output } from '../model/output.ts'
import type { SavedState, Sink } from '../model/ports.ts'
import { finish, rebuild, step } from '../task/step.ts'
import type { Task } from '../task/task.ts'
import { snapshotOf } from '../task/testing.ts'
import { apart, firstDifference } from './compare.ts'
import { deliveredAgain, withClockJumps } from './faulty-router.ts'
import { freshTask } from './fresh-task.ts'
import { type Case, recordsOf } from './generate.ts'
import { type CommitFault, Crash, SimulatedLog } from './simulated-log.ts'

const BATCH_MAX = 5
const SNAPSHOTS_MAX = 3

/** How a run with faults went. */
export interface Ordeal {
  readonly outputs: readonly Output[]
  readonly crashes: number
  readonly tornSnapshots: number
  readonly restored: number
  readonly rebuilt: number
}

/** A snapshot as the disk gives it back. */
interface Saved {
  readonly position: number
  readonly state: SavedState
  readonly isTorn: boolean
}

/** The outputs of a run in which nothing goes wrong. */
function undisturbed(c: Case, records: readonly LogRecord[]): Output[] {
  const task = freshTask(c)
  return [...records.flatMap((record) => step(task, [record]).outputs), ...finish(task, c.until)]
}

/** The case as `faultSeed` has it: clocks that jump, and the log of a router that repeats itself. */
export function troubled(calm: Case): { c: Case; records: LogRecord[]; random: Prng } {
  const random = new Prng(calm.faultSeed)
  const c = random.next() < 0.5 ? withClockJumps(calm, random) : calm
  return { c, records: deliveredAgain(c, random), random }
}

export function endure(calm: Case): Promise<Ordeal> {
  const { c, records, random } = troubled(calm)
  return new Survivor(c, records, random).run()
}

/**
 * What a run with faults commits that an undisturbed one over the same log does not, in words; null when they agree.
 * A single source partition stands in the log in one order only: then repetitions must make no difference either.
 */
export async function faultDifference(calm: Case): Promise<string | null> {
  const { c, records } = troubled(calm)
  const expected = apart(undisturbed(c, records))
  const { outputs } = await endure(calm)
  const difference = firstDifference(expected, apart(outputs))
  if (difference) return `with faults: ${difference}`
  const sources = new Set(c.entries.map((e) => (e.kind === 'mark' ? e.sourcePartition : e.partition)))
  if (sources.size > 1) return null
  const repeated = firstDifference(apart(undisturbed(c, recordsOf(c))), expected)
  return repeated && `with repetitions: ${repeated}`
}

/** One task over one log, with crashes before, in and after commits, and snapshots of which some are torn. */
class Survivor {
  readonly #case: Case
  readonly #random: Prng
  readonly #log: SimulatedLog
  #task: Task
  #position = -1
  #saved: Saved[] = []
  crashes = 0
  tornSnapshots = 0
  restored = 0
  rebuilt = 0

  constructor(c: Case, records: readonly LogRecord[], random: Prng) {
    this.#case = c
    this.#random = random
    this.#log = new SimulatedLog(records)
    this.#task = freshTask(c)
  }

  async run(): Promise<Ordeal> {
    const random = this.#random
    for (;;) {
      const records = this.#log.next(this.#position, 1 + random.int(BATCH_MAX))
      if (records.length === 0) break
      const faults: CommitFault[] = ['before', 'in', 'after']
      this.#log.fault = random.next() < 0.15 ? faults[random.int(3)]! : null
      try {
        await this.#log.commit(step(this.#task, records))
        this.#position = records.at(-1)!.position
        if (random.next() < 0.2) this.#snapshot()
      } catch (error) {
        if (!(error instanceof Crash)) throw error
        this.crashes++
        await this.#recover()
      }
    }
    const ending = finish(this.#task, this.#case.until)
    const { crashes, tornSnapshots, restored, rebuilt } = this
    return { outputs: [...this.#log.outputs, ...ending], crashes, tornSnapshots, restored, rebuilt }
  }

  #snapshot(): void {
    const saved = { position: this.#position, state: snapshotOf(this.#task), isTorn: this.#random.next() < 0.4 }
    this.#saved = [...this.#saved, saved].slice(-SNAPSHOTS_MAX)
  }

  /** The newest snapshot that is whole, and on from there without a word; else the log, and what the commits kept. */
  async #recover(): Promise<void> {
    const { position } = await this.#log.committed()
    for (const saved of [...this.#saved].reverse()) {
      if (saved.isTorn) {
        this.tornSnapshots++ // the store knows by its checksum
        continue
      }
      this.#task = freshTask(this.#case)
      this.#task.restore(saved.state)
      this.restored++
      const silent: Sink = { output: () => {}, change: () => {} }
      for (const record of this.#log.next(saved.position, Number.POSITIVE_INFINITY))
        if (record.position <= position) this.#task.process(record, silent)
      this.#task.flush(silent)
      this.#position = position
      return
    }
    this.#saved = []
    this.#task = freshTask(this.#case)
    this.#position = await rebuild(this.#task, this.#log)
    this.rebuilt++
  }
}
