import type { LogRecord } from '../../model/block.ts'
import { decodeEntry } from '../../model/block-codec.ts'
import { EngineError } from '../../model/errors.ts'
import type { ReadRecords } from '../../model/ports.ts'
import type { Stream } from '../../model/stream.ts'
import { type Sqlite, sqliteError } from './database.ts'

const RECORDS_MAX = 500
/** Of encoded entries: some 20,000 events. */
const BYTES_MAX = 4 << 20

export interface ReadBatch extends ReadRecords {
  /** There was nothing behind them when they were read. */
  readonly atEnd: boolean
}

interface Row {
  readonly position: number
  readonly appended_ms: number
  readonly bytes: Uint8Array
}

const ROWS_AT_ONCE = 64

/** Reads the local log in batches of at most 500 records and about 4 MB. */
export class LogReader {
  readonly #db: Sqlite
  readonly #streams: readonly Stream[]
  readonly #sizes
  readonly #rows
  readonly #first

  constructor(db: Sqlite, streams: readonly Stream[]) {
    this.#db = db
    this.#streams = streams
    this.#sizes = db
      .prepare<[number], number>(
        `SELECT length(bytes) FROM log WHERE position > ? ORDER BY position LIMIT ${ROWS_AT_ONCE}`,
      )
      .pluck()
    this.#rows = db.prepare<[number, number], Row>(
      'SELECT position, appended_ms, bytes FROM log WHERE position > ? ORDER BY position LIMIT ?',
    )
    this.#first = db.prepare<[number], number>('SELECT min(position) FROM log WHERE stream_ms >= ?').pluck()
  }

  /** Position of the first record at which stream time had reached `streamMs`; null if there is none. */
  firstAt(streamMs: number): number | null {
    return this.#guarded(() => this.#first.get(streamMs) ?? null)
  }

  /** What stands behind `position`, up to `through`; null = nothing. EngineError STATE_CORRUPT names the record. */
  after(position: number, through = Number.POSITIVE_INFINITY): ReadBatch | null {
    return this.#guarded(() => {
      const records: LogRecord[] = []
      let appendedMs = 0
      let bytes = 0
      let last = position
      for (;;) {
        // all(), never iterate(): an iterator that is collected aborts the process (database.ts, keptAlive)
        const sizes = this.#sizes.all(last)
        const rows = this.#rows.all(last, within(sizes, BYTES_MAX))
        for (const row of rows) {
          if (row.position > through) return batch(records, appendedMs, true)
          if (records.length === RECORDS_MAX || bytes > BYTES_MAX) return batch(records, appendedMs, false)
          if (records.length === 0) appendedMs = row.appended_ms
          bytes += row.bytes.length
          last = row.position
          records.push({ position: row.position, entry: this.#decode(row) })
        }
        if (rows.length >= sizes.length && sizes.length < ROWS_AT_ONCE) return batch(records, appendedMs, true)
      }
    })
  }

  /** All that stands behind `position`, up to `through`; signals and sockets get their turn between two batches. */
  async *between(position: number, through: number): AsyncGenerator<readonly LogRecord[], void, undefined> {
    for (let read = this.after(position, through); read; ) {
      yield read.records
      await new Promise(setImmediate)
      read = this.after(read.records.at(-1)!.position, through)
    }
  }

  /** The same, from the first one on at which stream time had reached `fromStreamMs`. */
  async *past(fromStreamMs: number, through: number): AsyncGenerator<readonly LogRecord[], void, undefined> {
    const first = this.firstAt(fromStreamMs)
    if (first !== null) yield* this.between(first - 1, through)
  }

  #decode({ position, bytes }: Row): LogRecord['entry'] {
    try {
      return decodeEntry(bytes, this.#streams)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      throw new EngineError(error.code, `${this.#db.name}: record ${position}: ${error.message}`, error)
    }
  }

  #guarded<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw sqliteError(error, this.#db.name)
    }
  }
}

/** How many of the first fit together, at least one. */
function within(sizes: readonly number[], bytesMax: number): number {
  let bytes = 0
  const end = sizes.findIndex((size, i) => {
    bytes += size
    return i > 0 && bytes > bytesMax
  })
  return end < 0 ? Math.max(1, sizes.length) : end
}

function batch(records: readonly LogRecord[], appendedMs: number, atEnd: boolean): ReadBatch | null {
  return records.length === 0 ? null : { records, appendedMs, atEnd }
}
