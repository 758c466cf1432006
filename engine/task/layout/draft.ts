import type { Counters } from '../../model/counters.ts'
import type { Value } from '../../model/expression.ts'
import type { Limits } from '../../model/limits.ts'
import type { Definition, Rule, RuleSet, SequenceRule } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { compileCondition } from '../../rules/evaluate/compile.ts'
import type { Memory } from '../../state/memory.ts'
import type { StringTable } from '../../state/string-table.ts'
import type { AlertPlan } from '../alert-plan.ts'
import { Columns } from '../columns.ts'
import { type Context, RowScope } from '../context.ts'
import type { FeatureBoard } from '../feature-board.ts'
import type { FeatureMirror } from '../feature-mirror.ts'
import { Filters } from '../filters.ts'
import type { MutePlan, RankingPlan, RulePlan } from '../plans.ts'
import type { SequencePlan } from '../sequence/plan.ts'
import { Clocks } from './clocks.ts'
import { EventTypes } from './event-types.ts'
import { Feeds } from './feeds.ts'
import { KeySpacePlans } from './key-space-plans.ts'
import { RuleClasses } from './rule-classes.ts'

export interface LayoutInit {
  readonly memory: Memory
  readonly streams: readonly Stream[]
  readonly set: RuleSet
  readonly context: Context
  readonly strings: StringTable
  readonly counters: Counters
  readonly limits: Limits
  readonly heldFields: 'all' | 'read'
}

/** A layout in the making: what it is made from, and the tables that its rules, features and rankings are added to. */
export class Draft {
  readonly memory: Memory
  readonly streams: readonly Stream[]
  readonly set: RuleSet
  readonly context: Context
  readonly strings: StringTable
  readonly counters: Counters
  readonly limits: Limits
  readonly types: EventTypes
  readonly clocks: Clocks
  readonly columns: Columns
  readonly spaces: KeySpacePlans
  readonly filters: Filters
  readonly feeds: Feeds
  readonly classes: RuleClasses
  readonly rules: RulePlan[] = []
  readonly sequences: SequencePlan[] = []
  readonly rankings: RankingPlan[] = []
  readonly boards: FeatureBoard[] = []
  readonly mirrors: FeatureMirror[] = []
  /** Whose alerts there are, by their index. */
  readonly alertPlans: AlertPlan[] = []

  constructor(init: LayoutInit) {
    this.memory = init.memory
    this.streams = init.streams
    this.set = init.set
    this.context = init.context
    this.strings = init.strings
    this.counters = init.counters
    this.limits = init.limits
    this.types = new EventTypes(init.set, init.streams)
    this.clocks = new Clocks(init.memory, this.types.plans.length)
    this.columns = new Columns(init.streams, init.set, init.heldFields)
    this.spaces = new KeySpacePlans(this.columns)
    this.filters = new Filters(this.types.plans, this.types.index, init.context, init.counters)
    this.feeds = new Feeds(this)
    this.classes = new RuleClasses(this.types, this.clocks)
  }

  /** The names of a definition. `by`, `measures`: where there is a key at hand. */
  scope(
    definition: Definition,
    by: readonly string[] | null = null,
    measures?: (name: string) => () => Value,
  ): RowScope {
    return new RowScope(this.context, this.columns, this.strings, this.set.lists, definition, by, measures)
  }

  mutes(rule: Rule | SequenceRule, scope: RowScope): MutePlan[] {
    return rule.exceptions
      .filter((e) => e.apply === 'mute_alert')
      .map((e) => ({
        untilMs: e.untilMs,
        when: compileCondition(e.when, scope),
        counter: this.counters.counter('muted_total', { rule: rule.id, exception: e.name }),
      }))
  }
}
