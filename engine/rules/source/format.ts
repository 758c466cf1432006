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
  const head = `${issue.file}:${issue.line}:${issue.column}: ${issue.severity}[${issue.code}]: ${issue.message}\n`
  if (!source) return issue.suggestion === null ? head : `${head}  ${issue.suggestion}\n`
  const { text, before, token } = excerpt(source.line(issue.line), issue.column - 1, issue.length)
  const number = String(issue.line)
  const gutter = `${' '.repeat(number.length)} |`
  const carets = '^'.repeat(Math.max(1, width(token)))
  const pointer = `${blank(before)}${carets}${issue.suggestion === null ? '' : ` ${issue.suggestion}`}`
  return `${head}${gutter}\n${`${number} | ${text}`.trimEnd()}\n${gutter} ${pointer}\n`
}

/** A long line is shown around its token only; control characters would move the terminal's cursor. */
function excerpt(line: string, at: number, length: number): { text: string; before: string; token: string } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be printed
  const clean = line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\u00b7')
  const end = Math.min(at + length, clean.length)
  if (clean.length <= LINE_LENGTH_MAX) {
    return { text: clean, before: clean.slice(0, at), token: clean.slice(at, end) }
  }
  const from = Math.max(0, at - 60)
  const until = Math.min(clean.length, from + LINE_LENGTH_MAX)
  const lead = from > 0 ? '…' : ''
  const tail = until < clean.length ? '…' : ''
  return {
    text: `${lead}${clean.slice(from, until)}${tail}`,
    before: `${lead}${clean.slice(from, at)}`,
    token: clean.slice(at, Math.min(end, until)),
  }
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
