import type { RuleSource } from '../../model/block.ts'
import { textHash } from '../../model/rule-text.ts'

const EVERY_MS = 500

/**
 * Calls `changed` when what `read` gives has changed and then stayed as it is for half a second: whoever saves several
 * files, or one in pieces, is waited for. It reads them all each time, for no system tells of every change below a
 * folder. Returns what ends it.
 */
export function watchFiles(read: () => readonly RuleSource[], changed: () => void, everyMs = EVERY_MS): () => void {
  const look = (): string => {
    try {
      return textHash(read())
    } catch (error) {
      return String(error)
    }
  }
  let told = look()
  let last = told
  const timer = setInterval(() => {
    const now = look()
    if (now === last && now !== told) {
      told = now
      changed()
    }
    last = now
  }, everyMs)
  return () => clearInterval(timer)
}
