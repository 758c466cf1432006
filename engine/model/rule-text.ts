import { createHash } from 'node:crypto'
import type { RuleSource } from './block.ts'

/** Of what rules and lists say, wherever they stand; what lists read from files of their own is left out. */
export function rulesHash(files: readonly RuleSource[]): string {
  return textHash(files.filter((file) => !file.data))
}

/** Of what the files say, wherever they stand. */
export function textHash(files: readonly RuleSource[]): string {
  return createHash('sha256')
    .update(files.map((file) => file.text).join('\0'))
    .digest('hex')
}
