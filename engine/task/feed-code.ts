import { DECIMAL_NULL_HIGH } from '../model/block.ts'
import type { Budget } from '../state/budget.ts'
import type { Chunk, ColumnRef } from '../state/chunk.ts'
import { addToSquares, addToSum } from '../state/exact.ts'
import type { KeySpace } from '../state/key-space.ts'
import type { RowMarks } from '../state/row-marks.ts'
import type { DistinctGroup, Feed } from './measures.ts'
import type { FeedGroup } from './plans.ts'

/** The event in `row` enters, or leaves, one window: what it feeds there. */
export type FeedEvent = (chunk: Chunk, at: number, row: number, nowMs: number) => void

interface Host {
  readonly spaces: readonly KeySpace[]
  readonly bitWords: number
  readonly marks: RowMarks
  /** Room for values, of which those in the longest window of a group take some. */
  readonly budget: Budget
  readonly windowMs: number
}

/**
 * All that events of one type feed in one window, as one JavaScript function: each key's cells are looked up once, each
 * column is read once. Its text is made of our own words and numbers only. What is short is written out, the rest is
 * asked of `Feed.apply`.
 */
export function generateFeed(
  groups: readonly FeedGroup[],
  { spaces, bitWords, marks, budget, windowMs }: Host,
  sign: 1 | -1,
): FeedEvent {
  const feeds: Feed[] = []
  const columns = new Set<string>()
  const body = groups.map(({ space, feeds: own }) => {
    const lines = own.map((feed) => {
      const f = feeds.push(feed) - 1
      const code = feed.group ? distinctCode(feed, f, sign, windowMs, columns) : feedCode(feed, f, sign, columns)
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
  const text = `return (chunk, at, row, nowMs) => { let slot = 0\n${[...columns].join('\n')}\n${body.join('\n')} }`
  const distinct = feeds.map((f) => f.group)
  const names = ['feeds', 'groups', 'spaces', 'marks', 'budget', 'addToSum', 'addToSquares']
  return new Function(...names, text)(feeds, distinct, spaces, marks, budget, addToSum, addToSquares)
}

function bitsCode(word: number, bitWords: number): string {
  return `const b${word} = chunk.bits[at * ${bitWords} + ${word}]`
}

function feedCode(feed: Feed, f: number, sign: 1 | -1, columns: Set<string>): string {
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
    default:
      return ask
  }
}

/** As LatestPairs has it: whether the value was in the window before the event, or is without it. */
function distinctCode(feed: Feed, f: number, sign: 1 | -1, windowMs: number, columns: Set<string>): string {
  const group = feed.group as DistinctGroup
  const { index } = feed.column as ColumnRef
  const [code, cell] = [`c${index}`, `cells[base + ${feed.cell}]`]
  columns.add(`const ${code} = chunk.codes[${index}][at]`)
  const isLongest = group.longestMs === windowMs
  if (sign === -1)
    return `if (${code} >= 0 && !marks.has(row, ${group.kind})) { ${cell} -= 1${isLongest ? '; budget.used--' : ''} }`
  if (!isLongest) return `if (${code} >= 0 && groups[${f}].sinceMs <= nowMs - ${windowMs}) ${cell} += 1`
  return `if (${code} >= 0) {
  const g = groups[${f}], sinceMs = g.pairs.arrive(slot, ${code}, chunk.timesMs[at], row, nowMs - ${windowMs})
  g.sinceMs = sinceMs
  if (sinceMs <= nowMs - ${windowMs}) ${cell} += 1
  else if (sinceMs !== sinceMs) feeds[${f}].refuse(chunk, at)
}`
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
