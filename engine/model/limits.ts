/** How large a task's state may grow. What happens there: docs/semantics.md, "Limits". */
export interface Limits {
  /** Keys of one key space: what rules with the same `by` share. */
  readonly keys: number
  /** Values remembered one by one, over all keys: pairs of distinct counts, tallies, buckets of percentiles. */
  readonly values: number
  /** Events of one key that suspects or evidence look back over at a time. */
  readonly eventsPerKey: number
  readonly openAlerts: number
  /** Timers of sequences that are still to fire. */
  readonly timers: number
  /** Events that change no more and stay in memory; the others are in files, where there are any. */
  readonly eventsInMemory: number
}

export const DEFAULT_LIMITS: Limits = {
  keys: 5_000_000,
  values: 20_000_000,
  eventsPerKey: 100_000,
  openAlerts: 100_000,
  timers: 1_000_000,
  eventsInMemory: 262_144,
}
