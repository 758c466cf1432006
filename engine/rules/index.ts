/**
 * Rule files -> checked and compiled rules. `source/` reads YAML with positions, `check/` and `expression/` find every
 * fault, `compile/` puts the set together, `evaluate/` turns checked expressions into closures.
 */

export type { CostDoubt, Lint } from './check/definition.ts'
export type { ListItems } from './compile/lists.ts'
export { type Compiled, type CompileOptions, compileRuleSet, type RuleNote, ruleSetForTest } from './compile/set.ts'
export { compileCondition, compileExpression, compileNumber } from './evaluate/compile.ts'
export type { AbstainReason, Scope } from './evaluate/scope.ts'
export { compileTemplate, renderTemplate } from './evaluate/template.ts'
export { documentSchemaText } from './shape/document.ts'
export { formatIssues, formatIssuesJson } from './source/format.ts'
export { formatIssuesGithub, formatIssuesSarif } from './source/format-machines.ts'
export type { IssueCode, RuleIssue } from './source/issues.ts'
export {
  type Expectation,
  type ExpectedItem,
  type FieldValue,
  hasEvents,
  type RuleTest,
  TEST_START_MS,
  type TestStep,
} from './tests.ts'
