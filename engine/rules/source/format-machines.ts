import type { RuleIssue } from './issues.ts'

/** Annotations of a pull request: workflow commands of GitHub Actions, one a line. */
export function formatIssuesGithub(issues: readonly RuleIssue[]): string {
  return issues.map((issue) => `${githubLine(issue)}\n`).join('')
}

function githubLine({ severity, file, line, column, length, code, message, suggestion }: RuleIssue): string {
  const place = { file, line, endLine: line, col: column, endColumn: column + length, title: code }
  const properties = Object.entries(place).map(([name, value]) => `${name}=${escapeProperty(String(value))}`)
  return `::${severity} ${properties.join(',')}::${escapeData(withSuggestion(message, suggestion))}`
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

/** SARIF 2.1.0, as code scanning reads it. */
export function formatIssuesSarif(issues: readonly RuleIssue[]): string {
  const codes = [...new Set(issues.map((i) => i.code))].sort()
  const driver = { name: 'lapwing', rules: codes.map((id) => ({ id })) }
  const results = issues.map((issue) => sarifResult(issue, codes.indexOf(issue.code)))
  const run = { tool: { driver }, columnKind: 'utf16CodeUnits', results }
  const $schema = 'https://json.schemastore.org/sarif-2.1.0.json'
  return `${JSON.stringify({ $schema, version: '2.1.0', runs: [run] }, null, 2)}\n`
}

function sarifResult(
  { code, severity, file, line, column, length, message, suggestion }: RuleIssue,
  ruleIndex: number,
) {
  const region = { startLine: line, startColumn: column, endColumn: column + length }
  const artifactLocation = { uri: file.split(/[\\/]/).map(encodeURIComponent).join('/') }
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: withSuggestion(message, suggestion) },
    locations: [{ physicalLocation: { artifactLocation, region } }],
  }
}

function withSuggestion(message: string, suggestion: string | null): string {
  return suggestion === null ? message : `${message} (${suggestion})`
}
