import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** One level at a time: `recursive` never returns where a parent cannot be made, as below /proc. */
export function makeFolder(path: string, mode = 0o777): void {
  if (existsSync(path)) return
  makeFolder(dirname(path), mode)
  try {
    mkdirSync(path, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // another process was faster
  }
}

/** A folder for data: what is new of it, and every file that the process makes from now on, is its user's alone. */
export function makeDataFolder(path: string): void {
  process.umask(0o077)
  makeFolder(path, 0o700)
}
