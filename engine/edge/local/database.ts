import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { makeDataFile, makeDataFolder } from '../../kit/make-folder.ts'
import { systemText } from '../../kit/system-error.ts'
import { EngineError, type ErrorCode } from '../../model/errors.ts'

export type Sqlite = Database.Database

/** How long one waits for another process's transaction, ms. Each takes a few milliseconds. */
const BUSY_MS = 10_000
const VERSION = 1

/**
 * log      the task's records; `stream_ms` = largest event time or mark up to here, `appended_ms` = wall clock
 * outputs  what the engine made, as JSON; `position` = the commit's, `committed_ms` = wall clock
 * kept     what commits keep beyond the events
 * meta     the committed position, source offsets, states of generators
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS log (
  position INTEGER PRIMARY KEY AUTOINCREMENT, stream_ms REAL NOT NULL, appended_ms REAL NOT NULL, bytes BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS log_stream ON log (stream_ms);
CREATE TABLE IF NOT EXISTS outputs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, position INTEGER NOT NULL, committed_ms REAL NOT NULL,
  json TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS outputs_topic ON outputs (topic, seq);
CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
`

/**
 * Opens the local log's file and makes it if need be. WAL with synchronous=NORMAL: a commit survives the end of the
 * process; a power cut may roll back the last commits, whole. EngineError as `sqliteError` says.
 */
export function openDatabase(path: string): Sqlite {
  try {
    makeDataFolder(dirname(path))
    makeDataFile(path)
    const db = keptAlive(new Database(path, { timeout: BUSY_MS }))
    try {
      db.prepare('PRAGMA journal_mode = WAL').get()
      db.prepare('PRAGMA synchronous = NORMAL').run()
      db.transaction(() => prepare(db)).immediate()
      return db
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    throw sqliteError(error, path)
  }
}

const alive: object[] = []

/**
 * From Node 24.19 on the process aborts when a better-sqlite3 object (12.11 and before) is collected as garbage outside
 * JavaScript: so none ever is. Databases are few here, and each prepares its statements once.
 */
export function keptAlive(db: Sqlite): Sqlite {
  const prepare = db.prepare.bind(db)
  db.prepare = ((source: string) => {
    const statement = prepare(source)
    alive.push(statement)
    return statement
  }) as typeof db.prepare
  alive.push(db)
  return db
}

function prepare(db: Sqlite): void {
  const version = db.prepare<[], number>('PRAGMA user_version').pluck().get()
  if (version !== 0 && version !== VERSION)
    throw new EngineError(
      'STATE_CORRUPT',
      `${db.name}: a local log of version ${version}, this engine reads ${VERSION}`,
    )
  db.exec(SCHEMA)
  db.exec(`PRAGMA user_version = ${VERSION}`)
}

const CODES: readonly (readonly [prefix: string, code: ErrorCode, what: string])[] = [
  ['SQLITE_BUSY', 'LOG_BUSY', 'another process holds the local log'],
  ['SQLITE_LOCKED', 'LOG_BUSY', 'another process holds the local log'],
  ['SQLITE_FULL', 'LOG_BUSY', 'the disk is full; nothing was lost, the last transaction was not made'],
  ['SQLITE_IOERR', 'LOG_BUSY', 'the disk does not read or write'],
  ['SQLITE_CORRUPT', 'STATE_CORRUPT', 'the local log is damaged; move the file away to begin anew'],
  ['SQLITE_NOTADB', 'STATE_CORRUPT', 'this is no local log; move the file away to begin anew'],
  ['SQLITE_CANTOPEN', 'INPUT_MISSING', 'the local log cannot be opened'],
  ['SQLITE_READONLY', 'INPUT_MISSING', 'the local log cannot be written'],
]

/** An EngineError for what SQLite or the file system says; anything else as it is. */
export function sqliteError(error: unknown, path: string): unknown {
  if (error instanceof EngineError) return error
  const { code, message } = error as { code?: unknown; message?: string }
  if (typeof code !== 'string') return error
  const known = CODES.find(([prefix]) => code.startsWith(prefix))
  if (known) return new EngineError(known[1], `${path}: ${known[2]} (${message})`, error)
  return /^E[A-Z]+$/.test(code) ? new EngineError('INPUT_MISSING', `${path}: ${systemText(error)}`, error) : error
}
