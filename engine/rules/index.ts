/**
 * Rule files -> checked and compiled rules. `source/` reads YAML with positions, `check/` and `expression/` find every
 * fault, `compile/` puts the set together, `evaluate/` turns checked expressions into closures.
 */

export type { CostDoubt } from './check/definition.ts'
export { type Compiled, type CompileOptions, compileRuleSet, ruleSetForTest } from './compile/set.ts'
export { compileCondition, compileExpression } from './evaluate/compile.ts'
export type { AbstainReason, Scope } from './evaluate/scope.ts'
export { documentSchemaText } from './shape/document.ts'
export { formatIssues, formatIssuesJson } from './source/format.ts'
export { formatIssuesGithub, formatIssuesSarif } from './source/format-machines.ts'
export type { RuleIssue } from './source/issues.ts'
export {
  type Expectation,
  type FieldValue,
  hasEvents,
  type RuleTest,
  type TestStep,
} from './tests.ts'
