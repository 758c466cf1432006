import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { systemText } from '../../../kit/system-error.ts'
import { EngineError } from '../../../model/errors.ts'

/** Where the report will be written. EngineError INPUT_MISSING when it cannot be: said before a long run, not after it. */
export function wantWritable(path: string): void {
  const isThere = existsSync(path)
  guarded(path, () => closeSync(openSync(path, 'a')))
  if (!isThere) rmSync(path)
}

export function writeReport(path: string, page: string): void {
  guarded(path, () => writeFileSync(path, page))
}

function guarded(path: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw new EngineError('INPUT_MISSING', `--report ${path} cannot be written: ${systemText(error)}`, error)
  }
}
