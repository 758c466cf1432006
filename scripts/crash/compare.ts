import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { defaultConfig } from '../../engine/config.ts'
import { openDatabase } from '../../engine/edge/local/database.ts'
import { LOG_FILE } from '../../engine/edge/local/local-log.ts'
import { eventsIn } from '../../engine/model/batch.ts'
import { decodeEntry } from '../../engine/model/block-codec.ts'
import type { AlertRecord, RankingRecord } from '../../engine/model/output.ts'

const SHOWN_MAX = 10
type Made = AlertRecord | RankingRecord

function read<T>(data: string, query: (db: Database.Database) => T): T {
  const db = new Database(join(data, LOG_FILE), { readonly: true, timeout: 5_000 })
  try {
    return query(db)
  } finally {
    db.close()
  }
}

/** Where engine and log stand; -1 = at nothing. */
export function progressOf(data: string): { committed: number; last: number } {
  if (!existsSync(join(data, LOG_FILE))) return { committed: -1, last: -1 }
  return read(data, (db) => {
    if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").get()) return { committed: -1, last: -1 }
    const committed = db.prepare<[], number>("SELECT value FROM meta WHERE name = 'committed'").pluck().get() ?? -1
    const last = db.prepare<[], number | null>('SELECT max(position) FROM log').pluck().get() ?? -1
    return { committed, last }
  })
}

export function outputsOf(data: string): Made[] {
  return read(data, (db) =>
    db
      .prepare<[], string>("SELECT json FROM outputs WHERE topic <> 'dlq' ORDER BY seq")
      .pluck()
      .all()
      .map((json): Made => JSON.parse(json)),
  )
}

/** A data folder with the same log that no engine has read. */
export function copyLog(from: string, to: string): { records: number; events: number } {
  mkdirSync(to, { recursive: true })
  openDatabase(join(to, LOG_FILE)).close()
  const db = new Database(join(to, LOG_FILE))
  db.prepare('ATTACH ? AS source').run(join(from, LOG_FILE))
  db.exec('INSERT INTO log SELECT * FROM source.log')
  const { streams } = defaultConfig()
  let [records, events] = [0, 0]
  for (const bytes of db.prepare<[], Uint8Array>('SELECT bytes FROM log').pluck().iterate()) {
    records += 1
    events += eventsIn(decodeEntry(bytes, streams))
  }
  db.close()
  return { records, events }
}

function nameOf(made: Made): string {
  if (made.kind === 'alert') return `alert ${made.alert_id} revision ${made.revision}`
  return `ranking ${made.ranking} ${JSON.stringify(made.per)} at ${made.as_of}`
}

export function repeated(made: readonly Made[]): string[] {
  const seen = new Set<string>()
  return made
    .map(nameOf)
    .filter((name) => seen.has(name) || !seen.add(name))
    .slice(0, SHOWN_MAX)
}

/**
 * In what `made` differs from `expected`, record by record in order. The undisturbed engine may have gone on behind the
 * end, since it marks time as well: what it made there is no difference.
 */
export function differences(made: readonly Made[], expected: readonly Made[]): string[] {
  if (made.length > expected.length) return [`${made.length} records, ${expected.length} without crashes`]
  return made
    .flatMap((record, i) => (JSON.stringify(record) === JSON.stringify(expected[i]) ? [] : [`${i}: ${nameOf(record)}`]))
    .slice(0, SHOWN_MAX)
}
