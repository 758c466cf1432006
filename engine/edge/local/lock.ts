import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { DATA_FILE_MODE, makeDataFile, makeDataFolder } from '../../kit/make-folder.ts'
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
      makeDataFolder(folder)
      makeDataFile(path)
      this.#db = keptAlive(new Database(path, { timeout: 0 }))
    } catch (error) {
      throw sqliteError(error, path)
    }
    try {
      this.#db.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      this.#db.close()
      if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) throw sqliteError(error, path)
      throw new EngineError('LOG_BUSY', `${holder(pidPath)} ${folder}`, error)
    }
    rmSync(pidPath, { force: true }) // a link is taken away and not followed
    writeFileSync(pidPath, `${process.pid}\n`, { flag: 'wx', mode: DATA_FILE_MODE })
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

/** Who holds the lock, as far as can be known: an engine writes its number as it takes it. */
function holder(path: string): string {
  const pid = pidIn(path)
  if (pid === null) return 'another process holds'
  return isAlive(pid)
    ? `another engine (process ${pid}) runs on`
    : `a process that is no engine (the last engine, process ${pid}, has ended) holds`
}

function pidIn(path: string): number | null {
  try {
    const text = lstatSync(path).isFile() ? readFileSync(path, 'utf8') : ''
    return /^[1-9]\d{0,9}\n$/.test(text) ? Number(text) : null
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
