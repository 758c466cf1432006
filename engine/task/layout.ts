import type { Counter, Counters } from '../model/counters.ts'
import type { Value } from '../model/expression.ts'
import {
  type Definition,
  isRunning,
  type Ranking,
  type Rule,
  type RuleSet,
  type RunningMeasure,
  type SequenceRule,
} from '../model/rule.ts'
import { type Stream, streamOfType } from '../model/stream.ts'
import { compileCondition, compileExpression } from '../rules/evaluate/compile.ts'
import { compileTemplate } from '../rules/evaluate/template.ts'
import { KEY_CELLS, KeySpace } from '../state/key-space.ts'
import type { Memory } from '../state/memory.ts'
import type { ColumnRef, RowShape } from '../state/rows.ts'
import type { StringTable } from '../state/string-table.ts'
import type { AlertPlan } from './alert-book.ts'
import { Columns, canonical } from './columns.ts'
import { type Context, RowScope } from './context.ts'
import { fallsOnDeparture } from './falling.ts'
import { Feed, type FeedKind, POINT, readers } from './measures.ts'
import { readRatio } from './ratio.ts'
import { planSequence, type SequencePlan } from './sequence/plan.ts'

type Condition = () => boolean | undefined

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

/** One window length on one clock: a cursor, what its events feed, and whom their leaving touches. By type index. */
export interface WindowPlan {
  readonly windowMs: number
  readonly groups: FeedGroup[][]
  readonly touches: RulePlan[][]
  /** All rules that look at this window; `touches` are those that want to hear of departures. */
  readonly takers: RulePlan[][]
  /** Key spaces whose events end here: this is the longest window over them. */
  readonly releases: number[]
}

export interface ClockPlan {
  readonly settleMs: number
  /** Longest first. */
  readonly windows: WindowPlan[]
  readonly rules: RulePlan[]
  /** Rankings on this clock, by their index. */
  readonly boards: number[]
  /** By type index: rules to evaluate when an event enters. */
  readonly arrivals: RulePlan[][]
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
  /** Windows the rule looks at, as lengths; an event is taken when one of them still holds it. */
  readonly longestMs: number
  /** Departures concern only keys with an alert. */
  readonly falls: boolean
  readonly scope: RowScope
  readonly when: Condition
  readonly severities: readonly { readonly rank: number; readonly when: Condition | null }[]
  readonly mutes: readonly MutePlan[]
  readonly explain: () => string
  readonly measures: readonly { readonly name: string; readonly read: () => Value }[]
  /** Events in the rule's own window, for `evidence.total`. */
  readonly total: Feed
  readonly key: readonly (() => Value)[]
  readonly suspects: ColumnRef | null
  readonly evidence: readonly { readonly name: string; readonly read: () => Value }[]
  readonly nullKeys: Counter
  /** Late events that none of the rule's windows holds any more. */
  readonly missed: Counter
  readonly abstained: Readonly<Record<string, Counter>>
}

export interface RankingPlan {
  readonly ranking: Ranking
  readonly space: number
  readonly filter: Filter | null
  readonly events: Feed
  readonly points: Feed
  readonly nullKeys: Counter
}

/** What happens to an event of one type when it is read. */
export interface TypePlan {
  readonly name: string
  readonly stream: Stream
  readonly lets: { readonly ref: ColumnRef; readonly read: () => Value }[]
  readonly filters: Filter[]
  /** Key spaces its rules use, and the rules that ask for them. */
  readonly spaces: { readonly space: number; readonly users: (RulePlan | RankingPlan | SequencePlan)[] }[]
}

interface SpacePlan {
  readonly id: string
  readonly codes: readonly number[]
  cells: number
  longestMs: number
}

/**
 * A rule set turned into tables: which columns events keep, which keys they belong to, which numbers they feed in which
 * window, and closures that read them. What several rules ask alike stands here once.
 */
export class Layout {
  readonly shape: RowShape
  readonly columns: Columns
  readonly types: TypePlan[] = []
  readonly typeIndex = new Map<string, number>()
  readonly clocks: ClockPlan[] = []
  readonly rules: RulePlan[] = []
  readonly rankings: RankingPlan[] = []
  readonly sequences: SequencePlan[] = []
  readonly spaces: KeySpace[]
  /** Per clock: the column with the events' entry numbers there; -1 = they enter as they are read. */
  readonly entryColumns: readonly number[]
  /** Longest window + settle: how long events are held. */
  readonly retentionMs: number
  readonly feeds: Feed[] = []

  readonly #memory: Memory
  readonly #streams: readonly Stream[]
  readonly #context: Context
  readonly #strings: StringTable
  readonly #counters: Counters
  readonly #set: RuleSet
  readonly #spacePlans: SpacePlan[] = []
  readonly #filters = new Map<string, Filter>()
  readonly #feedByKey = new Map<string, Feed>()

  constructor(init: {
    memory: Memory
    streams: readonly Stream[]
    set: RuleSet
    context: Context
    strings: StringTable
    counters: Counters
  }) {
    this.#memory = init.memory
    this.#streams = init.streams
    this.#set = init.set
    this.#context = init.context
    this.#strings = init.strings
    this.#counters = init.counters
    this.columns = new Columns(init.streams, init.set)
    for (const definition of [...init.set.rules, ...init.set.sequences, ...init.set.rankings])
      for (const type of definition.on) this.#addType(type)
    for (const rule of init.set.rules) this.#addRule(rule)
    for (const sequence of init.set.sequences) this.#addSequence(sequence)
    for (const ranking of init.set.rankings) this.#addRanking(ranking)
    for (const clock of this.clocks) clock.windows.sort((a, b) => b.windowMs - a.windowMs)
    this.#setLets()
    this.#setReleases()
    this.spaces = this.#spacePlans.map((s) => new KeySpace(init.memory, s.codes.length, s.cells, init.strings))
    this.retentionMs = Math.max(0, ...this.#spacePlans.map((s) => s.longestMs))
    let settled = 0
    this.entryColumns = this.clocks.map((c) => (c.settleMs > 0 ? settled++ : -1))
    const { code, number, decimal, text } = this.columns.counts
    this.shape = {
      codes: code,
      numbers: number,
      decimals: decimal,
      texts: text,
      bitWords: Math.max(1, Math.ceil(this.#filters.size / 32)),
      keySpaces: this.spaces.length,
      entries: this.entryColumns.filter((c) => c >= 0).length,
    }
  }

  /** Longest window + settle over the keys of a space. */
  longestMs(space: number): number {
    return this.#spacePlans[space].longestMs
  }

  /** Code columns that make up the key of a space. */
  keyColumns(space: number): readonly number[] {
    return this.#spacePlans[space].codes
  }

  #addType(name: string): void {
    if (this.typeIndex.has(name)) return
    const stream = streamOfType(this.#streams, name)
    if (!stream) throw new TypeError(`no stream carries ${name}`)
    this.typeIndex.set(name, this.types.length)
    this.types.push({ name, stream, lets: [], filters: [], spaces: [] })
    for (const clock of this.clocks) this.#growClock(clock)
  }

  #growClock(clock: ClockPlan): void {
    while (clock.arrivals.length < this.types.length) {
      clock.arrivals.push([])
      clock.sequences.push([])
    }
    for (const window of clock.windows) {
      while (window.groups.length < this.types.length) {
        window.groups.push([])
        window.touches.push([])
        window.takers.push([])
      }
    }
  }

  #clock(settleMs: number): number {
    const known = this.clocks.findIndex((c) => c.settleMs === settleMs)
    if (known >= 0) return known
    const clock: ClockPlan = { settleMs, windows: [], rules: [], boards: [], arrivals: [], sequences: [] }
    this.#growClock(clock)
    return this.clocks.push(clock) - 1
  }

  #window(clock: ClockPlan, windowMs: number): WindowPlan {
    let window = clock.windows.find((w) => w.windowMs === windowMs)
    if (!window) {
      window = { windowMs, groups: [], touches: [], takers: [], releases: [] }
      clock.windows.push(window)
      this.#growClock(clock)
    }
    return window
  }

  #space(definition: Definition, by: readonly string[], apart: string): number {
    const codes = by.map((name) => this.columns.code(definition, name).index)
    const id = `${codes.join(',')} ${apart}`
    const known = this.#spacePlans.findIndex((s) => s.id === id)
    if (known >= 0) return known
    return this.#spacePlans.push({ id, codes, cells: KEY_CELLS, longestMs: 0 }) - 1
  }

  /** The filter of a rule or ranking as a whole, null = takes every event of its types. */
  #filter(definition: Definition, scope: RowScope): Filter | null {
    const drops = definitionDrops(definition)
    if (!definition.where && !definition.unless && drops.length === 0) return null
    const key = [
      definition.on.join(','),
      canonical(definition.where, definition),
      canonical(definition.unless, definition),
      drops.length > 0 ? `${definition.id}@${definition.version}` : '',
    ].join(' ')
    return this.#filterOf(key, definition, null, () => {
      const where = definition.where ? compileCondition(definition.where, scope) : () => true
      const unless = definition.unless ? compileCondition(definition.unless, scope) : () => false
      const exceptions = drops.map((d) => ({
        untilMs: d.untilMs,
        when: compileCondition(d.when, scope),
        counter: this.#counters.counter('excepted_events_total', { rule: definition.id, exception: d.name }),
      }))
      const context = this.#context
      return () => {
        if (where() !== true || unless() === true) return false
        for (const drop of exceptions) {
          if (context.streamMs < drop.untilMs && drop.when() === true) {
            if (context.evaluating) drop.counter.value++
            return false
          }
        }
        return true
      }
    })
  }

  #measureFilter(
    definition: Definition,
    scope: RowScope,
    rule: Filter | null,
    where: RunningMeasure['where'],
  ): Filter | null {
    if (!where) return rule
    const key = `${rule ? `${rule.word}/${rule.mask}` : definition.on.join(',')} > ${canonical(where, definition)}`
    return this.#filterOf(key, definition, rule, () => {
      const condition = compileCondition(where, scope)
      return () => condition() === true
    })
  }

  #filterOf(key: string, definition: Definition, parent: Filter | null, make: () => () => boolean): Filter {
    let filter = this.#filters.get(key)
    if (!filter) {
      const n = this.#filters.size
      filter = { word: n >> 5, mask: (1 << (n & 31)) >>> 0, parent, passes: make() }
      this.#filters.set(key, filter)
    }
    for (const type of definition.on) {
      const plan = this.types[this.typeIndex.get(type) as number]
      if (!plan.filters.includes(filter)) plan.filters.push(filter)
    }
    return filter
  }

  /** The feed of (space, clock, window, filter, kind, column), made at the first asking. */
  #feed(
    definition: Definition,
    place: { space: number; clock: number; windowMs: number; filter: Filter | null },
    kind: FeedKind,
    column: ColumnRef | null,
    points?: { weights: Float64Array; capPoints: number },
  ): Feed {
    const { space, clock, windowMs, filter } = place
    const of = column ? `${column.store}${column.index}` : ''
    const filtered = filter ? `${filter.word}/${filter.mask}` : ''
    const key = [space, clock, windowMs, filtered, kind, of, definition.on, points ? definition.id : ''].join(' ')
    let feed = this.#feedByKey.get(key)
    if (feed) return feed
    const plan = this.#spacePlans[space]
    const bit = { word: filter?.word ?? 0, mask: filter?.mask ?? 0 }
    feed = new Feed({ memory: this.#memory, kind, cell: plan.cells, ...bit, column, ...points })
    plan.cells += feed.cells
    plan.longestMs = Math.max(plan.longestMs, windowMs + this.clocks[clock].settleMs)
    this.#feedByKey.set(key, feed)
    this.feeds.push(feed)
    const window = this.#window(this.clocks[clock], windowMs)
    for (const type of definition.on) {
      const groups = window.groups[this.typeIndex.get(type) as number]
      let group = groups.find((g) => g.space === space)
      if (!group) {
        group = { space, feeds: [] }
        groups.push(group)
      }
      group.feeds.push(feed)
    }
    return feed
  }

  #addRule(rule: Rule): void {
    const readers = new Map<string, () => Value>()
    const scope = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, rule, rule.by, (name) => {
      const read = readers.get(name)
      if (!read) throw new TypeError(`no measure ${name} in ${rule.id}`)
      return read
    })
    const clock = this.#clock(rule.settleMs)
    const space = this.#space(rule, rule.by, '')
    const events = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, rule)
    const filter = this.#filter(rule, events)
    for (const measure of rule.measures) {
      if (isRunning(measure)) readers.set(measure.name, this.#running(rule, events, { space, clock, filter }, measure))
    }
    for (const measure of rule.measures) {
      if (measure.kind === 'ratio') readers.set(measure.name, readRatio(measure, readers, scope))
    }
    const total = this.#feed(rule, { space, clock, windowMs: rule.windowMs, filter }, 'events', null)
    const condition = (e: Rule['when']): Condition => compileCondition(e, scope)
    const labels = { rule: rule.id }
    const plan: RulePlan = {
      index: this.rules.length,
      rule,
      space,
      clock,
      filter,
      longestMs: Math.max(rule.windowMs, ...rule.measures.map((m) => (isRunning(m) ? m.windowMs : 0))),
      falls: fallsOnDeparture(rule),
      scope,
      when: condition(rule.when),
      severities: rule.severity.map((s) => ({ rank: SEVERITY_RANK[s.level], when: s.when ? condition(s.when) : null })),
      mutes: this.#mutes(rule, scope),
      explain: compileTemplate(rule.explain, scope),
      measures: rule.measures.map((m) => ({ name: m.name, read: readers.get(m.name) as () => Value })),
      total,
      key: rule.by.map((name) => scope.key(name)),
      suspects: rule.suspects ? this.columns.code(rule, rule.suspects.of) : null,
      evidence: (rule.evidence?.fields ?? []).map((name) => ({
        name,
        read: rule.lets.some((l) => l.name === name) ? scope.let(name) : scope.field(name),
      })),
      nullKeys: this.#counters.counter('null_keys_total', labels),
      missed: this.#counters.counter('missed_windows_total', labels),
      abstained: Object.fromEntries(
        ['null', 'division_by_zero', 'minimum_sample'].map((reason) => [
          reason,
          this.#counters.counter('abstained_total', { ...labels, reason }),
        ]),
      ),
    }
    this.rules.push(plan)
    this.clocks[clock].rules.push(plan)
    const windows = new Set([rule.windowMs, ...rule.measures.filter(isRunning).map((m) => m.windowMs)])
    this.#use(rule, plan)
    for (const type of rule.on) {
      const t = this.typeIndex.get(type) as number
      this.clocks[clock].arrivals[t].push(plan)
      for (const windowMs of windows) {
        const window = this.#window(this.clocks[clock], windowMs)
        window.takers[t].push(plan)
        if (rule.evaluate === 'every_change') window.touches[t].push(plan)
      }
    }
  }

  /** Feeds and reader of one running measure. */
  #running(
    rule: Rule,
    scope: RowScope,
    at: { space: number; clock: number; filter: Filter | null },
    measure: RunningMeasure,
  ): () => Value {
    const filter = this.#measureFilter(rule, scope, at.filter, measure.where)
    const place = { space: at.space, clock: at.clock, windowMs: measure.windowMs, filter }
    const of = measure.of
    if (measure.kind === 'count' || of === null) {
      return readers.count(this.#context, this.#feed(rule, place, 'events', null))
    }
    if (measure.kind === 'distinct') {
      return readers.count(this.#context, this.#feed(rule, place, 'distinct', this.columns.code(rule, of)))
    }
    const column = this.columns.number(rule, of)
    if (measure.kind === 'min' || measure.kind === 'max') {
      return readers.extreme(this.#context, this.#feed(rule, place, measure.kind, column))
    }
    const sum = this.#feed(rule, place, 'sum', column)
    if (measure.kind === 'sum') return readers.sum(this.#context, sum)
    const values = this.#feed(rule, place, 'values', column)
    if (measure.kind === 'avg') return readers.avg(this.#context, sum, values)
    return readers.stddev(this.#context, sum, this.#feed(rule, place, 'squares', column), values)
  }

  #addRanking(ranking: Ranking): void {
    const scope = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, ranking)
    const clock = this.#clock(ranking.settleMs)
    const space = this.#space(ranking, [...ranking.per, ranking.rank], `${ranking.id}@${ranking.version}`)
    const filter = this.#filter(ranking, scope)
    // [asOf - w, asOf) in whole milliseconds: the event at asOf - w leaves one millisecond after asOf
    const place = { space, clock, windowMs: ranking.windowMs + 1, filter }
    const weights = Float64Array.from(this.types, (t) => Math.round((ranking.weights[t.name] ?? 0) * POINT))
    const capPoints = ranking.cap ? Math.round(ranking.cap.points * POINT) : 0
    const plan: RankingPlan = {
      ranking,
      space,
      filter,
      events: this.#feed(ranking, place, 'events', null),
      points: ranking.cap
        ? this.#feed(ranking, place, 'cappedPoints', this.columns.code(ranking, ranking.cap.per), {
            weights,
            capPoints,
          })
        : this.#feed(ranking, place, 'points', null, { weights, capPoints }),
      nullKeys: this.#counters.counter('null_keys_total', { rule: ranking.id }),
    }
    this.rankings.push(plan)
    this.clocks[clock].boards.push(this.rankings.length - 1)
    this.#use(ranking, plan)
  }

  #addSequence(rule: SequenceRule): void {
    const events = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, rule)
    const scope = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, rule, rule.by)
    const clock = this.#clock(rule.settleMs)
    const space = this.#space(rule, rule.by, `${rule.id}@${rule.version}`)
    const filter = this.#filter(rule, events)
    const plan = planSequence(rule, {
      index: this.sequences.length,
      firstAlertPlan: this.alertPlans.length,
      space,
      clock,
      filter,
      filters: rule.steps.map((step) => {
        const definition = { ...rule, on: step.on }
        const fields = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, definition)
        return this.#measureFilter(definition, fields, filter, step.where)
      }),
      typeIndex: this.typeIndex,
      key: rule.by.map((name) => scope.key(name)),
      mutes: this.#mutes(rule, scope),
      explain: (parts) => compileTemplate(parts, scope),
      counters: this.#counters,
    })
    this.sequences.push(plan)
    this.#holdKeys(rule, plan)
    this.#use(rule, plan)
    for (const type of rule.on) this.clocks[clock].sequences[this.typeIndex.get(type) as number].push(plan)
  }

  /** Events keep their key's slot for as long as they can come late: a window that feeds nothing. */
  #holdKeys(definition: Definition, { space, clock }: SequencePlan): void {
    const windowMs = Math.max(...this.#streams.map((s) => s.latenessMs)) + 1
    this.#spacePlans[space].longestMs = windowMs + this.clocks[clock].settleMs
    const { groups } = this.#window(this.clocks[clock], windowMs)
    for (const type of definition.on) groups[this.typeIndex.get(type) as number].push({ space, feeds: [] })
  }

  #mutes(rule: Rule | SequenceRule, scope: RowScope): MutePlan[] {
    return rule.exceptions
      .filter((e) => e.apply === 'mute_alert')
      .map((e) => ({
        untilMs: e.untilMs,
        when: compileCondition(e.when, scope),
        counter: this.#counters.counter('muted_total', { rule: rule.id, exception: e.name }),
      }))
  }

  /** Whose alerts there are, in the order of the rule set. */
  get alertPlans(): readonly AlertPlan[] {
    return [...this.rules, ...this.sequences.flatMap((s) => [...s.violations, ...s.matches].map((v) => v.alert))]
  }

  /** Makes events of the definition's types resolve its key. */
  #use(definition: Definition, user: RulePlan | RankingPlan | SequencePlan): void {
    for (const type of definition.on) {
      const plan = this.types[this.typeIndex.get(type) as number]
      const space = plan.spaces.find((s) => s.space === user.space)
      if (space) space.users.push(user)
      else plan.spaces.push({ space: user.space, users: [user] })
    }
  }

  #setLets(): void {
    for (const { ref, definition, expression, types } of this.columns.lets) {
      const scope = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, definition)
      const read = compileExpression(expression, scope)
      for (const type of types) this.types[this.typeIndex.get(type) as number].lets.push({ ref, read })
    }
  }

  #setReleases(): void {
    this.#spacePlans.forEach((space, i) => {
      for (const clock of this.clocks) {
        for (const window of clock.windows) {
          const feeds = window.groups.some((groups) => groups.some((g) => g.space === i))
          if (feeds && window.windowMs + clock.settleMs === space.longestMs && !window.releases.includes(i)) {
            window.releases.push(i)
            return
          }
        }
      }
    })
  }
}

const SEVERITY_RANK = { info: 0, low: 1, medium: 2, high: 3, critical: 4 } as const

function definitionDrops(definition: Definition): Rule['exceptions'] {
  const { exceptions } = definition as Partial<Rule>
  return (exceptions ?? []).filter((e) => e.apply === 'drop_event')
}
