import { join } from 'node:path'
import type { ListControl, RuleSource } from '../../model/block.ts'
import { decodeEntry } from '../../model/block-codec.ts'
import type { Asked, ControlStore, PutRules, Reception } from '../../model/control.ts'
import { Counters } from '../../model/counters.ts'
import type { ListItem, NamedList, RuleSet } from '../../model/rule.ts'
import { textHash } from '../../model/rule-text.ts'
import type { Stream } from '../../model/stream.ts'
import { Lists } from '../../task/lists.ts'
import { META_KEY, RULES_KEY } from '../../task/meta.ts'
import { openDatabase, type Sqlite, sqliteError } from './database.ts'
import { LOG_FILE } from './local-log.ts'
import { EngineLock } from './lock.ts'
import { LocalWriter } from './writer.ts'

/** Names under which the log keeps, of the rules put into it last: the hash of the configured files, and when, epoch ms. */
const CONFIGURED = 'rules/configured'
const CHANGED_MS = 'rules/changed_ms'

/** What a local log keeps of the rules that were put into it. */
export function putIn(writer: LocalWriter): { readonly configured: string | null; readonly atMs: number | null } {
  const atMs = writer.meta(CHANGED_MS)
  return { configured: writer.meta(CONFIGURED), atMs: atMs === null ? null : Number(atMs) }
}

/** The same as it is to be kept; without a time where no rules are put. */
export function putMeta(configured: string | null, atMs: number | null): Record<string, string> {
  return {
    ...(configured === null ? {} : { [CONFIGURED]: configured }),
    ...(atMs === null ? {} : { [CHANGED_MS]: String(atMs) }),
  }
}

/** The rules and lists of a local log, for a process beside its engine. */
export class LocalControl implements ControlStore {
  readonly engine: string
  readonly isSpoilt = false
  readonly #db: Sqlite
  readonly #folder: string
  readonly #streams: readonly Stream[]
  readonly #writer: LocalWriter
  readonly #statements

  /** Makes the log where there is none. EngineErrors as `sqliteError` says. */
  constructor(folder: string, streams: readonly Stream[]) {
    const db = openDatabase(join(folder, LOG_FILE))
    this.engine = `engine runs on ${folder}`
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

  async last(): Promise<Omit<PutRules, 'atMs'>> {
    const pending = this.#guarded(() => this.#statements.pending.get(this.#committed()))
    const entry = pending && decodeEntry(pending, this.#streams)
    const files = entry?.kind === 'rules' ? entry.files : await this.inForce()
    return { files, configured: putIn(this.#writer).configured }
  }

  /** Those that the engine has, or had when it stopped. */
  async inForce(): Promise<readonly RuleSource[]> {
    return JSON.parse(this.#guarded(() => this.#statements.kept.get(RULES_KEY)) ?? '[]')
  }

  async put({ files, configured, atMs }: PutRules): Promise<Asked> {
    const isLast = textHash((await this.last()).files) === textHash(files)
    const entries = isLast ? [] : [{ kind: 'rules', files } as const]
    const position = this.#writer.appendWith(entries, putMeta(configured, isLast ? null : atMs))
    return async () => {
      const reception = this.#reception(position)
      if (reception !== 'taken' || textHash(await this.inForce()) === textHash(files)) return reception
      return { refused: ', or others came after; its log and /readyz say why' }
    }
  }

  /** As the engine's last commit has them. */
  async items(set: RuleSet, wanted: readonly NamedList[]): Promise<Map<string, readonly ListItem[]>> {
    const kept = new Map(this.#guarded(() => this.#statements.allKept.all()).map(({ key, value }) => [key, value]))
    const lists = new Lists(new Counters())
    lists.restore(kept)
    lists.install(set)
    lists.clock = { streamMs: JSON.parse(kept.get(META_KEY) ?? '{}').streamMs ?? Number.NEGATIVE_INFINITY }
    return new Map(wanted.map(({ id }) => [id, lists.items(id) ?? []]))
  }

  async change(_set: RuleSet, change: ListControl): Promise<Asked> {
    const position = this.#writer.appendWith([change], {})
    return async () => this.#reception(position)
  }

  close(): void {
    this.#db.close()
  }

  #reception(position: number): Reception {
    if (this.#guarded(() => this.#committed()) >= position) return 'taken'
    return EngineLock.isHeld(this.#folder) ? 'waiting' : 'no engine'
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
