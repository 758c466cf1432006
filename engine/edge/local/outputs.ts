import { openDatabase, type Sqlite, sqliteError } from './database.ts'
import { existingLog, type Topic } from './local-log.ts'

const ROWS_MAX = 1_000

export interface KeptOutput {
  readonly seq: number
  readonly json: string
}

/** The outputs that a local log holds, for readers beside the engine; also takes dead letters from those who append. */
export class Outputs {
  readonly #db: Sqlite
  readonly #after
  readonly #newest
  readonly #add
  readonly #opened
  readonly #before
  readonly #open
  readonly #appended

  constructor(db: Sqlite) {
    this.#db = db
    this.#after = db.prepare<[string, number], KeptOutput>(
      `SELECT seq, json FROM outputs WHERE topic = ? AND seq > ? ORDER BY seq LIMIT ${ROWS_MAX}`,
    )
    this.#newest = db
      .prepare<[string, number], string>('SELECT json FROM outputs WHERE topic = ? ORDER BY seq DESC LIMIT ?')
      .pluck()
    this.#opened = db
      .prepare<[], number>(
        "SELECT count(*) FROM outputs WHERE topic IN ('alerts', 'shadow') AND json_extract(json, '$.status') = 'open'",
      )
      .pluck()
    this.#open = db.prepare<[], number>("SELECT count(*) FROM kept WHERE key GLOB 'alert/*'").pluck()
    this.#before = db.prepare<[string, number], KeptOutput>(
      `SELECT seq, json FROM outputs WHERE topic = ? AND seq < ? ORDER BY seq DESC LIMIT ${ROWS_MAX}`,
    )
    this.#appended = db.prepare<[], number>('SELECT appended_ms FROM log ORDER BY position DESC LIMIT 1').pluck()
    this.#add = db.prepare("INSERT INTO outputs (topic, position, committed_ms, json) VALUES ('dlq', -1, ?, ?)")
  }

  /** EngineError INPUT_MISSING when there is no local log in `folder`. */
  static open(folder: string): Outputs {
    return new Outputs(openDatabase(existingLog(folder)))
  }

  /** The next ones behind `seq`, at most 1,000. */
  after(topic: Topic, seq: number): readonly KeptOutput[] {
    return this.#guarded(() => this.#after.all(topic, seq))
  }

  /** Those before `seq`, newest first, at most 1,000. */
  before(topic: Topic, seq: number): readonly KeptOutput[] {
    return this.#guarded(() => this.#before.all(topic, seq))
  }

  /** Wall clock at which the newest record of the log was appended, epoch ms; null = the log is empty. */
  newestAppendMs(): number | null {
    return this.#guarded(() => this.#appended.get() ?? null)
  }

  /** The newest `count`, newest first. */
  newest(topic: Topic, count: number): readonly string[] {
    return this.#guarded(() => this.#newest.all(topic, count))
  }

  /** How many alerts, live and shadow, were opened, of those kept. */
  openedCount(): number {
    return this.#guarded(() => this.#opened.get() ?? 0)
  }

  /** How many alerts are open, live and shadow. */
  openCount(): number {
    return this.#guarded(() => this.#open.get() ?? 0)
  }

  addDeadLetters(letters: readonly object[]): void {
    this.#guarded(() => {
      this.#db
        .transaction(() => {
          for (const letter of letters) this.#add.run(Date.now(), JSON.stringify(letter))
        })
        .immediate()
    })
  }

  close(): void {
    this.#db.close()
  }

  #guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw sqliteError(error, this.#db.name)
    }
  }
}
