import { openDatabase } from '../../edge/local/database.ts'
import { existingLog } from '../../edge/local/local-log.ts'
import { LogReader } from '../../edge/local/reader.ts'
import { batchOf } from '../../model/batch.ts'
import type { Batch } from '../../model/block.ts'
import type { Stream } from '../../model/stream.ts'
import type { PlayInput } from './play.ts'
import { type TimeRange, withinRange } from './time-range.ts'

/** The events of a time range as the local log holds them; an engine may run on it meanwhile. */
export class LogRange implements PlayInput {
  readonly malformed = 0
  readonly ahead = 0
  readonly firstAhead = null
  readonly late = null
  readonly share = null
  readonly name: string
  readonly #range: TimeRange
  readonly #streams: readonly Stream[]

  /** EngineError INPUT_MISSING when there is no local log in `folder`. */
  constructor(folder: string, range: TimeRange, streams: readonly Stream[]) {
    this.name = existingLog(folder)
    this.#range = range
    this.#streams = streams
  }

  batches(): AsyncIterable<Batch> {
    return withinRange(this.#all(), this.#range, this.#streams)
  }

  async *#all(): AsyncGenerator<Batch, void, undefined> {
    const db = openDatabase(this.name)
    try {
      for await (const records of new LogReader(db, this.#streams).past(this.#range.fromMs, Number.POSITIVE_INFINITY))
        for (const { entry } of records) {
          if (entry.kind === 'batch') yield entry
          else if (entry.kind === 'block' && entry.length > 0) yield batchOf([entry])
        }
    } finally {
      db.close()
    }
  }
}
