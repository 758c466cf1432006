import type { SourceText, Span } from './text.ts'

/** Stable codes: they may be looked up, suppressed and tested for. */
export type IssueCode =
  // the file and its YAML
  | 'yaml-syntax'
  | 'yaml-tag'
  | 'yaml-ternary'
  | 'yaml-alias'
  | 'bad-encoding'
  | 'file-too-large'
  | 'duplicate-key'
  | 'empty-file'
  | 'not-a-mapping'
  // keys and values
  | 'unknown-kind'
  | 'unknown-key'
  | 'missing-key'
  | 'wrong-value'
  | 'bad-name'
  | 'bad-version'
  | 'bad-duration'
  | 'bad-date'
  | 'out-of-range'
  | 'window-too-long'
  | 'too-many'
  // names
  | 'duplicate-name'
  | 'duplicate-definition'
  | 'two-live-versions'
  | 'version-not-raised'
  | 'unknown-event-type'
  | 'unknown-field'
  | 'field-not-everywhere'
  | 'field-type-differs'
  | 'unknown-name'
  | 'unknown-measure'
  | 'unknown-param'
  | 'unknown-list'
  | 'unknown-feature'
  | 'feature-cycle'
  | 'list-file'
  | 'unknown-key-field'
  | 'unknown-function'
  | 'unknown-rule'
  | 'unknown-step'
  | 'not-in-scope'
  | 'unused'
  | 'unlikely-value'
  // doubtful, said by `check` only
  | 'unlikely-event-type'
  | 'constant-condition'
  | 'one-subnet-for-all'
  | 'first-only'
  | 'expired-exception'
  | 'no-owner'
  | 'no-quiet-test'
  | 'state-budget'
  | 'own-exchange'
  // expressions
  | 'expression-syntax'
  | 'expression-too-long'
  | 'expression-too-deep'
  | 'type-mismatch'
  | 'wrong-arguments'
  | 'unsafe-regex'
  | 'bad-zone'
  | 'bad-template'
  | 'event-needs-arrival'

/** One fault: where, what, and a way out. Line and column are 1-based; `length` is what the caret underlines. */
export interface RuleIssue {
  readonly code: IssueCode
  readonly severity: 'error' | 'warning'
  readonly file: string
  readonly line: number
  readonly column: number
  readonly length: number
  readonly rule: string | null
  readonly message: string
  /** Printed after the carets, such as `did you mean "buyer_id"?`. */
  readonly suggestion: string | null
}

/** Collects the faults of one document. */
export class Reporter {
  readonly source: SourceText
  readonly rule: string | null
  readonly #issues: RuleIssue[]
  #errorCount = 0

  constructor(source: SourceText, rule: string | null, issues: RuleIssue[]) {
    this.source = source
    this.rule = rule
    this.#issues = issues
  }

  /** The same collection for another document (or the same one, now that its id is known). */
  forRule(rule: string | null): Reporter {
    return new Reporter(this.source, rule, this.#issues)
  }

  error(code: IssueCode, span: Span, message: string, suggestion: string | null = null): void {
    this.#errorCount += 1
    this.#add('error', code, span, message, suggestion)
  }

  warning(code: IssueCode, span: Span, message: string, suggestion: string | null = null): void {
    this.#add('warning', code, span, message, suggestion)
  }

  get errorCount(): number {
    return this.#errorCount
  }

  #add(severity: 'error' | 'warning', code: IssueCode, span: Span, message: string, suggestion: string | null): void {
    const { line, column } = this.source.position(span.start)
    const room = this.source.line(line).length - column + 1
    const length = Math.max(1, Math.min(span.end - span.start, room))
    const { path: file } = this.source
    this.#issues.push({ code, severity, file, line, column, length, rule: this.rule, message, suggestion })
  }
}
