import { editDistance } from '../source/suggest.ts'

/** The one of `known` that `name`, of the same family, was likely meant to be; undefined if there is none. */
export function likelyType(name: string, known: readonly string[]): string | undefined {
  const family = name.slice(0, name.lastIndexOf('.') + 1)
  return known
    .filter((k) => k.startsWith(family))
    .find((k) => isNear(name.slice(family.length), k.slice(family.length)))
}

/** One edit apart, two in a longer word, or cut short: `creatd`, `create` for `created`. */
function isNear(word: string, known: string): boolean {
  const edits = word.length <= 5 ? 1 : 2
  return editDistance(word, known, edits + 1) <= edits || (word.length >= 3 && known.startsWith(word))
}
