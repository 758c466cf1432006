import { expect, test } from 'vitest'
import { formatIssuesGithub, formatIssuesSarif } from './format-machines.ts'
import type { RuleIssue } from './issues.ts'

const issue: RuleIssue = {
  code: 'unknown-field',
  severity: 'error',
  file: 'rules/my, shop.yaml',
  line: 16,
  column: 30,
  length: 7,
  rule: 'burst',
  message: '"buyerid" is not 100%\na field',
  suggestion: 'did you mean "buyer_id"?',
}
const warning: RuleIssue = { ...issue, severity: 'warning', code: 'unused', suggestion: null, message: 'x' }

test('github: a workflow command a line', () => {
  expect(formatIssuesGithub([issue, warning])).toBe(
    '::error file=rules/my%2C shop.yaml,line=16,endLine=16,col=30,endColumn=37,title=unknown-field::' +
      '"buyerid" is not 100%25%0Aa field (did you mean "buyer_id"?)\n' +
      '::warning file=rules/my%2C shop.yaml,line=16,endLine=16,col=30,endColumn=37,title=unused::x\n',
  )
  expect(formatIssuesGithub([])).toBe('')
})

test('sarif: a run with its codes and places', () => {
  const sarif = JSON.parse(formatIssuesSarif([warning, issue]))
  expect(sarif).toMatchObject({ version: '2.1.0', runs: [{ tool: { driver: { name: 'lapwing' } } }] })
  expect(sarif.runs[0].tool.driver.rules).toEqual([{ id: 'unknown-field' }, { id: 'unused' }])
  expect(sarif.runs[0].results[1]).toEqual({
    ruleId: 'unknown-field',
    ruleIndex: 0,
    level: 'error',
    message: { text: '"buyerid" is not 100%\na field (did you mean "buyer_id"?)' },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'rules/my%2C%20shop.yaml' },
          region: { startLine: 16, startColumn: 30, endColumn: 37 },
        },
      },
    ],
  })
  expect(JSON.parse(formatIssuesSarif([])).runs[0].results).toEqual([])
})
