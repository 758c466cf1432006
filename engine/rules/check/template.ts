import type { TemplateFormat, TemplatePart } from '../../model/rule.ts'
import { checkExpression } from '../expression/check.ts'
import type { Names } from '../expression/names.ts'
import { spanIn } from '../expression/parse.ts'
import { aType } from '../expression/wording.ts'
import type { Reporter } from '../source/issues.ts'
import { didYouMean } from '../source/suggest.ts'
import type { ExpressionText } from '../source/tree.ts'

const LENGTH_MAX = 1_000
const PARTS_MAX = 64

/** `text {expression|format} text` -> parts; `{{` and `}}` stand for braces. Null after reporting every fault. */
export function checkTemplate(source: ExpressionText, names: Names, report: Reporter): TemplatePart[] | null {
  const before = report.errorCount
  const pieces = splitTemplate(source, report)
  const parts: TemplatePart[] = []
  for (const piece of pieces) {
    if (piece.kind === 'text') parts.push({ text: piece.text })
    else {
      const part = checkPart(source, piece.start, piece.end, names, report)
      if (part) parts.push(part)
    }
  }
  return report.errorCount === before ? parts : null
}

export type Piece = { kind: 'text'; text: string } | { kind: 'expression'; start: number; end: number }

/** Where the braces of a template are. Also used for the templates of tests. */
export function splitTemplate(source: ExpressionText, report: Reporter): Piece[] {
  const { text } = source
  const pieces: Piece[] = []
  let plain = ''
  if (text.length > LENGTH_MAX) {
    report.error('bad-template', spanIn(source, 0, 1), `the text has ${text.length} characters; at most ${LENGTH_MAX}`)
    return pieces
  }
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if ((c === '{' || c === '}') && text[i + 1] === c) {
      plain += c
      i += 1
    } else if (c === '}') {
      report.error('bad-template', spanIn(source, i, i + 1), 'this "}" closes nothing', 'write }} for a brace')
    } else if (c === '{') {
      const end = closingBrace(text, i + 1)
      if (end === -1) {
        report.error('bad-template', spanIn(source, i, i + 1), 'this "{" is never closed', 'write {{ for a brace')
        break
      }
      if (plain !== '') pieces.push({ kind: 'text', text: plain })
      plain = ''
      pieces.push({ kind: 'expression', start: i + 1, end })
      i = end
    } else plain += c
  }
  if (plain !== '') pieces.push({ kind: 'text', text: plain })
  if (pieces.length > PARTS_MAX) report.error('bad-template', spanIn(source, 0, 1), `at most ${PARTS_MAX} parts`)
  return pieces
}

export function part(source: ExpressionText, start: number, end: number): ExpressionText {
  return { text: source.text.slice(start, end), offset: (i) => source.offset(start + i) }
}

function checkPart(
  source: ExpressionText,
  start: number,
  end: number,
  names: Names,
  report: Reporter,
): TemplatePart | null {
  const bar = formatBar(source.text, start, end)
  const inner = part(source, start, bar === -1 ? end : bar)
  if (inner.text.trim() === '') {
    report.error('bad-template', spanIn(source, start - 1, end + 1), 'there is nothing between the braces')
    return null
  }
  const typed = checkExpression(inner, names, report, null)
  const written = bar === -1 ? '' : source.text.slice(bar + 1, end).trim()
  const format = formatOf(written)
  if (bar !== -1 && !format) {
    const hint = didYouMean(written, ['pct', 'duration']) ?? 'the formats are .2 (digits), pct and duration'
    report.error('bad-template', spanIn(source, bar + 1, end), `"${written}" is not a format`, hint)
    return null
  }
  if (!typed) return null
  if (format && typed.type !== 'number' && typed.type !== 'unknown') {
    report.error(
      'type-mismatch',
      spanIn(source, start, bar),
      `the format "${written}" is for numbers, but this is ${aType(typed.type)}`,
    )
    return null
  }
  return { expression: typed.expression, format: format?.format ?? 'plain', digits: format?.digits ?? 0 }
}

function formatOf(written: string): { format: TemplateFormat; digits: number } | null {
  if (written === 'pct') return { format: 'percent', digits: 1 }
  if (written === 'duration') return { format: 'duration', digits: 0 }
  return /^\.\d$/.test(written) ? { format: 'fixed', digits: Number(written[1]) } : null
}

/** The `|` before the format: the last single one outside quotes; -1 if there is none. */
function formatBar(text: string, start: number, end: number): number {
  let found = -1
  for (let i = start; i < end; i++) {
    const c = text[i]
    if (c === '"' || c === "'") i = closingQuote(text, i)
    else if (c === '|' && text[i + 1] === '|') i += 1
    else if (c === '|') found = i
  }
  return found
}

function closingBrace(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const c = text[i]
    if (c === '"' || c === "'") i = closingQuote(text, i)
    else if (c === '}') return i
  }
  return -1
}

function closingQuote(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === '\\') i += 1
    else if (text[i] === text[from]) return i
  }
  return from // never closed: the expression's parser will say so
}
