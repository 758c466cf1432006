import { newestMs } from '../../model/batch.ts'
import type { Block, LogEntry } from '../../model/block.ts'
import { encodeEntry } from '../../model/block-codec.ts'
import type { LogWriter } from '../../model/ports.ts'
import type { Stream } from '../../model/stream.ts'
import { type Sqlite, sqliteError } from './database.ts'

/** Before the first event; SQLite keeps it as a number. */
const NO_TIME = -8.64e15

/**
 * Appends to the local log; several processes may at the same time. A source has no broker here that would number its
 * records, so the log does: offsets of blocks are counted on from the source's last one. All entries of one call stand
 * together, or none.
 */
export class LocalWriter implements LogWriter {
  readonly #db: Sqlite
  readonly #streams: readonly Stream[]
  readonly #statements
  readonly #now: () => number

  constructor(db: Sqlite, streams: readonly Stream[], now: () => number = Date.now) {
    this.#db = db
    this.#streams = streams
    this.#now = now
    this.#statements = {
      last: db.prepare<[], number>('SELECT stream_ms FROM log ORDER BY position DESC LIMIT 1').pluck(),
      insert: db.prepare('INSERT INTO log (stream_ms, appended_ms, bytes) VALUES (?, ?, ?)'),
      meta: db.prepare<[string], number | string>('SELECT value FROM meta WHERE name = ?').pluck(),
      insertFirst: db.prepare('INSERT OR REPLACE INTO log VALUES (0, ?, ?, ?)'),
      setMeta: db.prepare('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value'),
    }
  }

  async append(entries: readonly LogEntry[]): Promise<void> {
    this.appendWith(entries, {})
  }

  /**
   * Also keeps what a generator needs to go on, under names of its own, in the same transaction. Position of the last
   * entry; -1 = there was none.
   */
  appendWith(entries: readonly LogEntry[], meta: Readonly<Record<string, string>>): number {
    return this.#guarded(() => this.#db.transaction(() => this.#insert(entries, meta)).immediate())
  }

  /**
   * Puts an entry before all others, in a log that nothing was read of yet: the rules that an engine begins with are in
   * force for what others have appended before it came. Positions of other records begin at 1.
   */
  putFirst(entry: LogEntry): void {
    this.#guarded(() => this.#statements.insertFirst.run(NO_TIME, this.#now(), encodeEntry(entry, this.#streams)))
  }

  /** Largest event time or mark in the log, epoch ms; -Infinity before the first. */
  get streamMs(): number {
    const streamMs = this.#guarded(() => this.#streamMs())
    return streamMs === NO_TIME ? Number.NEGATIVE_INFINITY : streamMs
  }

  /** What `appendWith` kept. */
  meta(name: string): string | null {
    const value = this.#guarded(() => this.#statements.meta.get(name))
    return value === undefined ? null : String(value)
  }

  #insert(entries: readonly LogEntry[], meta: Readonly<Record<string, string>>): number {
    const { insert, setMeta } = this.#statements
    let position = -1
    let streamMs = this.#streamMs()
    const next = new Map<string, number>()
    for (const entry of entries) {
      streamMs = Math.max(streamMs, timeOf(entry))
      const numbered = this.#numbered(entry, next)
      const { lastInsertRowid } = insert.run(streamMs, this.#now(), encodeEntry(numbered, this.#streams))
      position = Number(lastInsertRowid)
    }
    for (const [source, offset] of next) setMeta.run(source, offset)
    for (const [name, value] of Object.entries(meta)) setMeta.run(name, value)
    return position
  }

  /** Its events numbered from the last one of their source on; an entry without events as it is. */
  #numbered(entry: LogEntry, next: Map<string, number>): LogEntry {
    if (entry.kind === 'batch') return { ...entry, blocks: entry.blocks.map((block) => this.#counted(block, next)) }
    return entry.kind === 'block' ? this.#counted(entry, next) : entry
  }

  #counted(block: Block, next: Map<string, number>): Block {
    const source = `offset/${block.sourceTopic}/${block.sourcePartition}`
    const first = next.get(source) ?? Number(this.#statements.meta.get(source) ?? 0)
    next.set(source, first + block.length)
    return { ...block, offsets: Float64Array.from(block.offsets, (_, i) => first + i) }
  }

  /** Of the newest record, or of the last one that was trimmed: the log may be empty. */
  #streamMs(): number {
    const { last, meta } = this.#statements
    return last.get() ?? Number(meta.get('trimmed_stream_ms') ?? NO_TIME)
  }

  #guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw sqliteError(error, this.#db.name)
    }
  }
}

function timeOf(entry: LogEntry): number {
  if (entry.kind === 'mark') return entry.upToMs
  return Math.max(NO_TIME, newestMs(entry))
}
