import type { Expression, ValueType } from './expression.ts'
import type { Cell, MeasureValue } from './output.ts'

export type Mode = 'live' | 'shadow' | 'off'
export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]
export type Scalar = number | string | boolean

/**
 * Calendar windows `[start, end)`: the longest stretches of time in which a zone's local time, counted from its
 * 1970-01-01T00:00, lies in one multiple of `lengthMs`.
 */
export interface Tumbling {
  /** Divides a day, or is a whole number of days. */
  readonly lengthMs: number
  /** IANA name. */
  readonly zone: string
}

/** A measure that is kept per key while events enter and leave its window. */
export interface RunningMeasure {
  readonly kind:
    | 'count'
    | 'distinct'
    | 'sum'
    | 'avg'
    | 'min'
    | 'max'
    | 'stddev'
    | 'last'
    | 'share'
    | 'top'
    | 'percentile'
  readonly name: string
  /** Field or let name that is measured; null for `count: events`. */
  readonly of: string | null
  /** The measure's own `where`, over and above the rule's; an event for which it abstains is not measured. */
  readonly where: Expression | null
  /** Sliding window `(t - windowMs, t]`; of a tumbling one, the most that it can last. */
  readonly windowMs: number
  readonly tumbling?: Tumbling
  /** The arriving event is left out. Of rules that are evaluated on arrival only. */
  readonly prior?: boolean
  /** `top`: how many values, 1 to 100. */
  readonly k?: number
  /** `percentile`: in percent, above 0, at most 100. */
  readonly p?: number
}

/** `a / b` of two other measures of the rule, taken when asked for. Abstains below a minimum sample and on b = 0. */
export interface RatioMeasure {
  readonly kind: 'ratio'
  readonly name: string
  readonly numerator: string
  readonly denominator: string
  /** Measure name -> least value at which the ratio counts. */
  readonly atLeast: Readonly<Record<string, number>>
  /** Those of `atLeast` that are params of the rule: measure name -> param. */
  readonly atLeastParams?: Readonly<Record<string, string>>
  /** Confidence of the Wilson interval whose lower end stands for the ratio, and its standard score: 0.95 and 1.96. */
  readonly lowerBound?: number
  readonly lowerBoundZ?: number
}

/** Read as `<name>.mean`, `<name>.stddev`, `<name>.points`: measures of those names to conditions and in alerts. */
export interface BaselineMeasure {
  readonly kind: 'baseline'
  readonly name: string
  /** A running measure or ratio of the rule, not a `prior` one. */
  readonly of: string
  readonly overMs: number
  readonly stepMs: number
  /** Zone of the steps: that of the measure's tumbling window; UTC for a sliding one. */
  readonly zone: string
  readonly minPoints: number
}

export type Measure = RunningMeasure | RatioMeasure | BaselineMeasure

export type TemplateFormat = 'plain' | 'fixed' | 'percent' | 'duration'
export type TemplatePart =
  | { readonly text: string }
  | { readonly expression: Expression; readonly format: TemplateFormat; readonly digits: number }

export interface Let {
  readonly name: string
  readonly type: ValueType
  readonly expression: Expression
}

export interface RuleException {
  readonly name: string
  readonly when: Expression
  readonly apply: 'mute_alert' | 'drop_event'
  readonly reason: string
  /** Stream time in epoch ms from which the exception is off. */
  readonly untilMs: number
}

/** What all these kinds of document have. `hash` is over the body (tests and comments left out). */
export interface Definition {
  readonly id: string
  readonly version: number
  readonly hash: string
  readonly title: string
  readonly owner: string
  readonly mode: Mode
  /** Exact event types. */
  readonly on: readonly string[]
  readonly lets: readonly Let[]
  /** Kept when true, and `unless` is not true: abstaining in `where` drops, in `unless` keeps. */
  readonly where: Expression | null
  readonly unless: Expression | null
  readonly settleMs: number
  readonly params: Readonly<Record<string, Scalar>>
}

export interface Rule extends Definition {
  readonly kind: 'rule'
  /** Field or let names. An event with a null among them is skipped for this rule, and counted. */
  readonly by: readonly string[]
  /** The rule's own window, as with measures: that of `window:` in the alert, evidence and suspects. */
  readonly windowMs: number
  readonly tumbling?: Tumbling
  readonly evaluate: 'every_change' | 'arrival'
  readonly measures: readonly Measure[]
  readonly when: Expression
  /** First level whose `when` is true; the last has `when` null ("otherwise"). */
  readonly severity: readonly { readonly level: Severity; readonly when: Expression | null }[]
  readonly exceptions: readonly RuleException[]
  /** Member of `by` that the alert is about. */
  readonly about: string
  readonly cooldownMs: number
  readonly suspects: { readonly of: string; readonly k: number } | null
  readonly explain: readonly TemplatePart[]
  readonly evidence: { readonly events: number; readonly fields: readonly string[] } | null
}

export interface SequenceStep {
  readonly name: string
  readonly on: readonly string[]
  readonly where: Expression | null
}

/** A step is awaited after the first of another, or after each one, or forbidden before another. */
export type Violation = {
  readonly name: string
  readonly severity: Severity
  readonly explain: readonly TemplatePart[]
} & (
  | {
      readonly kind: 'expect' | 'expect_each'
      readonly after: string
      readonly expect: readonly string[]
      readonly withinMs: number
    }
  | { readonly kind: 'forbid'; readonly forbid: string; readonly before: string }
)

/** Steps one after the other, for one key. */
export interface SequenceMatch {
  readonly name: string
  readonly order: readonly string[]
  readonly without: readonly string[]
  readonly withinMs: number
  readonly severity: Severity
  readonly explain: readonly TemplatePart[]
}

/** A rule over the order of a key's events. `on` has the types of all steps. */
export interface SequenceRule extends Definition {
  readonly kind: 'sequence'
  readonly by: readonly string[]
  readonly steps: readonly SequenceStep[]
  /** Longer than every `withinMs` of the violations. */
  readonly forgetAfterMs: number
  readonly violations: readonly Violation[]
  readonly matches: readonly SequenceMatch[]
  readonly exceptions: readonly RuleException[]
  readonly about: string
  readonly cooldownMs: number
}

/** What a ranking says of each item beside its score: a measure over its window, or a look back at its own rankings. */
export type RankingColumn =
  | RunningMeasure
  /** The rank `overMs` ago minus the rank now; null if the item did not stand in that ranking. */
  | { readonly kind: 'rank_change'; readonly name: string; readonly overMs: number }
  /** The scores in `points` rankings, `stepMs` apart, up to this one; null where the item did not stand. */
  | { readonly kind: 'sparkline'; readonly name: string; readonly points: number; readonly stepMs: number }

export interface Ranking extends Definition {
  readonly kind: 'ranking'
  readonly rank: string
  readonly per: readonly string[]
  /** Window `[asOf - windowMs, asOf)`, taken at every multiple of stepMs since the epoch. */
  readonly windowMs: number
  readonly stepMs: number
  /** Event type -> points, for every type of `on`; 1 each when the file gives no score. */
  readonly weights: Readonly<Record<string, number>>
  /** At most so many points per value of `per` and item. */
  readonly cap: { readonly per: string; readonly points: number } | null
  readonly limit: number
  /** `all`: every item tied with the last one is kept; else ties are decided by item id, in that direction. */
  readonly ties: 'all' | 'asc' | 'desc'
  readonly columns: readonly RankingColumn[]
}

/** Measures that other definitions read, by key, as they stood at the last multiple of `everyMs` of stream time. */
export interface Feature extends Definition {
  readonly kind: 'feature'
  /** One field or let name: what the feature is read by. */
  readonly by: readonly string[]
  readonly windowMs: number
  readonly tumbling?: Tumbling
  readonly everyMs: number
  /** Running ones that are not `prior`, and ratios. */
  readonly measures: readonly Measure[]
  /** What it says in a test, in place of what it would publish. */
  readonly fixed?: readonly FixedValues[]
}

/** Measures of a key; those that are not named are null. */
export interface FixedValues {
  readonly key: Cell
  readonly measures: Readonly<Record<string, MeasureValue>>
}

export type ListItem = string | number

/** What a list holds beyond the items that its file names. */
export type ListSource =
  /** `path` as the rule file's own; `column` of a CSV file with a header, null = an item a line. */
  | { readonly kind: 'file'; readonly path: string; readonly column: string | null }
  | { readonly kind: 'topic'; readonly topic: string }
  /** What the live alerts of a rule are about, each for so long from its latest record on; null = for ever. */
  | { readonly kind: 'alerts'; readonly rule: string; readonly ttlMs: number | null }

/** Changed items that a list may have. */
export const LIST_ITEMS_MAX = 100_000

export interface NamedList {
  readonly id: string
  readonly kind: 'allow' | 'deny' | 'watch'
  readonly of: 'string' | 'number'
  readonly items: readonly ListItem[]
  readonly source?: ListSource
}

/** A checked and compiled set of rule files. `off` documents are not in it. */
export interface RuleSet {
  /** Over all bodies, lists included. */
  readonly hash: string
  readonly rules: readonly Rule[]
  readonly sequences: readonly SequenceRule[]
  readonly rankings: readonly Ranking[]
  readonly lists: readonly NamedList[]
  readonly features: readonly Feature[]
  /**
   * There where several tasks share a rule set, and this is the part of one of them: features are read, and lists are fed by
   * alerts, through control topics. `features`: those that are read here, in the order of the files.
   */
  readonly shared?: { readonly features: readonly Feature[] }
}

export function isFed(
  list: NamedList,
): list is NamedList & { readonly source: Extract<ListSource, { kind: 'alerts' }> } {
  return list.source?.kind === 'alerts'
}

/** Measures kept per key; ratios and baselines are made of them. */
export function isRunning(measure: Measure): measure is RunningMeasure {
  return measure.kind !== 'ratio' && measure.kind !== 'baseline'
}
