import type { LogRecord, RuleSource } from '../../model/block.ts'
import type { AlertRecord } from '../../model/output.ts'
import type { Committed, PastLog } from '../../model/ports.ts'
import type { Stream } from '../../model/stream.ts'
import { RULES_KEY } from '../../task/meta.ts'
import { openDatabase, type Sqlite } from './database.ts'
import { existingLog } from './local-log.ts'
import { LogReader } from './reader.ts'

/** The local log as it stands at one moment, for readers beside the engine: nothing is locked, nothing is written. */
export class LogView implements PastLog {
  readonly #db: Sqlite
  readonly #reader: LogReader

  /** EngineError INPUT_MISSING when there is no local log in `folder`. */
  constructor(folder: string, streams: readonly Stream[]) {
    this.#db = openDatabase(existingLog(folder))
    this.#db.exec('BEGIN') // all that is read comes from one state of the log
    this.#reader = new LogReader(this.#db, streams)
  }

  async committed(): Promise<Committed> {
    const position = this.#db.prepare<[], number>("SELECT value FROM meta WHERE name = 'committed'").pluck().get()
    const kept = this.#db.prepare<[], { key: string; value: string }>('SELECT key, value FROM kept').all()
    return { position: position ?? -1, kept: new Map(kept.map(({ key, value }) => [key, value])) }
  }

  past(fromStreamMs: number, through: number): AsyncIterable<readonly LogRecord[]> {
    return this.#reader.past(fromStreamMs, through)
  }

  /** What stands behind `position`. */
  after(position: number): AsyncIterable<readonly LogRecord[]> {
    return this.#reader.between(position, Number.POSITIVE_INFINITY)
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
