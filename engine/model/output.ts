import type { Mode, Scalar, Severity } from './rule.ts'

export type Cell = number | string | boolean | null
/** What a measure comes to; a list for `top`. */
export type MeasureValue = Cell | readonly (number | string | boolean)[]

/** Alert record, in the field names of the wire (RULES: "What comes out"). Times are epoch ms. */
export interface AlertRecord {
  readonly kind: 'alert'
  readonly alert_id: string
  readonly revision: number
  readonly status: 'open' | 'updated' | 'closed'
  readonly rule: string
  readonly version: number
  readonly rule_hash: string
  readonly mode: Mode
  readonly severity: Severity
  readonly violation: string | null
  readonly key: Readonly<Record<string, Cell>>
  /** Time on the rule's clock at which this record was written. */
  readonly event_time: number
  readonly first_seen: number
  readonly last_seen: number
  readonly folded: number
  readonly measures: Readonly<Record<string, MeasureValue>>
  readonly params: Readonly<Record<string, Scalar>>
  readonly window: { readonly start: number; readonly end: number }
  readonly episodes: number
  readonly suspects: readonly { readonly value: Cell; readonly events: number }[]
  readonly explain: string
  readonly evidence: Evidence | null
  /** Share of the window that the engine has seen, 0 to 1. */
  readonly coverage: number
  /** Where the event that opened the alert, by entering or leaving, stands in the source. */
  readonly source: SourcePosition
  /** What the record's own moment looked like; not in `open` records, nor in those of sequences. */
  readonly now?: AlertNow
  /** True: something was cut to its largest size (output-bounds.ts). Absent where nothing was. */
  readonly truncated?: boolean
}

export interface AlertNow {
  readonly measures: Readonly<Record<string, MeasureValue>>
  readonly explain: string
}

export interface Evidence {
  readonly events: readonly Readonly<Record<string, Cell>>[]
  readonly total: number
  readonly truncated: boolean
}

export interface SourcePosition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface RankingRecord {
  readonly kind: 'ranking'
  readonly ranking: string
  readonly version: number
  readonly per: Readonly<Record<string, Cell>>
  readonly as_of: number
  readonly window: { readonly start: number; readonly end: number }
  readonly items: readonly RankedItem[]
  /** True: the last items were cut off, and count as not ranked (output-bounds.ts). Absent where none were. */
  readonly truncated?: boolean
}

export interface RankedItem {
  readonly id: Cell
  readonly score: number
  readonly rank: number
  readonly previous_rank: number | null
  /** Columns by their names. */
  readonly [column: string]: ColumnValue
}

/** Lists of numbers are sparklines. */
export type ColumnValue = MeasureValue | readonly (number | null)[]

/** One row per event that a rule took, with the measures just after it; only where they were asked for. */
export interface MeasuresRecord {
  readonly kind: 'measures'
  readonly rule: string
  readonly key: Readonly<Record<string, Cell>>
  readonly event_id: string
  readonly event_time: number
  readonly measures: Readonly<Record<string, MeasureValue>>
  /** What the condition said on this arrival; null = the rule abstained. */
  readonly matched: boolean | null
}

export type Output = AlertRecord | RankingRecord | MeasuresRecord

/** What a task tells the others that share its rule set, itself included: a record of a control topic, once it is committed. */
export type Announcement =
  /** An alert put `item` on `list`, until `untilMs` of stream time; null = for ever. */
  | {
      readonly kind: 'list'
      readonly list: string
      readonly item: string | number
      readonly untilMs: number | null
      readonly atMs: number
    }
  /** `values` of a key, in the order of the feature's measures; null = it is not known any more. */
  | {
      readonly kind: 'feature'
      readonly feature: string
      readonly version: number
      readonly key: Cell
      readonly values: readonly MeasureValue[] | null
    }

/** A change of what a task must remember beyond its events (open alerts, last ranks): null = forget it. */
export interface StateChange {
  readonly key: string
  readonly value: string | null
}
