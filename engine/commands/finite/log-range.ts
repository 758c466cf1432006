import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../edge/local/database.ts'
import { LOG_FILE } from '../../edge/local/local-log.ts'
import { LogReader } from '../../edge/local/reader.ts'
import { batchOf } from '../../model/batch.ts'
import type { Batch } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
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
    this.name = join(folder, LOG_FILE)
    if (!existsSync(this.name)) throw new EngineError('INPUT_MISSING', `${this.name}: there is no local log`)
    this.#range = range
    this.#streams = streams
  }

  batches(): AsyncIterable<Batch> {
    return withinRange(this.#all(), this.#range, this.#streams)
  }

  async *#all(): AsyncGenerator<Batch, void, undefined> {
    const db = openDatabase(this.name)
    try {
      const reader = new LogReader(db, this.#streams)
      const first = reader.firstAt(Math.max(this.#range.fromMs, -8.64e15))
      if (first === null) return
      let position = first - 1
      for (let read = reader.after(position); read; read = reader.after(position)) {
        for (const { entry } of read.records) {
          if (entry.kind === 'batch') yield entry
          else if (entry.kind === 'block' && entry.length > 0) yield batchOf([entry])
        }
        position = read.records.at(-1)!.position
        await new Promise(setImmediate) // signals get their turn
      }
    } finally {
      db.close()
    }
  }
}
