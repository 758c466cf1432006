import { Stalls } from '../../model/stalls.ts'
import type { Gauge } from '../../model/telemetry.ts'

export interface Progress {
  readonly partition: string
  readonly committed: number
  readonly waits: boolean
  /** Why its last attempt failed, where that is known. */
  readonly failing?: string | null
}

/** Watches the partitions of a service, over all its lives: where one does not move, it is not ready. */
export class ProgressWatch {
  readonly #stalls = new Stalls()
  readonly #failing = new Map<string, string | null>()
  readonly #now: () => number

  /** `now`: ms, of a clock that only rises. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  observe(all: Iterable<Progress>): void {
    for (const { partition, committed, waits, failing = null } of all) {
      this.#stalls.observe(partition, committed, waits, this.#now())
      this.#failing.set(partition, failing)
    }
  }

  /** Others are somebody else's now. */
  keep(partitions: ReadonlySet<string>): void {
    this.#stalls.keep(partitions)
    for (const name of this.#failing.keys()) if (!partitions.has(name)) this.#failing.delete(name)
  }

  /** Which partition does not move, for how long, and why; null = all do. */
  trouble(): string | null {
    const worst = this.#stalls.worst(this.#now())
    if (!worst) return null
    const reason = this.#failing.get(worst.partition)
    const since = `${Math.floor(worst.ms / 1e3)} s`
    return `partition ${worst.partition} has not moved for ${since}, and records wait${reason ? `: ${reason}` : ''}`
  }

  gauges(): Gauge[] {
    return [...this.#stalls.ages(this.#now())].map(([partition, ms]) => {
      return { name: 'partition_stalled_seconds', labels: { partition }, value: ms / 1e3 }
    })
  }
}
