import { DECIMAL_NULL_HIGH } from '../model/block.ts'
import type { Chunk, ColumnRef } from '../state/chunk.ts'
import { addToSquares, addToSum } from '../state/exact.ts'
import type { KeySpace } from '../state/key-space.ts'
import type { Feed } from './measures.ts'
import type { FeedGroup } from './plans.ts'

/** An event enters, or leaves, one window: what it feeds there. */
export type FeedEvent = (chunk: Chunk, at: number) => void

/**
 * All that events of one type feed in one window, as one JavaScript function: each key's cells are looked up once, each
 * column is read once. Its text is made of our own words and numbers only. What is short is written out, the rest is
 * asked of `Feed.apply`.
 */
export function generateFeed(
  groups: readonly FeedGroup[],
  spaces: readonly KeySpace[],
  bitWords: number,
  sign: 1 | -1,
): FeedEvent {
  const feeds: Feed[] = []
  const columns = new Set<string>()
  const body = groups.map(({ space, feeds: own }) => {
    const lines = own.map((feed) => {
      const code = feedCode(feed, feeds.push(feed) - 1, sign, bitWords, columns)
      if (feed.mask === 0) return code
      columns.add(bitsCode(feed.word, bitWords))
      return `if ((b${feed.word} & ${feed.mask}) !== 0) { ${code} }`
    })
    return `slot = chunk.slots[${space}][at]
if (slot >= 0) {
  const cells = spaces[${space}].writeCells(slot), base = spaces[${space}].baseOf(slot)
  ${lines.join('\n  ')}
}`
  })
  const text = `return (chunk, at) => { let slot = 0\n${[...columns].join('\n')}\n${body.join('\n')} }`
  const pairs = feeds.map((f) => f.pairCounts)
  const make = new Function('feeds', 'pairs', 'spaces', 'addToSum', 'addToSquares', text)
  return make(feeds, pairs, spaces, addToSum, addToSquares)
}

function bitsCode(word: number, bitWords: number): string {
  return `const b${word} = chunk.bits[at * ${bitWords} + ${word}]`
}

function feedCode(feed: Feed, f: number, sign: 1 | -1, bitWords: number, columns: Set<string>): string {
  const cell = `cells[base + ${feed.cell}]`
  const ask = `feeds[${f}].apply(cells, base, slot, chunk, at, ${sign})`
  switch (feed.kind) {
    case 'events':
      return `${cell} += ${sign}`
    case 'values':
      return `if (${isThere(feed.column as ColumnRef, columns)}) ${cell} += ${sign}`
    case 'sum':
    case 'squares': {
      const column = feed.column as ColumnRef
      if (column.store !== 'decimal') return ask
      const add = feed.kind === 'sum' ? 'addToSum' : 'addToSquares'
      const { index } = column
      return `if (${isThere(column, columns)}) ${add}(cells, base + ${feed.cell}, h${index}, l${index}, ${sign})`
    }
    case 'distinct': {
      const { index } = feed.column as ColumnRef
      const [code, word] = [`c${index}`, `b${feed.refusedWord}`]
      columns.add(`const ${code} = chunk.codes[${index}][at]`)
      if (sign === 1)
        return `if (${code} >= 0) {
  const n = pairs[${f}].add(slot, ${code}, 1)
  if (n === 1) ${cell} += 1
  else if (n === 0) feeds[${f}].refuse(chunk, at)
}`
      columns.add(bitsCode(feed.refusedWord, bitWords))
      return `if (${code} >= 0 && (${word} & ${feed.refusedMask}) === 0 && pairs[${f}].add(slot, ${code}, -1) === 0) ${cell} -= 1`
    }
    default:
      return ask
  }
}

/** A number that is not null; its column's value becomes a variable. */
function isThere({ store, index }: ColumnRef, columns: Set<string>): string {
  if (store === 'decimal') {
    columns.add(`const h${index} = chunk.highs[${index}][at], l${index} = chunk.lows[${index}][at]`)
    return `(h${index} !== ${DECIMAL_NULL_HIGH} || l${index} !== 0)`
  }
  columns.add(`const n${index} = chunk.numbers[${index}][at]`)
  return `n${index} === n${index}`
}
