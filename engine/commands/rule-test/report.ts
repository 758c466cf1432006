import { printable } from '../../kit/printable.ts'
import type { Line, Pair } from './compare.ts'
import type { TestResult, Verdict } from './run.ts'

const ACTUAL_CHARS_MAX = 200

/** A failure with expected and actual side by side. */
export function failureText({ test, failed }: TestResult): string {
  const name = printable(`${test.rule}@${test.version}: ${test.name}`)
  const head = `FAIL ${name}\n     ${printable(test.file)}:${test.line}:${test.column}\n`
  return head + failed.map(verdictText).join('')
}

/** The same for machines. */
export function resultJson({ test, ok, failed }: TestResult): object {
  const { rule, version, name, file, line } = test
  return { rule, version, name, file, line, ok, failed: failed.map(verdictJson) }
}

function verdictJson({ of, pairs, nearest }: Verdict): object {
  return { of, nearest, pairs: pairs.filter((p) => !p.ok).map((p) => p.lines) }
}

function verdictText({ of, pairs, nearest }: Verdict): string {
  const wrong = pairs.filter((p) => !p.ok)
  const right = pairs.length - wrong.length
  const note = right > 0 ? ` (${right} more as expected)` : ''
  const rows: string[][] = [[of, 'expected', 'actual'], ...wrong.flatMap(rowsOf)].map((row) => row.map(printable))
  const widths = [0, 1].map((c) => Math.max(...rows.map((row) => row[c]!.length)))
  const table = rows.map(([name, expected, actual], i) => {
    const columns = `${name!.padEnd(widths[0]!)}  ${expected!.padEnd(widths[1]!)}  ${actual}`
    return `     ${columns}${i === 0 ? note : ''}`.trimEnd()
  })
  return `${table.join('\n')}\n${nearest === null ? '' : `     ${printable(nearest)}\n`}`
}

function rowsOf({ lines }: Pair): string[][] {
  return lines.map((line) => [
    `${line.ok ? ' ' : '✗'} ${line.name}`,
    cell(line, line.expected, 'nothing'),
    cell(line, line.actual, '(no such alert)'),
  ])
}

function cell({ name }: Line, text: string | null, absent: string): string {
  if (text !== null) return text.length > ACTUAL_CHARS_MAX ? `${text.slice(0, ACTUAL_CHARS_MAX)}…` : text
  return name === 'items' || name === 'ranking' ? '(no such ranking)' : absent
}
