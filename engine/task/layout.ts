import { compileExpression } from '../rules/evaluate/compile.ts'
import type { Budget } from '../state/budget.ts'
import type { RowShape } from '../state/chunk.ts'
import type { KeySpace } from '../state/key-space.ts'
import type { RowMarks } from '../state/row-marks.ts'
import type { AlertPlan } from './alert-plan.ts'
import type { Columns } from './columns.ts'
import type { FeatureBoard } from './feature-board.ts'
import type { FeatureMirror } from './feature-mirror.ts'
import { featureReachMs } from './feature-reach.ts'
import { Baselines } from './layout/baselines.ts'
import { Draft, type LayoutInit } from './layout/draft.ts'
import { addFeature, addFeatureMeasures, addMirror } from './layout/features.ts'
import type { KeySpacePlan } from './layout/key-space-plans.ts'
import { addRanking } from './layout/rankings.ts'
import { addRule } from './layout/rules.ts'
import { addSequence } from './layout/sequences.ts'
import type { BaselinePlan, ClockPlan, RankingPlan, RulePlan, TypePlan } from './plans.ts'
import type { RuleClass } from './rule-class.ts'
import type { SequencePlan } from './sequence/plan.ts'

/**
 * A rule set turned into tables: which columns events keep, which keys they belong to, which numbers they feed in which
 * window, and closures that read them. What several rules ask alike stands here once.
 */
export class Layout {
  readonly shape: RowShape
  readonly columns: Columns
  readonly types: readonly TypePlan[]
  readonly typeIndex: ReadonlyMap<string, number>
  readonly clocks: readonly ClockPlan[]
  readonly rules: readonly RulePlan[]
  readonly rankings: readonly RankingPlan[]
  readonly classes: readonly RuleClass[]
  readonly sequences: readonly SequencePlan[]
  /** Whose alerts there are, in the order of the rule set. */
  readonly alertPlans: readonly AlertPlan[]
  readonly spaces: readonly KeySpace[]
  /** Per clock: the column with the events' entry numbers there; -1 = they enter as they are read. */
  readonly entryColumns: readonly number[]
  /** Longest window + settle, and what features need: how long events are held. */
  readonly retentionMs: number
  /** What features need beyond the longest window. */
  readonly reachMs: number
  /** Of the features that are published. */
  readonly boards: readonly FeatureBoard[]
  /** Of the features that come through control topics. */
  readonly mirrors: readonly FeatureMirror[]
  /** By rule and name; rules that ask alike share one. */
  readonly baselines: ReadonlyMap<string, BaselinePlan>
  /** Room for what feeds remember value by value. */
  readonly values: Budget
  /** Which events distinct counts have done with. */
  readonly marks: RowMarks
  readonly #spacePlans: readonly KeySpacePlan[]

  constructor(init: LayoutInit) {
    const { set, memory, strings } = init
    const draft = new Draft(init)
    const baselines = new Baselines(draft)
    for (const feature of set.features) addFeature(draft, feature)
    for (const feature of set.shared?.features ?? []) addMirror(draft, feature)
    for (const rule of set.rules) addRule(draft, baselines, rule)
    for (const sequence of set.sequences) addSequence(draft, sequence)
    for (const ranking of set.rankings) addRanking(draft, ranking)
    const sources = draft.boards.map((board) => addFeatureMeasures(draft, board))
    draft.clocks.sort()
    setLets(draft)
    draft.spaces.setReleases(draft.clocks.plans)
    const spaces = draft.spaces.make(memory, strings)
    baselines.bind(spaces)
    draft.boards.forEach((board, i) => {
      const { space, ...source } = sources[i]
      board.bind({ ...source, space: spaces[space] })
    })

    this.columns = draft.columns
    this.types = draft.types.plans
    this.typeIndex = draft.types.index
    this.clocks = draft.clocks.plans
    this.rules = draft.rules
    this.rankings = draft.rankings
    this.classes = draft.classes.all
    this.sequences = draft.sequences
    this.alertPlans = draft.alertPlans
    this.spaces = spaces
    this.boards = draft.boards
    this.mirrors = draft.mirrors
    this.baselines = baselines.plans
    this.values = draft.feeds.values
    this.marks = draft.feeds.marks
    this.#spacePlans = draft.spaces.plans
    this.reachMs = featureReachMs(set)
    this.retentionMs = Math.max(0, ...this.#spacePlans.map((s) => s.longestMs)) + this.reachMs
    let settled = 0
    this.entryColumns = this.clocks.map((c) => (c.settleMs > 0 ? settled++ : -1))
    const bits = draft.feeds.setRefusals(draft.filters.count)
    const { code, number, decimal, text } = this.columns.counts
    this.shape = {
      codes: code,
      numbers: number,
      decimals: decimal,
      texts: text,
      bitWords: Math.max(1, Math.ceil(bits / 32)),
      keySpaces: spaces.length,
      entries: this.entryColumns.filter((c) => c >= 0).length,
    }
    draft.feeds.generate(spaces, this.shape.bitWords)
  }

  /** Longest window + settle over the keys of a space. */
  longestMs(space: number): number {
    return this.#spacePlans[space].longestMs
  }

  /** How far back events are needed to build all baselines again: a key that has none for so long starts anew. */
  get baselineSpanMs(): number {
    const settleMs = Math.max(0, ...this.clocks.map((c) => c.settleMs))
    const spans = [...this.baselines.values()].map(({ baseline }) => 2 * baseline.spanMs + settleMs)
    return Math.max(0, ...spans) + this.reachMs
  }

  /** Code columns that make up the key of a space. */
  keyColumns(space: number): readonly number[] {
    return this.#spacePlans[space].codes
  }
}

/** Gives each event type the computed columns that its rules want; none is asked for after that. */
function setLets(draft: Draft): void {
  for (const { ref, definition, expression, types } of draft.columns.lets) {
    const read = compileExpression(expression, draft.scope(definition))
    for (const type of draft.types.of({ on: [...types] })) draft.types.plans[type].lets.push({ ref, read })
  }
}
