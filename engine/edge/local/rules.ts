import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ListControl, RuleSource } from '../../model/block.ts'
import { decodeEntry } from '../../model/block-codec.ts'
import { textHash } from '../../model/rule-text.ts'
import type { Stream } from '../../model/stream.ts'
import { RULES_KEY } from '../../task/meta.ts'
import { openDatabase, type Sqlite, sqliteError } from './database.ts'
import { LOG_FILE } from './local-log.ts'
import { EngineLock } from './lock.ts'
import { LocalWriter } from './writer.ts'

/** Name under which the log keeps the hash of the configured files that were put in force last. */
export const CONFIGURED = 'rules/configured'
/** Name under which the log keeps when rules were put into it last, epoch ms. */
export const CHANGED_MS = 'rules/changed_ms'

const LOOK_EVERY_MS = 20

/** Where a record of the log stands. */
export type Reception = 'taken' | 'waiting' | 'no engine'

/** The rules and lists of a local log, for a process beside its engine. */
export class RulesBeside {
  readonly #db: Sqlite
  readonly #folder: string
  readonly #streams: readonly Stream[]
  readonly #writer: LocalWriter
  readonly #statements

  /** Makes the log where there is none. EngineErrors as `sqliteError` says. */
  constructor(folder: string, streams: readonly Stream[]) {
    const db = openDatabase(join(folder, LOG_FILE))
    this.#db = db
    this.#folder = folder
    this.#streams = streams
    this.#writer = new LocalWriter(db, streams)
    this.#statements = {
      kept: db.prepare<[string], string>('SELECT value FROM kept WHERE key = ?').pluck(),
      allKept: db.prepare<[], { key: string; value: string }>('SELECT key, value FROM kept'),
      committed: db.prepare<[], number>("SELECT value FROM meta WHERE name = 'committed'").pluck(),
      // the sixth byte of an entry is its kind (model/block-codec.ts); 2 = a rule set
      pending: db
        .prepare<[number], Uint8Array>(
          "SELECT bytes FROM log WHERE position > ? AND substr(bytes, 6, 1) = x'02' ORDER BY position DESC LIMIT 1",
        )
        .pluck(),
    }
  }

  /** The files that will be in force when all that stands in the log has been read; empty: none so far. */
  last(): readonly RuleSource[] {
    return this.#guarded(() => {
      const pending = this.#statements.pending.get(this.#committed())
      if (pending) {
        const entry = decodeEntry(pending, this.#streams)
        if (entry.kind === 'rules') return entry.files
      }
      return this.inForce()
    })
  }

  /** The files that the engine has in force, or had when it stopped. */
  inForce(): readonly RuleSource[] {
    return this.#guarded(() => JSON.parse(this.#statements.kept.get(RULES_KEY) ?? '[]'))
  }

  /** Position of the record. `configured`: they are those that the configuration names. */
  put(files: readonly RuleSource[], configured: boolean): number {
    return this.#writer.appendWith([{ kind: 'rules', files }], putMeta(files, configured))
  }

  /** Position of the record. */
  change(list: ListControl): number {
    return this.#writer.appendWith([list], {})
  }

  /** All that the commits kept, by key. */
  kept(): Map<string, string> {
    const rows = this.#guarded(() => this.#statements.allKept.all())
    return new Map(rows.map(({ key, value }) => [key, value]))
  }

  /** Resolves when the engine has read up to `position`, when there is none, or after `waitMs`. */
  async received(position: number, waitMs: number): Promise<Reception> {
    const untilMs = performance.now() + waitMs
    let reception = this.reception(position)
    while (reception === 'waiting' && performance.now() < untilMs) {
      await sleep(LOOK_EVERY_MS)
      reception = this.reception(position)
    }
    return reception
  }

  reception(position: number): Reception {
    if (this.#guarded(() => this.#committed()) >= position) return 'taken'
    return EngineLock.isHeld(this.#folder) ? 'waiting' : 'no engine'
  }

  close(): void {
    this.#db.close()
  }

  #committed(): number {
    return this.#statements.committed.get() ?? -1
  }

  #guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw sqliteError(error, this.#db.name)
    }
  }
}

/** What the log keeps beside a rule set that is put into it. */
export function putMeta(files: readonly RuleSource[], configured: boolean): Record<string, string> {
  return { [CHANGED_MS]: String(Date.now()), ...(configured ? { [CONFIGURED]: textHash(files) } : {}) }
}
