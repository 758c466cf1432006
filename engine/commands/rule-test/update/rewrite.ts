import { isMap, isScalar, isSeq, type Node, type Pair, parseAllDocuments, type YAMLMap, type YAMLSeq } from 'yaml'
import type { Correction } from './corrections.ts'
import { flow } from './flow.ts'

/** A test of a file: the number of its document and its number there. Stays true while expectations change. */
export interface Place {
  readonly document: number
  readonly test: number
}

export type ListKey = 'expect' | 'expect_muted'

/** Rows of a list of expectations: by number what to correct or that it goes, and what comes after them. */
export interface RowChanges {
  readonly corrected: ReadonlyMap<number, readonly Correction[]>
  readonly dropped: ReadonlySet<number>
  readonly added: readonly object[]
}

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

export function placeOf(text: string, name: string, line: number): Place | null {
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length
  for (const [document, { contents }] of documentsOf(text).entries()) {
    const tests = isMap(contents) ? contents.get('tests', true) : null
    if (!isSeq(tests)) continue
    const test = tests.items.findIndex(
      (item) => isMap(item) && item.get('name') === name && lineOf(firstOf(item)) === line,
    )
    if (test >= 0) return { document, test }
  }
  return null
}

export function setCount(text: string, place: Place, key: string, value: number): string {
  const node = testAt(text, place).get(key, true)
  return edited(text, isScalar(node) ? [replacing(node, String(value))] : [])
}

/** `text` with other rows in one list of one test; every other character stays as it is. */
export function changeRows(text: string, place: Place, key: ListKey, changes: RowChanges): string {
  const corrected = edited(text, correctionEdits(listAt(text, place, key), changes.corrected))
  if (changes.dropped.size === 0 && changes.added.length === 0) return corrected
  const out = edited(corrected, listEdits(corrected, place, key, changes))
  return text.includes('\r\n') ? out.replace(/\r?\n/g, '\r\n') : out
}

function correctionEdits(list: YAMLSeq, corrected: RowChanges['corrected']): Edit[] {
  return [...corrected].flatMap(([row, corrections]) =>
    corrections.map(({ path, value }) =>
      replacing((list.items[row] as YAMLMap).getIn(path, true) as Node, flow(value)),
    ),
  )
}

function listEdits(text: string, place: Place, key: ListKey, { dropped, added }: RowChanges): Edit[] {
  const list = listAt(text, place, key)
  const rows = list.items as Node[]
  const kept = rows.filter((_, i) => !dropped.has(i))
  const news = added.map(flow)
  if (list.flow && (kept.length > 0 || (rows.length === 0 && news.length === 1)))
    return flowEdits(text, list, dropped, news)
  const owner = testAt(text, place).items.find((pair) => isScalar(pair.key) && pair.key.value === key) as Pair<Node>
  const afterColon = text.indexOf(':', owner.key.range![1]) + 1
  const whole = { start: afterColon, end: contentEnd(text, list) }
  if (kept.length + news.length === 0) return [{ ...whole, text: ' []' }]
  if (kept.length > 0) return blockEdits(text, rows, dropped, news)
  const margin = testAt(text, place).flow ? null : ' '.repeat(columnOf(text, owner.key.range![0]) + 2)
  const written = margin === null ? ` [${news.join(', ')}]` : news.map((row) => `\n${margin}- ${row}`).join('')
  return [{ ...whole, text: written }]
}

/** `[a, b]`: on one line it is written anew; on several, what goes is cut out and the commas of the rest stay. */
function flowEdits(text: string, list: YAMLSeq, dropped: ReadonlySet<number>, news: string[]): Edit[] {
  const [start, end] = list.range!
  const rows = list.items as Node[]
  const lead = rows.length > 0 ? text.slice(start + 1, rows[0]!.range![0]) : ''
  if (!lead.includes('\n')) {
    const kept = rows.filter((_, i) => !dropped.has(i)).map((node) => text.slice(node.range![0], node.range![1]))
    return [{ start, end, text: `[${[...kept, ...news].join(', ')}]` }]
  }
  const cuts = rows.filter((_, i) => dropped.has(i)).map((node) => cut(text, node))
  const [, last] = rows.at(-1)!.range!
  return [...cuts, { start: last, end: last, text: news.map((row) => `,${lead}${row}`).join('') }]
}

/** An item of such a list with its comma, and its lines if nothing else stands on them. */
function cut(text: string, node: Node): Edit {
  const [start, itemEnd] = node.range!
  const end = /^\s*,/.test(text.slice(itemEnd)) ? text.indexOf(',', itemEnd) + 1 : itemEnd
  const isAlone =
    text.slice(lineStart(text, start), start).trim() === '' && /^[ \r]*$/.test(text.slice(end, lineEnd(text, end)))
  return isAlone ? { start: lineStart(text, start), end: lineEnd(text, end) + 1, text: '' } : { start, end, text: '' }
}

/** Rows that begin with a dash: whole lines go and come. */
function blockEdits(text: string, rows: readonly Node[], dropped: ReadonlySet<number>, news: string[]): Edit[] {
  const edits = rows.flatMap((node, i): Edit[] => {
    if (!dropped.has(i)) return []
    return [{ start: lineStart(text, node.range![0]), end: lineEnd(text, contentEnd(text, node)) + 1, text: '' }]
  })
  const last = rows.at(-1)!
  const dash = text.lastIndexOf('-', last.range![0] - 1)
  const margin = text.slice(lineStart(text, dash), dash)
  const at = Math.min(lineEnd(text, contentEnd(text, last)) + 1, text.length)
  const lines = news.map((row) => `${margin}- ${row}\n`).join('')
  const needsBreak = text[at - 1] !== '\n'
  return [...edits, { start: at, end: at, text: needsBreak && lines !== '' ? `\n${lines}` : lines }]
}

function documentsOf(text: string) {
  const documents = parseAllDocuments(text, { logLevel: 'silent' })
  return Array.isArray(documents) ? documents : []
}

function testAt(text: string, { document, test }: Place): YAMLMap {
  return documentsOf(text)[document]!.getIn(['tests', test], true) as YAMLMap
}

function listAt(text: string, place: Place, key: ListKey): YAMLSeq {
  return testAt(text, place).getIn([key], true) as YAMLSeq
}

function firstOf(map: YAMLMap): number {
  return (map.items[0]!.key as Node).range![0]
}

function replacing(node: Node, text: string): Edit {
  return { start: node.range![0], end: node.range![1], text }
}

/** Where what a node says ends, without the blank lines that YAML counts to it. */
function contentEnd(text: string, node: Node): number {
  return node.range![0] + text.slice(node.range![0], node.range![1]).trimEnd().length
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end === -1 ? text.length : end
}

function columnOf(text: string, at: number): number {
  return at - lineStart(text, at)
}

function edited(text: string, edits: readonly Edit[]): string {
  let out = text
  for (const { start, end, text: now } of [...edits].sort((a, b) => b.start - a.start || b.end - a.end))
    out = out.slice(0, start) + now + out.slice(end)
  return out
}
