import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { makeFolder } from '../../kit/make-folder.ts'
import { EngineError } from '../../model/errors.ts'
import { keptAlive, sqliteError } from './database.ts'

const LOCK_FILE = 'engine.lock'

/**
 * Holds a data folder, which is made if need be, for one engine: an exclusive transaction on a file of its own, so that the system lets go of it
 * however the process ends. EngineError LOG_BUSY when another engine holds it.
 */
export class EngineLock {
  readonly #db: Database.Database

  constructor(folder: string) {
    const path = join(folder, LOCK_FILE)
    const pidPath = join(folder, 'engine.pid')
    try {
      makeFolder(folder)
      this.#db = keptAlive(new Database(path, { timeout: 0 }))
    } catch (error) {
      throw sqliteError(error, path)
    }
    try {
      this.#db.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      this.#db.close()
      if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) throw sqliteError(error, path)
      throw new EngineError('LOG_BUSY', `another engine (process ${pidIn(pidPath)}) runs on ${folder}`, error)
    }
    writeFileSync(pidPath, `${process.pid}\n`)
  }

  /** Whether an engine runs on `folder`. */
  static isHeld(folder: string): boolean {
    const path = join(folder, LOCK_FILE)
    if (!existsSync(path)) return false
    const db = keptAlive(new Database(path, { timeout: 0 }))
    try {
      db.exec('BEGIN; SELECT 1 FROM sqlite_master; COMMIT') // reads: it stands in nobody's way but for a moment
      return false
    } catch (error) {
      if (String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) return true
      throw sqliteError(error, path)
    } finally {
      db.close()
    }
  }

  release(): void {
    this.#db.close()
  }
}

function pidIn(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
