import { createHash } from 'node:crypto'
import { type MapNode, plain } from '../source/tree.ts'

const NOT_BEHAVIOUR = new Set(['tests', 'mode'])

/** Hash of a document's body: comments, layout, order of keys, tests and mode do not count. */
export function bodyHash(node: MapNode): string {
  return hashOf(plain(node, NOT_BEHAVIOUR))
}

export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)
}
