import type { ColumnValue, MeasureValue } from '../model/output.ts'
import type { FixedValues, Scalar, Severity } from '../model/rule.ts'

export type FieldValue = string | number | boolean | null

/** One thing that happens in a rule test, with templates and repetitions already written out. */
export type TestStep =
  /** Nothing arrives until the clock stands at `advanceToMs`. */
  | { readonly advanceToMs: number }
  | {
      /** Event time, and when it is read: the clock of the input stands at the largest of these so far. */
      readonly atMs: number
      readonly arrivesMs: number
      readonly type: string
      /** Fields as the row gives them, typed as in the schema; those left out are null. */
      readonly fields: Readonly<Record<string, FieldValue>>
    }

export interface ExpectedItem {
  readonly id: string | number
  readonly values: Readonly<Record<string, ColumnValue>>
}

/** A row of `expect` or `expect_muted`; what is null was not asked for. */
export interface Expectation {
  readonly line: number
  readonly column: number
  /** Alert: when it opened. Ranking: its `as_of`. */
  readonly atMs: number | null
  /** Partial: only the names given are compared. For a ranking, its `per`. */
  readonly key: Readonly<Record<string, FieldValue>> | null
  readonly severity: Severity | null
  /** A list is compared as a whole. */
  readonly measure: Readonly<Record<string, MeasureValue>> | null
  /** Of a sequence: the name of a violation or match. */
  readonly violation: string | null
  readonly folded: number | null
  /** All of them; `events` null = not asked for. */
  readonly suspects: readonly { readonly value: FieldValue; readonly events: number | null }[] | null
  readonly explainContains: string | null
  /** Ranking: all items in order; of their other values those that were asked for. */
  readonly items: readonly ExpectedItem[] | null
}

/** A test of one rule or ranking, as its file has it. */
export interface RuleTest {
  readonly rule: string
  readonly version: number
  readonly name: string
  /** Where the test stands, for the output of a failure. */
  readonly file: string
  readonly line: number
  readonly column: number
  readonly startMs: number
  readonly eventCount: number
  /** Writes them out, in order of arrival; rows that arrive together in the order of the file. */
  readonly events: () => readonly TestStep[]
  /**
   * Null = not asked for. For a rule `[]` = quiet. For a ranking each row is compared with the record of that `as_of`
   * and `key`; further records are no fault, but `[]` allows none.
   */
  readonly expect: readonly Expectation[] | null
  readonly expectMuted: readonly Expectation[] | null
  /** Number of evaluations that abstained. */
  readonly expectAbstained: number | null
  readonly params: Readonly<Record<string, Scalar>>
  readonly lists: Readonly<Record<string, readonly (string | number)[]>>
  readonly features: Readonly<Record<string, readonly FixedValues[]>>
}

/** 2026-01-01T00:00Z */
export const TEST_START_MS = Date.UTC(2026, 0, 1)

/** Without an event every rule is quiet: that says nothing of this one. */
export function hasEvents({ eventCount }: RuleTest): boolean {
  return eventCount > 0
}
