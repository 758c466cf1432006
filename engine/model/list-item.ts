import { isWellFormed } from '../kit/encodings.ts'
import { numberFromText } from '../kit/number-text.ts'
import type { ListItem } from './rule.ts'

/** Of an item that somebody writes. */
export const ITEM_CHARS_MAX = 1_000

/** What is wrong with `text` as an item of a list of `of`s; null: nothing. */
export function itemFault(text: string, of: 'string' | 'number'): string | null {
  if (text.trim() === '') return 'is blank'
  if (text.length > ITEM_CHARS_MAX) return `has ${text.length} characters, at most ${ITEM_CHARS_MAX} are allowed`
  if (!isWellFormed(text)) return 'has half a surrogate pair'
  return of === 'number' && !Number.isFinite(numberFromText(text)) ? 'is no number' : null
}

export function itemOf(text: string, of: 'string' | 'number'): ListItem {
  return of === 'string' ? text : numberFromText(text)
}
