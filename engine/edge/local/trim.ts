import type { Sqlite } from './database.ts'

const ROWS_MAX = 2_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/**
 * The clock that outputs age by follows the wall clock so many times as fast as time goes by: a clock that jumps weeks ahead
 * for a while deletes nothing, and what became old while no engine ran goes within days.
 */
const AGEING = 10

/** How long outputs are kept: rankings are many, and an old one is of little use. */
const OUTPUT_AGES_MS: readonly (readonly [topics: string, ageMs: number])[] = [
  ["topic = 'rankings'", DAY_MS],
  ["topic <> 'rankings'", 7 * DAY_MS],
]

export interface Trimmed {
  readonly records: number
  readonly outputs: number
  /** There may be more to delete at once. */
  readonly more: boolean
}

/** Deletes what nobody needs any more, at most 2,000 rows of each kind a call. */
export class Trimmer {
  readonly #statements
  readonly #run: (committed: number, beforeMs: number, outputsNowMs: number) => Trimmed
  readonly #elapsedMs: () => number
  /** When it last looked at the wall clock, ms of `elapsedMs`. */
  #lookedAtMs: number

  /** `elapsedMs`: a clock that nobody sets. */
  constructor(db: Sqlite, elapsedMs: () => number = () => performance.now()) {
    this.#elapsedMs = elapsedMs
    this.#lookedAtMs = elapsedMs()
    this.#statements = {
      last: db.prepare<[number, number], { position: number; stream_ms: number }>(
        `SELECT position, stream_ms FROM (SELECT position, stream_ms FROM log ORDER BY position LIMIT ${ROWS_MAX})
           WHERE position <= ? AND stream_ms < ? ORDER BY position DESC LIMIT 1`,
      ),
      records: db.prepare('DELETE FROM log WHERE position <= ?'),
      trimmedTo: db.prepare(
        "INSERT INTO meta VALUES ('trimmed_stream_ms', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      ),
      agedTo: db.prepare<[], number>("SELECT value FROM meta WHERE name = 'outputs_aged_to_ms'").pluck(),
      newest: db.prepare<[], number | null>('SELECT max(committed_ms) FROM outputs').pluck(),
      ageTo: db.prepare(
        "INSERT INTO meta VALUES ('outputs_aged_to_ms', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      ),
      outputs: OUTPUT_AGES_MS.map(([topics, ageMs]) => ({
        ageMs,
        run: db.prepare(
          `DELETE FROM outputs WHERE ${topics} AND committed_ms < ?
           AND seq <= (SELECT min(seq) FROM outputs WHERE ${topics}) + ${ROWS_MAX}`,
        ),
      })),
    }
    this.#run = db.transaction((committed: number, beforeMs: number, outputsNowMs: number): Trimmed => {
      const last = this.#statements.last.get(committed, beforeMs)
      const records = last ? this.#statements.records.run(last.position).changes : 0
      if (last) this.#statements.trimmedTo.run(last.stream_ms)
      const outputs = this.#statements.outputs.map(({ ageMs, run }) => run.run(outputsNowMs - ageMs).changes)
      this.#statements.ageTo.run(outputsNowMs)
      const more = Math.max(records, ...outputs) >= ROWS_MAX
      return { records, outputs: outputs.reduce((a, b) => a + b), more }
    }).immediate
  }

  /**
   * Deletes records up to `committed` that are older than stream time less one and a half times `spanMs`, and less one
   * hour at least: what a rebuild reads, and some more for a rule set that comes to ask for longer windows.
   */
  trim(committed: number, streamMs: number, spanMs: number, nowMs: number): Trimmed {
    return this.#run(committed, streamMs - Math.max(1.5 * spanMs, HOUR_MS), this.#outputsNowMs(streamMs, nowMs))
  }

  /** The wall clock, or as much of it as is plausible: it begins with what was written and read. */
  #outputsNowMs(streamMs: number, nowMs: number): number {
    const { agedTo, newest } = this.#statements
    const elapsedMs = this.#elapsedMs() - this.#lookedAtMs
    this.#lookedAtMs += elapsedMs
    const beforeMs = Number(agedTo.get() ?? Math.max(newest.get() ?? 0, streamMs))
    return Math.min(nowMs, beforeMs + AGEING * elapsedMs)
  }
}
