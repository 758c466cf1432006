import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { LogRecord, RuleSource } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import type { AlertRecord } from '../../model/output.ts'
import type { Committed, PastLog } from '../../model/ports.ts'
import type { Stream } from '../../model/stream.ts'
import { RULES_KEY } from '../../task/meta.ts'
import { openDatabase, type Sqlite } from './database.ts'
import { LOG_FILE } from './local-log.ts'
import { LogReader } from './reader.ts'

/** The local log as it stands at one moment, for readers beside the engine: nothing is locked, nothing is written. */
export class LogView implements PastLog {
  readonly #db: Sqlite
  readonly #reader: LogReader

  /** EngineError INPUT_MISSING when there is no local log in `folder`. */
  constructor(folder: string, streams: readonly Stream[]) {
    const path = join(folder, LOG_FILE)
    if (!existsSync(path)) throw new EngineError('INPUT_MISSING', `${path}: there is no local log`)
    this.#db = openDatabase(path)
    this.#db.exec('BEGIN') // all that is read comes from one state of the log
    this.#reader = new LogReader(this.#db, streams)
  }

  async committed(): Promise<Committed> {
    const position = this.#db.prepare<[], number>("SELECT value FROM meta WHERE name = 'committed'").pluck().get()
    const kept = this.#db.prepare<[], { key: string; value: string }>('SELECT key, value FROM kept').all()
    return { position: position ?? -1, kept: new Map(kept.map(({ key, value }) => [key, value])) }
  }

  async *past(fromStreamMs: number, through: number): AsyncGenerator<readonly LogRecord[], void, undefined> {
    const first = this.#reader.firstAt(fromStreamMs)
    if (first !== null) yield* this.after(first - 1, through)
  }

  /** What stands behind `position`. */
  async *after(
    position: number,
    through = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<readonly LogRecord[], void, undefined> {
    for (let last = position; ; ) {
      const batch = this.#reader.after(last, through)
      if (!batch) return
      yield batch.records
      last = batch.records.at(-1)!.position
    }
  }

  /** The rule files in force at the last commit. */
  async files(): Promise<readonly RuleSource[]> {
    return JSON.parse((await this.committed()).kept.get(RULES_KEY) ?? '[]')
  }

  /** One log has all keys. */
  async locate(files: readonly RuleSource[]): Promise<{ files: readonly RuleSource[]; logs: readonly LogView[] }> {
    return { files, logs: [this] }
  }

  /** The records of the alerts whose id begins so, oldest first. */
  async alerts(idStart: string): Promise<AlertRecord[]> {
    const rows = this.#db
      .prepare<[string], string>(
        `SELECT json FROM outputs WHERE topic IN ('alerts', 'shadow') AND json_extract(json, '$.alert_id') GLOB ? ORDER BY seq`,
      )
      .pluck()
      .all(`${idStart}*`)
    return rows.map((json) => JSON.parse(json) as AlertRecord)
  }

  close(): void {
    this.#db.close()
  }
}
