import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** One level at a time: `recursive` never returns where a parent cannot be made, as below /proc. */
export function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // another process was faster
  }
}
