import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
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

/** A folder for data: what is new of it is its user's alone. */
export function makeDataFolder(path: string): void {
  makeFolder(path, 0o700)
}

/** Of files with data: their user's alone. */
export const DATA_FILE_MODE = 0o600

/** Makes an empty file with data where none is, for a library that opens it by its name. */
export function makeDataFile(path: string): void {
  closeSync(openSync(path, 'a', DATA_FILE_MODE))
}
