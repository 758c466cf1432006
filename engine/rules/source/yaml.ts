import { type Document, isScalar, parseAllDocuments, Scalar, visit, type YAMLError } from 'yaml'
import type { Span } from './text.ts'

export interface YamlFault {
  readonly code: 'yaml-syntax' | 'yaml-tag' | 'yaml-ternary'
  readonly span: Span
  readonly message: string
  readonly suggestion: string | null
}

export interface YamlText {
  readonly documents: readonly Document.Parsed[]
  readonly faults: readonly YamlFault[]
  /** Where values stood that no YAML parser understands: they were replaced by plain text of the same length. */
  readonly broken: ReadonlySet<number>
  /** False when a whole document had to be given up. */
  readonly complete: boolean
}

const ROUNDS_MAX = 50
const WORK_MAX = 16 << 20

/**
 * Parses `text` in spite of its faults: a value that breaks the structure is written over, a document that cannot be
 * saved is blanked, and the rest is parsed again, so that one run finds the faults of all of it. Offsets stay.
 */
export function parseYaml(text: string): YamlText {
  const faults: YamlFault[] = []
  const broken = new Set<number>()
  let complete = true
  let work = text
  for (let round = 0; ; round++) {
    const parsed = parseAllDocuments(work, { prettyErrors: false, uniqueKeys: false, logLevel: 'silent' })
    const documents = Array.isArray(parsed) ? parsed : []
    const first = firstError(documents)
    if (!first) return { documents, faults, broken, complete }
    const { error, document } = first
    const value = brokenValue(error, work)
    const fault = describe(error, document, text, value)
    // a value that was written over and is still broken: it is the structure around it
    if (!faults.some((f) => f.span.start === fault.span.start && f.message === fault.message)) faults.push(fault)
    if (round >= ROUNDS_MAX || round * work.length > WORK_MAX) return { documents: [], faults, broken, complete: false }
    if (value && !broken.has(value.start)) {
      broken.add(value.start)
      work = overwrite(work, value, 'x')
    } else {
      complete = false
      work = overwrite(work, documentAround(work, error.pos[0]), ' ')
    }
  }
}

function firstError(documents: readonly Document.Parsed[]): { error: YAMLError; document: Document.Parsed } | null {
  let best: { error: YAMLError; document: Document.Parsed } | null = null
  for (const document of documents) {
    const tags = document.warnings.filter((w) => w.code === 'TAG_RESOLVE_FAILED')
    for (const error of [...tags, ...document.errors]) {
      if (!best || error.pos[0] < best.error.pos[0]) best = { error, document }
    }
  }
  return best
}

/** The value that is at fault, if the fault is in one value and not in the structure. */
function brokenValue(error: YAMLError, text: string): Span | null {
  const [at] = error.pos
  const lineStart = text.lastIndexOf('\n', at - 1) + 1
  const before = text.slice(lineStart, at)
  switch (error.code) {
    case 'TAG_RESOLVE_FAILED':
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'BLOCK_IN_FLOW':
    case 'BAD_SCALAR_START':
      return valueFrom(text, at, error.code === 'BLOCK_IN_FLOW' || opensFlow(before))
    case 'UNEXPECTED_TOKEN': {
      // `"a" == b`: a quoted value and then more
      const value = /(?:^\s*|[:,[{-]\s+)(?=(?:"[^"\n]*"|'[^'\n]*')\s+$)/.exec(before)
      return value ? valueFrom(text, lineStart + value.index + value[0].length, opensFlow(before)) : null
    }
    default:
      return null
  }
}

function opensFlow(before: string): boolean {
  const plain = before.replace(/"[^"]*"|'[^']*'/g, '')
  return /[[{][^\]}]*$/.test(plain)
}

/** From `start` to the end of the value: of the line, or in a flow to the comma or bracket that ends it. */
function valueFrom(text: string, start: number, inFlow: boolean): Span | null {
  let end = start
  let depth = 0
  for (; end < text.length && text[end] !== '\n'; end++) {
    const c = text[end]
    if (c === '#' && /\s/.test(text[end - 1] ?? '')) break
    if (!inFlow) continue
    if (c === '"' || c === "'") {
      const close = text.indexOf(c, end + 1)
      const lineEnd = text.indexOf('\n', end)
      if (close !== -1 && (lineEnd === -1 || close < lineEnd)) end = close
    } else if ('([{'.includes(c)) depth += 1
    else if (depth === 0 && ')]},'.includes(c)) break
    else if (')]}'.includes(c)) depth -= 1
  }
  while (end > start && /\s/.test(text[end - 1])) end -= 1
  return end > start ? { start, end } : null
}

function documentAround(text: string, at: number): Span {
  const starts = [0, ...[...text.matchAll(/^---(?=\s|$)/gm)].map((m) => m.index + 3), text.length + 1]
  const next = starts.findIndex((s) => s > at)
  const end = starts[next] - 3
  return { start: starts[next - 1], end: next === starts.length - 1 ? text.length : end }
}

function overwrite(text: string, { start, end }: Span, by: string): string {
  return text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, by) + text.slice(end)
}

function describe(error: YAMLError, document: Document.Parsed, text: string, value: Span | null): YamlFault {
  const [start, end] = error.pos
  if (error.code === 'TAG_RESOLVE_FAILED') {
    const message = `a value that begins with "!" is a YAML tag: ${text.slice(start, end)}`
    return { code: 'yaml-tag', span: { start, end }, message, suggestion: 'put the value in quotes, or use unless:' }
  }
  const nested = error.code === 'BLOCK_AS_IMPLICIT_KEY' || error.code === 'BLOCK_IN_FLOW'
  const ternary = nested && value ? /\s\?\s[^#]*:/.exec(text.slice(value.start, value.end)) : null
  if (value && ternary) {
    const at = value.start + ternary.index + 1
    const message = '"a ? b : c" needs quotes: YAML takes the colon for a mapping'
    return {
      code: 'yaml-ternary',
      span: { start: at, end: at + 1 },
      message,
      suggestion: 'put the whole expression in quotes',
    }
  }
  const { message, suggestion, at } = explain(error, document, text)
  const from = Math.max(0, Math.min(at ?? start, text.length - 1))
  return {
    code: 'yaml-syntax',
    span: { start: from, end: at === null ? Math.max(end, from + 1) : from + 1 },
    message,
    suggestion,
  }
}

function explain(
  error: YAMLError,
  document: Document.Parsed,
  text: string,
): { message: string; suggestion: string | null; at: number | null } {
  const at = null
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { message: 'a tab cannot indent YAML', suggestion: 'use blanks', at }
    case 'BLOCK_AS_IMPLICIT_KEY':
      if (document.errors.some((e) => e.code === 'MULTILINE_IMPLICIT_KEY' && e.pos[0] === error.pos[0]))
        return { message: 'the line below is indented as if it belonged to this value', suggestion: null, at }
      return { message: 'a second ": " on one line', suggestion: 'put the value in quotes', at }
    case 'BLOCK_IN_FLOW':
      return { message: 'a second ": " on one line', suggestion: 'put the value in quotes', at }
    case 'BAD_SCALAR_START': {
      const c = JSON.stringify(text[error.pos[0]] ?? '')
      return { message: `a value cannot begin with ${c}`, suggestion: 'put it in quotes', at }
    }
    case 'UNEXPECTED_TOKEN':
      return { message: 'this does not belong here', suggestion: 'put the whole value in quotes', at }
    case 'RESOURCE_EXHAUSTION':
      return { message: 'nested too deeply', suggestion: null, at }
    case 'BAD_INDENT':
    case 'MISSING_CHAR': {
      if (/quote/.test(error.message))
        return { message: 'this quote is never closed', suggestion: null, at: openQuote(document, error.pos[0]) }
      const bracket = /end with a ([\]}])/.exec(error.message)?.[1]
      if (!bracket) return { message: error.message, suggestion: null, at }
      return {
        message: `a "${bracket === ']' ? '[' : '{'}" before this is never closed`,
        suggestion: `add the missing "${bracket}"`,
        at,
      }
    }
    default:
      return { message: error.message, suggestion: null, at }
  }
}

/** Where the quoted text begins that ends, unclosed, at `end`. */
function openQuote(document: Document.Parsed, end: number): number | null {
  let found: number | null = null
  visit(document, {
    Scalar(_, node) {
      const quoted = isScalar(node) && (node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE)
      if (quoted && node.range && node.range[0] < end && node.range[1] >= end - 1) found = node.range[0]
    },
  })
  return found
}
