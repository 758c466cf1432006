import type { RuleSource } from '../../model/block.ts'
import type { RuleIssue } from '../../rules/index.ts'
import { failureText } from './report.ts'
import type { TestResult } from './run.ts'

interface Case {
  readonly name: string
  readonly suite: string
  readonly failure: { readonly message: string; readonly text: string } | null
}

/** Results of rule tests: a suite for each rule. */
export function junitOfTests(results: readonly TestResult[]): string {
  return junit(
    'lapwing test',
    results.map(({ test, ok, ...rest }) => ({
      name: test.name,
      suite: `${test.rule}@${test.version}`,
      failure: ok ? null : { message: placeOf(test), text: failureText({ test, ok, ...rest }) },
    })),
  )
}

/** Faults of rule files: a suite for each file; a file without faults is a case that passed. Warnings do not fail. */
export function junitOfIssues(
  issues: readonly RuleIssue[],
  files: readonly RuleSource[],
  format: (issues: readonly RuleIssue[], files: readonly RuleSource[]) => string,
): string {
  const names = new Set([...files.map((f) => f.path), ...issues.map((i) => i.file)])
  const cases = [...names].flatMap((suite): Case[] => {
    const errors = issues.filter((i) => i.file === suite && i.severity === 'error')
    if (errors.length === 0) return [{ name: suite, suite, failure: null }]
    return errors.map((issue) => ({
      name: `${issue.line}:${issue.column} ${issue.code}`,
      suite,
      failure: { message: issue.message, text: format([issue], files) },
    }))
  })
  return junit('lapwing check', cases)
}

function junit(name: string, cases: readonly Case[]): string {
  const suites = [...new Set(cases.map((c) => c.suite))]
  const body = suites.map((suite) => {
    const own = cases.filter((c) => c.suite === suite)
    return `  <testsuite name=${quoted(suite)}${counts(own)}>\n${own.map(caseXml).join('')}  </testsuite>\n`
  })
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name=${quoted(name)}${counts(cases)}>\n`
  return `${head}${body.join('')}</testsuites>\n`
}

function counts(cases: readonly Case[]): string {
  return ` tests="${cases.length}" failures="${cases.filter((c) => c.failure).length}"`
}

function caseXml({ name, suite, failure }: Case): string {
  const head = `    <testcase name=${quoted(name)} classname=${quoted(suite)}`
  if (!failure) return `${head}/>\n`
  const { message, text } = failure
  return `${head}>\n      <failure message=${quoted(message)}>${escaped(text)}</failure>\n    </testcase>\n`
}

function placeOf({ file, line, column }: TestResult['test']): string {
  return `${file}:${line}:${column}`
}

function quoted(text: string): string {
  return `"${escaped(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;')}"`
}

/** Control characters have no place in XML, not even escaped. */
function escaped(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const clean = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\u00b7')
  return clean.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
