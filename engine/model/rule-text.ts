import { createHash } from 'node:crypto'
import type { RuleSource } from './block.ts'

/** Of what the files say, wherever they stand. */
export function textHash(files: readonly RuleSource[]): string {
  return createHash('sha256')
    .update(files.map((file) => file.text).join('\0'))
    .digest('hex')
}
