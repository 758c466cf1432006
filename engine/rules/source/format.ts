import { printable, printableLines } from '../../kit/printable.ts'
import type { RuleSource } from '../../model/block.ts'
import type { RuleIssue } from './issues.ts'
import { SourceText } from './text.ts'

const LINE_LENGTH_MAX = 160

/** The faults as a person reads them: place, code, the line, carets under the token, a way out. */
export function formatIssues(issues: readonly RuleIssue[], sources: readonly RuleSource[]): string {
  const texts = new Map(sources.map((s) => [s.path, new SourceText(s.path, s.text)]))
  return issues.map((issue) => formatIssue(issue, texts.get(issue.file))).join('\n')
}

/** The same for machines: one JSON array. */
export function formatIssuesJson(issues: readonly RuleIssue[]): string {
  return `${JSON.stringify(issues, null, 2)}\n`
}

function formatIssue(issue: RuleIssue, source: SourceText | undefined): string {
  const place = `${issue.file}:${issue.line}:${issue.column}`
  const head = `${printable(`${place}: ${issue.severity}[${issue.code}]: ${issue.message}`)}\n`
  const suggestion = issue.suggestion === null ? '' : printable(issue.suggestion)
  if (!source) return suggestion === '' ? head : `${head}  ${suggestion}\n`
  const { text, before, token } = excerpt(source.line(issue.line), issue.column - 1, issue.length)
  const number = String(issue.line)
  const gutter = `${' '.repeat(number.length)} |`
  const carets = '^'.repeat(Math.max(1, width(token)))
  const pointer = `${blank(before)}${carets}${suggestion === '' ? '' : ` ${suggestion}`}`
  return `${head}${gutter}\n${`${number} | ${text}`.trimEnd()}\n${gutter} ${pointer}\n`
}

/** A long line is shown around its token only. */
function excerpt(line: string, at: number, length: number): { text: string; before: string; token: string } {
  const end = Math.min(at + length, line.length)
  const shown = (from: number, until: number) => printableLines(line.slice(from, until))
  if (line.length <= LINE_LENGTH_MAX) {
    return {
      text: shown(0, at) + shown(at, end) + shown(end, line.length),
      before: shown(0, at),
      token: shown(at, end),
    }
  }
  const from = Math.max(0, at - 60)
  const until = Math.min(line.length, from + LINE_LENGTH_MAX)
  const lead = from > 0 ? '…' : ''
  const tail = until < line.length ? '…' : ''
  const tokenEnd = Math.min(end, until)
  const [before, token] = [`${lead}${shown(from, at)}`, shown(at, tokenEnd)]
  return { text: `${before}${token}${shown(tokenEnd, until)}${tail}`, before, token }
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/

function width(text: string): number {
  let cells = 0
  for (const c of text) cells += WIDE.test(c) || c.length > 1 ? 2 : 1
  return cells
}

/** As many cells of nothing as `text` takes; tabs stay tabs. */
function blank(text: string): string {
  let out = ''
  for (const c of text) out += c === '\t' ? '\t' : WIDE.test(c) || c.length > 1 ? '  ' : ' '
  return out
}
