import { csvFields } from '../../kit/csv.ts'

/** `open`: the last field has no end yet; `stray`: a quote stands in a wrong place. */
export type RecordState = 'open' | 'stray' | 'closed'

interface Run {
  readonly start: number
  /** Behind the closing quote; -1: there is none. */
  readonly end: number
}

/**
 * How many lines of a record over several lines look like records of their own, because a quote that nobody closed took
 * them for text. 0: the field may well be a text of several lines.
 *
 * Open, stray  one such line inside is enough
 * Closed       all lines must be such ones, and four of them where there are fewer than five columns: a text of several
 *              lines may hold the delimiter too
 */
export function rowsInside(record: string, state: RecordState, columns: number, delimiter: string): number {
  const linesOf = (text: string) => text.split('\n').filter((line) => line.trim() !== '')
  const isRow = (line: string) => {
    const fields = csvFields(withoutReturn(line), delimiter)
    return line.split(delimiter).length === columns || (Array.isArray(fields) && fields.length === columns)
  }
  if (state !== 'closed') {
    const inside = linesOf(record.slice(runOver(record, state)?.start)).slice(1)
    return columns < 2 ? 0 : inside.filter(isRow).length
  }
  const lines = linesOf(record)
  const areEnough = columns >= 5 || (columns >= 2 && lines.length >= 4)
  return areEnough && lines.every(isRow) ? lines.length - 1 : 0
}

/** Where the field that goes on over lines begins: how many lines behind the record's first, and in which column, from 1. */
export function quoteOver(record: string, state: RecordState, delimiter: string): { lines: number; column: number } {
  const before = record.slice(0, runOver(record, state)?.start ?? 0)
  const fields = before === '' ? [] : csvFields(before.slice(0, -1), delimiter)
  return { lines: before.split('\n').length - 1, column: Array.isArray(fields) ? fields.length + 1 : 1 }
}

/** A carriage return outside quotes: the line ends of the input are not all of one kind. */
export function hasBareReturn(record: string): boolean {
  let at = 0
  for (const { start, end } of quotedRuns(record)) {
    if (record.slice(at, start).includes('\r')) return true
    at = end < 0 ? record.length : end
  }
  return record.slice(at).includes('\r')
}

/** As lines end that are cut at line feeds. */
export function withoutReturn(line: string): string {
  return line.charCodeAt(line.length - 1) === 13 ? line.slice(0, -1) : line
}

function runOver(record: string, state: RecordState): Run | undefined {
  const isOver = ({ start, end }: Run) => (state === 'open' ? end < 0 : record.slice(start, end).includes('\n'))
  return quotedRuns(record).find(isOver)
}

function quotedRuns(record: string): Run[] {
  const runs: Run[] = []
  for (let start = record.indexOf('"'); start >= 0; ) {
    let end = record.indexOf('"', start + 1)
    while (end >= 0 && record[end + 1] === '"') end = record.indexOf('"', end + 2)
    runs.push({ start, end: end < 0 ? -1 : end + 1 })
    start = end < 0 ? -1 : record.indexOf('"', end + 1)
  }
  return runs
}
