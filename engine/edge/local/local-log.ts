import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { LogRecord } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import type { Output } from '../../model/output.ts'
import type { Commit, Committed, NumberedLog, SetAside } from '../../model/ports.ts'
import type { Stream } from '../../model/stream.ts'
import { openDatabase, type Sqlite, sqliteError } from './database.ts'
import { EngineLock } from './lock.ts'
import { LogReader, type ReadBatch } from './reader.ts'
import { type Trimmed, Trimmer } from './trim.ts'
import { LocalWriter } from './writer.ts'

/** Where outputs go, and what `lapwing tap` calls them. */
export const TOPICS = ['alerts', 'rankings', 'shadow', 'dlq'] as const
export type Topic = (typeof TOPICS)[number]

export const LOG_FILE = 'log.db'

export function hasLocalLog(folder: string): boolean {
  return existsSync(join(folder, LOG_FILE))
}

/** Path of its file. EngineError INPUT_MISSING when there is none. */
export function existingLog(folder: string): string {
  const path = join(folder, LOG_FILE)
  if (!existsSync(path)) throw new EngineError('INPUT_MISSING', `${path}: there is no local log`)
  return path
}

/** Other processes append without a word: how often one looks, ms; soon after the last record more often. */
const POLL_MS = 10
const BUSY_POLL_MS = 2
const BUSY_FOR_MS = 1_000

/**
 * The local log: one SQLite file that feeds one task. One engine at a time may hold it (EngineError LOG_BUSY); others
 * may append and read outputs.
 */
export class LocalLog implements NumberedLog {
  /** Of this log and no other. */
  readonly id: string
  readonly writer: LocalWriter
  readonly #db: Sqlite
  readonly #lock: EngineLock
  readonly #reader: LogReader
  readonly #trimmer: Trimmer
  readonly #setAside: (record: SetAside) => void
  readonly #statements
  readonly #commit: (commit: Commit) => void
  #wake: () => void = () => {}
  #lastReadMs = Number.NEGATIVE_INFINITY

  /** `setAside`: told of each output that is left out of a commit, for SQLite or JSON takes none of its size. */
  constructor(folder: string, streams: readonly Stream[], setAside: (record: SetAside) => void = () => {}) {
    const path = join(folder, LOG_FILE)
    this.#db = openDatabase(path)
    try {
      this.#lock = new EngineLock(folder)
    } catch (error) {
      this.#db.close()
      throw error
    }
    this.#setAside = setAside
    const db = this.#db
    this.writer = new LocalWriter(db, streams)
    this.#reader = new LogReader(db, streams)
    this.#trimmer = new Trimmer(db)
    this.#statements = {
      committed: db.prepare<[], number>("SELECT value FROM meta WHERE name = 'committed'").pluck(),
      setCommitted: db.prepare(
        "INSERT INTO meta VALUES ('committed', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
      ),
      kept: db.prepare<[], { key: string; value: string }>('SELECT key, value FROM kept'),
      keep: db.prepare('INSERT INTO kept VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'),
      forget: db.prepare('DELETE FROM kept WHERE key = ?'),
      output: db.prepare('INSERT INTO outputs (topic, position, committed_ms, json) VALUES (?, ?, ?, ?)'),
      last: db.prepare<[], number | null>('SELECT max(position) FROM log').pluck(),
    }
    this.id = this.writer.meta('log_id') ?? this.#guarded(() => newId(db))
    this.#commit = db.transaction((commit: Commit) => this.#write(commit)).immediate
  }

  async position(): Promise<number> {
    return this.#guarded(() => this.#statements.committed.get() ?? -1)
  }

  async committed(): Promise<Committed> {
    return this.#guarded(() => {
      const kept = this.#statements.kept.all().map(({ key, value }) => [key, value] as const)
      return { position: this.#statements.committed.get() ?? -1, kept: new Map(kept) }
    })
  }

  past(fromStreamMs: number, through: number): AsyncIterable<readonly LogRecord[]> {
    return this.#reader.past(fromStreamMs, through)
  }

  between(position: number, through: number): AsyncIterable<readonly LogRecord[]> {
    return this.#reader.between(position, through)
  }

  /** Position, outputs and changes in one transaction. A position at or before the last one is refused (STATE_CORRUPT). */
  async commit(commit: Commit): Promise<void> {
    this.#guarded(() => this.#commit(commit))
  }

  /**
   * What stands behind `position`, as soon as there is something; null when `signal` comes first. Timers and sockets
   * get their turn before each reading.
   */
  async next(position: number, signal: AbortSignal): Promise<ReadBatch | null> {
    await new Promise(setImmediate)
    while (!signal.aborted) {
      const batch = this.#reader.after(position)
      if (batch) {
        this.#lastReadMs = performance.now()
        return batch
      }
      await this.#changed(signal)
    }
    return null
  }

  /** Reads once more at once: this process has appended. */
  wake(): void {
    this.#wake()
  }

  /** Position of the newest record; -1 = the log is empty. */
  get lastPosition(): number {
    return this.#guarded(() => this.#statements.last.get() ?? -1)
  }

  trim(committed: number, streamMs: number, spanMs: number): Trimmed {
    return this.#guarded(() => this.#trimmer.trim(committed, streamMs, spanMs, Date.now()))
  }

  close(): void {
    this.#db.close()
    this.#lock.release()
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const isBusy = performance.now() - this.#lastReadMs < BUSY_FOR_MS
      const timer = setTimeout(done, isBusy ? BUSY_POLL_MS : POLL_MS)
      signal.addEventListener('abort', done)
      this.#wake = done
    })
  }

  #write({ position, outputs, changes }: Commit): void {
    const before = this.#statements.committed.get() ?? -1
    if (position <= before)
      throw new EngineError('STATE_CORRUPT', `position ${position} is committed already: the log stands at ${before}`)
    const { output, keep, forget, setCommitted } = this.#statements
    const nowMs = Date.now()
    for (const made of outputs) {
      const topic = topicOf(made)
      try {
        output.run(topic, position, nowMs, JSON.stringify(made))
      } catch (error) {
        if (!isTooLarge(error)) throw error
        const { kind } = made
        const [rule, key] =
          kind === 'ranking' ? [made.ranking, JSON.stringify(made.per)] : [made.rule, JSON.stringify(made.key)]
        this.#setAside({ topic, rule, key, position, bytes: Number.NaN })
      }
    }
    for (const [key, value] of changes) {
      if (value === null) forget.run(key)
      else keep.run(key, value)
    }
    setCommitted.run(position)
  }

  #guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw sqliteError(error, this.#db.name)
    }
  }
}

/** Two that open the log for the first time get the same one. */
function newId(db: Sqlite): string {
  db.prepare("INSERT OR IGNORE INTO meta VALUES ('log_id', ?)").run(randomUUID())
  return db.prepare<[], string>("SELECT value FROM meta WHERE name = 'log_id'").pluck().get() as string
}

/** V8 makes no text above 512 MB; SQLite takes none above 1 GB. */
function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError || (error as { code?: string }).code === 'SQLITE_TOOBIG'
}

function topicOf(output: Output): Topic {
  if (output.kind === 'ranking') return 'rankings'
  return output.kind === 'alert' && output.mode === 'shadow' ? 'shadow' : 'alerts'
}
