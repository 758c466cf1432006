/** Records may wait so long for a commit that takes them before it is trouble: twice what a merge waits for a partition. */
const STALL_MS_MAX = 60_000

interface Seen {
  position: number
  /** Since when records wait behind `position`; null = none do. */
  sinceMs: number | null
}

/** Partitions that do not move: records wait, and the committed position stays where it is. Clocks come from outside, ms. */
export class Stalls {
  readonly #seen = new Map<string, Seen>()

  /** What is known of a partition now: its committed position, and whether records wait behind it. */
  observe(partition: string, position: number, waits: boolean, nowMs: number): void {
    const seen = this.#seen.get(partition)
    if (seen && waits && seen.position === position) seen.sinceMs ??= nowMs
    else this.#seen.set(partition, { position, sinceMs: waits ? nowMs : null })
  }

  /** Only those are still here. */
  keep(partitions: ReadonlySet<string>): void {
    for (const name of this.#seen.keys()) if (!partitions.has(name)) this.#seen.delete(name)
  }

  /** For how long each has not moved; 0 = nothing waits, or it has just moved. */
  *ages(nowMs: number): Generator<readonly [partition: string, ms: number]> {
    for (const [name, { sinceMs }] of this.#seen) yield [name, sinceMs === null ? 0 : nowMs - sinceMs]
  }

  /** The one that has stood still longest, where that is too long. */
  worst(nowMs: number): { readonly partition: string; readonly ms: number } | null {
    let worst: { partition: string; ms: number } | null = null
    for (const [partition, ms] of this.ages(nowMs)) if (ms > (worst?.ms ?? STALL_MS_MAX)) worst = { partition, ms }
    return worst
  }
}
