import type { Counter } from '../model/counters.ts'
import type { Value } from '../model/expression.ts'
import type { Ranking, RankingColumn, Rule } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import type { ConditionCode, GeneratedCondition } from '../rules/evaluate/generate.ts'
import type { ColumnRef } from '../state/chunk.ts'
import type { Baseline } from './baseline.ts'
import type { RowScope } from './context.ts'
import type { FeatureBoard } from './feature-board.ts'
import type { FeedEvent } from './feed-code.ts'
import type { Feed } from './measures.ts'
import type { RuleClass } from './rule-class.ts'
import type { SequencePlan } from './sequence/plan.ts'
import type { TumblingFeeds, TumblingWindow } from './tumbling.ts'

export type Condition = () => boolean | undefined

/** One bit that says whether an event passed a `where`. Asked once an event, when it is read. */
export interface Filter {
  readonly word: number
  readonly mask: number
  /** The rule's filter that this measure's filter narrows. */
  readonly parent: Filter | null
  readonly passes: () => boolean
}

/** Running numbers of one key space that events of one type feed. */
export interface FeedGroup {
  readonly space: number
  readonly feeds: Feed[]
}

/** What hears of a key's events before they enter and before they leave: baselines and features. */
export interface KeyWatcher {
  /** An event of time `timeMs` is about to enter. */
  arrive(slot: number, timeMs: number, nowMs: number): void
  /** What the measures say behind `throughMs` is about to change. */
  catchUp(slot: number, throughMs: number): void
}

/** A baseline, or feature, that hears of events of one type that its definition takes. */
export interface BaselineUse {
  readonly baseline: KeyWatcher
  readonly space: number
  readonly filter: Filter | null
}

export interface BaselinePlan {
  readonly baseline: Baseline
  readonly space: number
  readonly clock: number
}

/** A measure's value just before the event at hand entered. */
export interface PriorValue {
  readonly read: () => Value
  value: Value
}

/** One window length on one clock: a cursor, what its events feed, and whom their leaving touches. By type index. */
export interface WindowPlan {
  readonly windowMs: number
  readonly groups: FeedGroup[][]
  /** What `groups` come to for an event that enters, and for one that leaves. */
  enter: FeedEvent[]
  leave: FeedEvent[]
  readonly touches: RuleClass[][]
  /** All rules that look at this window; `touches` are those that want to hear of departures. */
  readonly takers: RuleClass[][]
  /** Tumbling windows' feeds whose events are let go here. */
  readonly retires: TumblingFeeds[][]
  readonly baselines: BaselineUse[][]
  /** Key spaces whose events end here: this is the longest window over them. */
  readonly releases: number[]
}

export interface ClockPlan {
  readonly settleMs: number
  /** Longest first. */
  readonly windows: WindowPlan[]
  readonly tumbling: TumblingWindow[]
  readonly rules: RulePlan[]
  /** Rankings on this clock, by their index. */
  readonly boards: number[]
  /** By type index: rules to evaluate when an event enters. */
  readonly arrivals: RuleClass[][]
  /** By type index: rules with measures that are taken before an event enters. */
  readonly priors: RulePlan[][]
  readonly baselines: BaselineUse[][]
  /** By type index: sequences that take the type. */
  readonly sequences: SequencePlan[][]
}

/** An exception that mutes. */
export interface MutePlan {
  readonly untilMs: number
  readonly when: Condition
  readonly counter: Counter
}

export interface RulePlan {
  readonly index: number
  readonly rule: Rule
  readonly space: number
  readonly clock: number
  readonly filter: Filter | null
  /** Longest sliding window the rule looks at, 0 = none, and tumbling ones: an event is taken when one of them holds it. */
  readonly longestMs: number
  readonly tumbling: readonly TumblingWindow[]
  /** The rule's own window, if it tumbles. */
  readonly ownTumbling: TumblingWindow | null
  readonly priors: readonly PriorValue[]
  /** Departures concern only keys with an alert. */
  readonly falls: boolean
  readonly scope: RowScope
  readonly when: GeneratedCondition
  readonly condition: ConditionCode
  readonly severities: readonly { readonly rank: number; readonly when: Condition | null }[]
  readonly mutes: readonly MutePlan[]
  readonly explain: () => string
  /** The same by the clock, with no event at hand. */
  readonly explainAtClose: () => string
  readonly measures: readonly { readonly name: string; readonly read: () => Value }[]
  /** Events in the rule's own window, for `evidence.total`. */
  readonly total: () => Value
  readonly key: readonly (() => Value)[]
  readonly suspects: ColumnRef | null
  /** Suspects that found no room in their alert. */
  readonly suspectsRefused: Counter
  readonly evidence: readonly { readonly name: string; readonly read: () => Value }[]
  readonly nullKeys: Counter
  /** Events whose key found no room. */
  readonly keysRefused: Counter
  readonly alertsRefused: Counter
  readonly outputsCut: Counter
  /** Looks back over a key's events that ended at the limit. */
  readonly walksCut: Counter
  /** Late events that none of the rule's windows holds any more. */
  readonly missed: Counter
  /** By the reason's place in ABSTAIN_REASONS. */
  readonly abstained: readonly Counter[]
}

/** A column as it is read of the key at hand; null = it looks back at rankings. */
export interface ColumnPlan {
  readonly column: RankingColumn
  readonly read: (() => Value) | null
}

export interface RankingPlan {
  readonly ranking: Ranking
  readonly space: number
  readonly filter: Filter | null
  readonly events: Feed
  readonly points: Feed
  readonly columns: readonly ColumnPlan[]
  readonly nullKeys: Counter
  readonly keysRefused: Counter
  /** Rankings that were cut to their largest size. */
  readonly outputsCut: Counter
}

export interface FeaturePlan {
  readonly board: FeatureBoard
  readonly space: number
  readonly filter: Filter | null
  readonly nullKeys: Counter
  readonly keysRefused: Counter
}

/** What happens to an event of one type when it is read. */
export interface TypePlan {
  readonly name: string
  readonly stream: Stream
  readonly lets: { readonly ref: ColumnRef; readonly read: () => Value }[]
  readonly filters: Filter[]
  /** Key spaces its rules use, and the rules that ask for them. */
  readonly spaces: { readonly space: number; readonly users: (RulePlan | RankingPlan | SequencePlan | FeaturePlan)[] }[]
}
