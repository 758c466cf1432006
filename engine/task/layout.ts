import { Calendar } from '../kit/calendar.ts'
import type { Counters } from '../model/counters.ts'
import type { Value } from '../model/expression.ts'
import type { Limits } from '../model/limits.ts'
import {
  type BaselineMeasure,
  type Definition,
  type Feature,
  isRunning,
  type Measure,
  type Ranking,
  type Rule,
  type RuleSet,
  type RunningMeasure,
  type SequenceRule,
  type Tumbling,
} from '../model/rule.ts'
import { type Stream, streamOfType } from '../model/stream.ts'
import { compileCondition, compileExpression } from '../rules/evaluate/compile.ts'
import { ABSTAIN_REASONS, conditionCode, generateCondition, type NumberCode } from '../rules/evaluate/generate.ts'
import { compileTemplate } from '../rules/evaluate/template.ts'
import { Budget } from '../state/budget.ts'
import type { ColumnRef, RowShape } from '../state/chunk.ts'
import { sumAsDouble } from '../state/exact.ts'
import { KEY_CELLS, KeySpace } from '../state/key-space.ts'
import { LatestPairs } from '../state/latest-pairs.ts'
import type { Memory } from '../state/memory.ts'
import { RowMarks } from '../state/row-marks.ts'
import type { StringTable } from '../state/string-table.ts'
import type { AlertPlan } from './alert-plan.ts'
import { BASELINE_CELLS, Baseline } from './baseline.ts'
import { Columns, canonical } from './columns.ts'
import { type Context, RowScope } from './context.ts'
import { fallsOnDeparture } from './falling.ts'
import { FeatureBoard, type FeatureSource, FixedFeature } from './feature-board.ts'
import { featureReachMs } from './feature-reach.ts'
import { generateFeed } from './feed-code.ts'
import { Filters } from './filters.ts'
import { codeOfRatio, codeOfRunning } from './measure-code.ts'
import { type DistinctGroup, Feed, type FeedKind, readers as measureReaders, POINT } from './measures.ts'
import type {
  BaselinePlan,
  BaselineUse,
  ClockPlan,
  Condition,
  FeaturePlan,
  FeedGroup,
  Filter,
  MutePlan,
  PriorValue,
  RankingPlan,
  RulePlan,
  TypePlan,
  WindowPlan,
} from './plans.ts'
import { readRatio } from './ratio.ts'
import type { RuleClass } from './rule-class.ts'
import { emptyValue, readRunning, readTumbling } from './running.ts'
import { planSequence, type SequencePlan } from './sequence/plan.ts'
import { type TumblingFeeds, type TumblingGroup, TumblingWindow } from './tumbling.ts'

/** Where a running measure is kept. */
interface Place {
  readonly space: number
  readonly clock: number
  /** Of a tumbling window: how long its events are held. */
  readonly windowMs: number
  readonly tumbling: TumblingWindow | null
  readonly filter: Filter | null
}

interface LayoutInit {
  readonly memory: Memory
  readonly streams: readonly Stream[]
  readonly set: RuleSet
  readonly context: Context
  readonly strings: StringTable
  readonly counters: Counters
  readonly limits: Limits
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
  readonly classes: RuleClass[] = []
  readonly sequences: SequencePlan[] = []
  readonly spaces: KeySpace[]
  /** Per clock: the column with the events' entry numbers there; -1 = they enter as they are read. */
  readonly entryColumns: readonly number[]
  /** Longest window + settle, and what features need: how long events are held. */
  readonly retentionMs: number
  /** What features need beyond the longest window. */
  readonly reachMs: number
  /** Of the features that are published. */
  readonly boards: FeatureBoard[] = []
  readonly feeds: Feed[] = []
  /** By rule and name; rules that ask alike share one. */
  readonly baselines = new Map<string, BaselinePlan>()

  /** Room for what feeds remember value by value. */
  readonly values: Budget
  /** Which events distinct counts have done with. */
  readonly marks: RowMarks

  readonly #memory: Memory
  readonly #streams: readonly Stream[]
  readonly #context: Context
  readonly #strings: StringTable
  readonly #counters: Counters
  readonly #set: RuleSet
  readonly #spacePlans: SpacePlan[] = []
  readonly #filters: Filters
  readonly #distinctByKey = new Map<string, DistinctGroup>()
  readonly #classByKey = new Map<string, RuleClass>()
  readonly #feedByKey = new Map<string, Feed>()
  readonly #baselineByKey = new Map<string, BaselinePlan>()
  readonly #calendars = new Map<string, Calendar>()

  constructor(init: LayoutInit) {
    this.#memory = init.memory
    this.values = new Budget(init.memory, init.limits.values)
    this.marks = new RowMarks(init.memory)
    this.#streams = init.streams
    this.#set = init.set
    this.#context = init.context
    this.#strings = init.strings
    this.#counters = init.counters
    this.#filters = new Filters(this.types, this.typeIndex, init.context, init.counters)
    this.columns = new Columns(init.streams, init.set)
    const features = init.set.features.filter(({ fixed }) => !fixed)
    for (const definition of [...init.set.rules, ...init.set.sequences, ...init.set.rankings, ...features])
      for (const type of definition.on) this.#addType(type)
    for (const feature of init.set.features)
      this.#context.features.set(feature.id, feature.fixed ? new FixedFeature(feature) : this.#addBoard(feature, init))
    for (const rule of init.set.rules) this.#addRule(rule)
    for (const sequence of init.set.sequences) this.#addSequence(sequence)
    for (const ranking of init.set.rankings) this.#addRanking(ranking)
    const sources = this.boards.map((board) => this.#addFeature(board))
    for (const clock of this.clocks) clock.windows.sort((a, b) => b.windowMs - a.windowMs)
    this.#setLets()
    this.#setReleases()
    this.spaces = this.#spacePlans.map((s) => new KeySpace(init.memory, s.codes.length, s.cells, init.strings))
    for (const { baseline, space } of this.#baselineByKey.values()) baseline.space = this.spaces[space]
    this.boards.forEach((board, i) => {
      const { space, ...source } = sources[i]
      board.bind({ ...source, space: this.spaces[space] })
    })
    this.reachMs = featureReachMs(init.set)
    this.retentionMs = Math.max(0, ...this.#spacePlans.map((s) => s.longestMs)) + this.reachMs
    let settled = 0
    this.entryColumns = this.clocks.map((c) => (c.settleMs > 0 ? settled++ : -1))
    const bits = this.#setRefusals()
    const { code, number, decimal, text } = this.columns.counts
    this.shape = {
      codes: code,
      numbers: number,
      decimals: decimal,
      texts: text,
      bitWords: Math.max(1, Math.ceil(bits / 32)),
      keySpaces: this.spaces.length,
      entries: this.entryColumns.filter((c) => c >= 0).length,
    }
    for (const window of this.clocks.flatMap((clock) => clock.windows)) {
      const { spaces, marks, values: budget } = this
      const host = { spaces, bitWords: this.shape.bitWords, marks, budget, windowMs: window.windowMs }
      const make = (sign: 1 | -1) => window.groups.map((g) => generateFeed(g, host, sign))
      window.enter = make(1)
      window.leave = make(-1)
    }
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

  #addType(name: string): void {
    if (this.typeIndex.has(name)) return
    const stream = streamOfType(this.#streams, name)
    if (!stream) throw new TypeError(`no stream carries ${name}`)
    this.typeIndex.set(name, this.types.length)
    this.types.push({ name, stream, lets: [], filters: [], spaces: [] })
    for (const clock of this.clocks) this.#growClock(clock)
  }

  #growClock(clock: ClockPlan): void {
    const { arrivals, sequences, priors, baselines, windows, tumbling } = clock
    const lists: unknown[][][] = [
      [arrivals, sequences, priors, baselines],
      windows.flatMap((w) => [w.groups, w.touches, w.takers, w.retires, w.baselines]),
      tumbling.flatMap((w) => [w.feeds, w.takers]),
    ].flat()
    for (const list of lists) while (list.length < this.types.length) list.push([])
  }

  #clock(settleMs: number): number {
    const known = this.clocks.findIndex((c) => c.settleMs === settleMs)
    if (known >= 0) return known
    const clock: ClockPlan = {
      settleMs,
      windows: [],
      tumbling: [],
      rules: [],
      boards: [],
      arrivals: [],
      sequences: [],
      priors: [],
      baselines: [],
    }
    this.#growClock(clock)
    return this.clocks.push(clock) - 1
  }

  #window(clock: ClockPlan, windowMs: number): WindowPlan {
    let window = clock.windows.find((w) => w.windowMs === windowMs)
    if (!window) {
      window = {
        windowMs,
        groups: [],
        enter: [],
        leave: [],
        touches: [],
        takers: [],
        retires: [],
        baselines: [],
        releases: [],
      }
      clock.windows.push(window)
      this.#growClock(clock)
    }
    return window
  }

  #calendar(lengthMs: number, zone: string): Calendar {
    const key = `${lengthMs} ${zone}`
    const calendar = this.#calendars.get(key) ?? new Calendar(lengthMs, zone)
    this.#calendars.set(key, calendar)
    return calendar
  }

  #tumbling(clock: ClockPlan, { lengthMs, zone }: Tumbling): TumblingWindow {
    let window = clock.tumbling.find((w) => w.calendar.lengthMs === lengthMs && w.zone === zone)
    if (!window) {
      window = new TumblingWindow(this.#memory, this.#calendar(lengthMs, zone), zone)
      clock.tumbling.push(window)
      this.#growClock(clock)
    }
    return window
  }

  /** Cells of a key space in a tumbling window. */
  #tumblingGroup(window: TumblingWindow, space: number): TumblingGroup {
    let group = window.groups.find((g) => g.space === space)
    if (!group) {
      group = { space, epochCell: this.#spacePlans[space].cells++, feeds: [], baselines: [] }
      window.groups.push(group)
    }
    return group
  }

  /** What a measure's, or a rule's, window is on its clock; an event of a tumbling one is let go when it is surely over. */
  #place(
    at: { space: number; clock: number; filter: Filter | null },
    window: { readonly windowMs: number; readonly tumbling?: Tumbling },
  ): Place {
    if (!window.tumbling) return { ...at, windowMs: window.windowMs, tumbling: null }
    const tumbling = this.#tumbling(this.clocks[at.clock], window.tumbling)
    return { ...at, windowMs: window.windowMs + 1, tumbling }
  }

  #space(definition: Definition, by: readonly string[], apart: string): number {
    const codes = by.map((name) => this.columns.code(definition, name).index)
    const id = `${codes.join(',')} ${apart}`
    const known = this.#spacePlans.findIndex((s) => s.id === id)
    if (known >= 0) return known
    return this.#spacePlans.push({ id, codes, cells: KEY_CELLS, longestMs: 0 }) - 1
  }

  /** The feed of (space, clock, window, filter, kind, column), made at the first asking. */
  #feed(
    definition: Definition,
    place: Place,
    kind: FeedKind,
    column: ColumnRef | null,
    points?: { weights: Float64Array; capPoints: number },
  ): Feed {
    const { space, clock, windowMs, tumbling, filter } = place
    const of = column ? `${column.store}${column.index}` : ''
    const filtered = filter ? `${filter.word}/${filter.mask}` : ''
    const window = tumbling ? `${tumbling.calendar.lengthMs} ${tumbling.zone}` : windowMs
    const key = [space, clock, window, filtered, kind, of, definition.on, points ? definition.id : ''].join(' ')
    const slides = kind === 'distinct' && tumbling === null
    const group = slides ? this.#distinctGroup([space, clock, filtered, of, definition.on].join(' '), windowMs) : null
    let feed = this.#feedByKey.get(key)
    const refusals = this.#counters.counter('values_refused_total', { rule: definition.id })
    if (feed) {
      if (!feed.refusals.includes(refusals)) feed.refusals.push(refusals)
      return feed
    }
    const plan = this.#spacePlans[space]
    const cleared = tumbling && this.#tumblingGroup(tumbling, space)
    feed = new Feed({
      memory: this.#memory,
      values: this.values,
      context: this.#context,
      kind,
      cell: plan.cells,
      word: filter?.word ?? 0,
      mask: filter?.mask ?? 0,
      column,
      tumbling,
      group,
      ...points,
    })
    if (!feed.refusals.includes(refusals)) feed.refusals.push(refusals)
    plan.cells += feed.cells
    plan.longestMs = Math.max(plan.longestMs, windowMs + this.clocks[clock].settleMs)
    this.#feedByKey.set(key, feed)
    this.feeds.push(feed)
    const held = this.#window(this.clocks[clock], windowMs)
    cleared?.feeds.push(feed)
    for (const type of definition.on) {
      const t = this.typeIndex.get(type) as number
      if (tumbling === null || cleared === null) groupOf(held.groups[t], space).feeds.push(feed)
      else {
        tumblingFeedsOf(tumbling.feeds[t], tumbling, cleared).feeds.push(feed)
        if (feed.retires) tumblingFeedsOf(held.retires[t], tumbling, cleared).feeds.push(feed)
      }
    }
    return feed
  }

  /** What the distinct counts of one column share over all windows, of which the longest is known at the end. */
  #distinctGroup(key: string, windowMs: number): DistinctGroup {
    let group = this.#distinctByKey.get(key)
    if (!group) {
      const kind = this.marks.addKind()
      const pairs = new LatestPairs({ memory: this.#memory, budget: this.values, marks: this.marks, kind })
      group = { pairs, kind, refusals: [], longestMs: 0, sinceMs: Number.POSITIVE_INFINITY }
      this.#distinctByKey.set(key, group)
    }
    group.longestMs = Math.max(group.longestMs, windowMs)
    return group
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
    const filter = this.#filters.of(rule, events)
    const at = { space, clock, filter }
    const priors: PriorValue[] = []
    const codes = new Map<string, NumberCode>()
    for (const measure of rule.measures) {
      if (!isRunning(measure)) continue
      const { read, code } = this.#running(rule, events, at, measure)
      if (measure.prior) {
        const prior: PriorValue = { read, value: null }
        priors.push(prior)
        readers.set(measure.name, () => prior.value)
      } else {
        readers.set(measure.name, read)
        if (code) codes.set(measure.name, code)
      }
    }
    for (const measure of rule.measures) {
      if (measure.kind !== 'ratio') continue
      readers.set(measure.name, readRatio(measure, readers, scope))
      const code = codeOfRatio(measure, codes)
      if (code) codes.set(measure.name, code)
    }
    for (const measure of rule.measures) {
      if (measure.kind === 'baseline') this.#addBaselineReaders(rule, at, measure, readers, scope)
    }
    const own = this.#place(at, rule)
    const total = this.#reader(own, 'count', () =>
      measureReaders.count(this.#context, this.#feed(rule, own, 'events', null)),
    )
    const windows = [rule, ...rule.measures.filter(isRunning)]
    const places = windows.map((w) => this.#place(at, w))
    const slidingMs = [...new Set(places.filter((p) => p.tumbling === null).map((p) => p.windowMs))]
    const tumbling = [...new Set(places.map((p) => p.tumbling).filter((w) => w !== null))]
    const condition = (e: Rule['when']): Condition => compileCondition(e, scope)
    const code = conditionCode(rule.when, scope, (name) => codes.get(name) ?? null)
    const labels = { rule: rule.id }
    const plan: RulePlan = {
      index: this.rules.length,
      rule,
      space,
      clock,
      filter,
      longestMs: Math.max(0, ...slidingMs),
      tumbling,
      ownTumbling: own.tumbling,
      priors,
      falls: fallsOnDeparture(rule),
      scope,
      when: generateCondition(code, sumAsDouble),
      condition: code,
      severities: rule.severity.map((s) => ({ rank: SEVERITY_RANK[s.level], when: s.when ? condition(s.when) : null })),
      mutes: this.#mutes(rule, scope),
      explain: compileTemplate(rule.explain, scope),
      measures: rule.measures
        .flatMap((m) => (m.kind === 'baseline' ? BASELINE_PARTS.map((part) => `${m.name}.${part}`) : [m.name]))
        .map((name) => ({ name, read: readers.get(name) as () => Value })),
      total,
      key: rule.by.map((name) => scope.key(name)),
      suspects: rule.suspects ? this.columns.code(rule, rule.suspects.of) : null,
      suspectsRefused: this.#counters.counter('values_refused_total', labels),
      evidence: (rule.evidence?.fields ?? []).map((name) => ({
        name,
        read: rule.lets.some((l) => l.name === name) ? scope.let(name) : scope.field(name),
      })),
      nullKeys: this.#counters.counter('null_keys_total', labels),
      keysRefused: this.#counters.counter('keys_refused_total', labels),
      alertsRefused: this.#counters.counter('alerts_refused_total', labels),
      walksCut: this.#counters.counter('walks_cut_total', labels),
      missed: this.#counters.counter('missed_windows_total', labels),
      abstained: ABSTAIN_REASONS.map((reason) => this.#counters.counter('abstained_total', { ...labels, reason })),
    }
    this.rules.push(plan)
    this.clocks[clock].rules.push(plan)
    if (rule.evaluate === 'every_change') for (const window of tumbling) window.enders.push(plan)
    this.#use(rule, plan)
    if (priors.length > 0) {
      for (const type of rule.on) this.clocks[clock].priors[this.typeIndex.get(type) as number].push(plan)
    }
    this.#classify(plan, slidingMs)
  }

  /** Puts a rule beside those that take the same events into the same windows of the same keys. */
  #classify(plan: RulePlan, slidingMs: readonly number[]): void {
    const { space, clock, filter, rule, tumbling } = plan
    const key = JSON.stringify([
      [space, clock, filter?.word, filter?.mask, rule.evaluate, ...rule.on],
      [...slidingMs].sort((a, b) => a - b),
      tumbling.map((w) => this.clocks[clock].tumbling.indexOf(w)).sort((a, b) => a - b),
    ])
    const known = this.#classByKey.get(key)
    if (known) {
      known.plans.push(plan)
      known.rises ||= !plan.falls
      return
    }
    const made: RuleClass = { index: this.classes.length, space, clock, filter, plans: [plan], rises: !plan.falls }
    this.#classByKey.set(key, made)
    this.classes.push(made)
    for (const type of rule.on) {
      const t = this.typeIndex.get(type) as number
      this.clocks[clock].arrivals[t].push(made)
      for (const window of tumbling) window.takers[t].push(made)
      for (const windowMs of slidingMs) {
        const window = this.#window(this.clocks[clock], windowMs)
        window.takers[t].push(made)
        if (rule.evaluate === 'every_change') window.touches[t].push(made)
      }
    }
  }

  /** Feeds and reader of one running measure. */
  #running(
    definition: Definition,
    scope: RowScope,
    at: { space: number; clock: number; filter: Filter | null },
    measure: RunningMeasure,
  ): { read: () => Value; code: NumberCode | null } {
    const filter = this.#filters.within(definition, scope, at.filter, measure.where)
    const place = this.#place({ ...at, filter }, measure)
    const host = {
      context: this.#context,
      columns: this.columns,
      strings: this.#strings,
      feed: (kind: FeedKind, column: ColumnRef | null) => this.#feed(definition, place, kind, column),
    }
    const read = this.#reader(place, measure.kind, () => readRunning(host, definition, measure))
    return { read, code: place.tumbling ? null : codeOfRunning(host, definition, measure) }
  }

  /** The reader that `make` gives, asked only while the key's cells stand for the window that is read. */
  #reader({ space, tumbling }: Place, kind: RunningMeasure['kind'], make: () => () => Value): () => Value {
    const read = make()
    if (tumbling === null) return read
    const { epochCell } = this.#tumblingGroup(tumbling, space)
    return readTumbling(this.#context, tumbling, epochCell, read, emptyValue(kind))
  }

  #addBaselineReaders(
    rule: Rule,
    at: { space: number; clock: number; filter: Filter | null },
    measure: BaselineMeasure,
    readers: Map<string, () => Value>,
    scope: RowScope,
  ): void {
    const plan = this.#baseline(rule, at, measure, readers)
    this.baselines.set(`${rule.id}@${rule.version}#${rule.hash}/${measure.name}`, plan)
    const { baseline } = plan
    const { settleMs } = rule
    const context = this.#context
    const enough = (read: (nowMs: number) => number) => (): Value => {
      const nowMs = context.streamMs - settleMs
      if (baseline.points(nowMs) >= measure.minPoints) return read(nowMs)
      scope.reason = 'minimum_sample'
      return undefined
    }
    readers.set(`${measure.name}.points`, () => baseline.points(context.streamMs - settleMs))
    readers.set(
      `${measure.name}.mean`,
      enough((nowMs) => baseline.mean(nowMs)),
    )
    readers.set(
      `${measure.name}.stddev`,
      enough((nowMs) => baseline.stddev(nowMs)),
    )
  }

  /** The baseline of (space, clock, rule's filter, measure, over, step), made at the first asking. */
  #baseline(
    rule: Rule,
    at: { space: number; clock: number; filter: Filter | null },
    { of, overMs, stepMs, zone }: BaselineMeasure,
    readers: ReadonlyMap<string, () => Value>,
  ): BaselinePlan {
    const measure = measureOf(rule, of)
    const parts =
      measure.kind === 'ratio' ? [measure.numerator, measure.denominator].map((n) => runningOf(rule, n)) : []
    const samples = measure.kind === 'ratio' ? Object.keys(measure.atLeast).map((n) => runningOf(rule, n)) : []
    const own = isRunning(measure) ? [measure] : parts
    const filtered = at.filter ? `${at.filter.word}/${at.filter.mask}` : ''
    const asked = [measure, ...parts, ...samples].map((m) => signature(m, rule))
    const key = JSON.stringify([at.space, at.clock, filtered, rule.on, overMs, stepMs, zone, asked])
    const known = this.#baselineByKey.get(key)
    if (known) return known
    const plan = this.#spacePlans[at.space]
    const windows = own.map((m) => ({ windowMs: m.windowMs, tumbling: this.#place(at, m).tumbling }))
    const places = [...own, ...samples].map((m) => this.#place(at, m))
    const tumbling = [...new Set(places.map((p) => p.tumbling).filter((w) => w !== null))]
    const baseline = new Baseline({
      memory: this.#memory,
      context: this.#context,
      cell: plan.cells,
      read:
        measure.kind === 'ratio' ? readRatio(measure, readers, { reason: 'null' }) : (readers.get(of) as () => Value),
      steps: this.#calendar(stepMs, zone),
      overMs,
      windows,
      tumbling,
    })
    plan.cells += BASELINE_CELLS
    const made: BaselinePlan = { baseline, space: at.space, clock: at.clock }
    this.#baselineByKey.set(key, made)
    for (const window of tumbling) this.#tumblingGroup(window, at.space).baselines.push(baseline)
    const clock = this.clocks[at.clock]
    const use: BaselineUse = { baseline, space: at.space, filter: at.filter }
    for (const type of rule.on) {
      const t = this.typeIndex.get(type) as number
      clock.baselines[t].push(use)
      for (const windowMs of new Set(places.filter((p) => p.tumbling === null).map((p) => p.windowMs)))
        this.#window(clock, windowMs).baselines[t].push(use)
    }
    return made
  }

  #addRanking(ranking: Ranking): void {
    const scope = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, ranking)
    const clock = this.#clock(ranking.settleMs)
    const space = this.#space(ranking, [...ranking.per, ranking.rank], `${ranking.id}@${ranking.version}`)
    const filter = this.#filters.of(ranking, scope)
    // [asOf - w, asOf) in whole milliseconds: the event at asOf - w leaves one millisecond after asOf
    const place = { space, clock, windowMs: ranking.windowMs + 1, tumbling: null, filter }
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
      columns: ranking.columns.map((column) => ({
        column,
        read:
          'of' in column ? this.#running(ranking, scope, place, { ...column, windowMs: place.windowMs }).read : null,
      })),
      nullKeys: this.#counters.counter('null_keys_total', { rule: ranking.id }),
      keysRefused: this.#counters.counter('keys_refused_total', { rule: ranking.id }),
    }
    this.rankings.push(plan)
    this.clocks[clock].boards.push(this.rankings.length - 1)
    this.#use(ranking, plan)
  }

  #addBoard(feature: Feature, { limits, ...host }: LayoutInit): FeatureBoard {
    const isBoolean = (name: string) => this.columns.isBoolean(feature, name)
    const board = new FeatureBoard(feature, isBoolean, { ...host, keysMax: limits.keys })
    this.boards.push(board)
    return board
  }

  /** Makes room for a feature's measures. What its board reads them by; `space` is a number still. */
  #addFeature(board: FeatureBoard): Omit<FeatureSource, 'space'> & { space: number } {
    const { feature } = board
    const scope = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, feature)
    const clock = this.#clock(feature.settleMs)
    const space = this.#space(feature, feature.by, '')
    const filter = this.#filters.of(feature, scope)
    const at = { space, clock, filter }
    const readers = new Map<string, () => Value>()
    for (const measure of feature.measures)
      if (isRunning(measure)) readers.set(measure.name, this.#running(feature, scope, at, measure).read)
    for (const measure of feature.measures)
      if (measure.kind === 'ratio') readers.set(measure.name, readRatio(measure, readers, scope))
    const places = [feature, ...feature.measures.filter(isRunning)].map((w) => this.#place(at, w))
    const events = places.map((place) =>
      this.#reader(place, 'count', () =>
        measureReaders.count(this.#context, this.#feed(feature, place, 'events', null)),
      ),
    )
    const labels = { rule: feature.id }
    this.#use(feature, {
      board,
      space,
      filter,
      nullKeys: this.#counters.counter('null_keys_total', labels),
      keysRefused: this.#counters.counter('keys_refused_total', labels),
    })
    const slidingMs = new Set(places.filter((p) => p.tumbling === null).map((p) => p.windowMs))
    const use: BaselineUse = { baseline: board, space, filter }
    for (const type of feature.on) {
      const t = this.typeIndex.get(type) as number
      this.clocks[clock].baselines[t].push(use)
      for (const windowMs of slidingMs) this.#window(this.clocks[clock], windowMs).baselines[t].push(use)
    }
    const tumbling = [...new Set(places.map((p) => p.tumbling).filter((w) => w !== null))]
    return { space, events, measures: feature.measures.map((m) => readers.get(m.name) as () => Value), tumbling }
  }

  #addSequence(rule: SequenceRule): void {
    const events = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, rule)
    const scope = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, rule, rule.by)
    const clock = this.#clock(rule.settleMs)
    const space = this.#space(rule, rule.by, `${rule.id}@${rule.version}`)
    const filter = this.#filters.of(rule, events)
    const plan = planSequence(rule, {
      index: this.sequences.length,
      firstAlertPlan: this.alertPlans.length,
      space,
      clock,
      filter,
      filters: rule.steps.map((step) => {
        const definition = { ...rule, on: step.on }
        const fields = new RowScope(this.#context, this.columns, this.#strings, this.#set.lists, definition)
        return this.#filters.within(definition, fields, filter, step.where)
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
  #use(definition: Definition, user: RulePlan | RankingPlan | SequencePlan | FeaturePlan): void {
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

  /** Gives feeds the bits behind those of the filters; returns how many bits an event has. */
  #setRefusals(): number {
    let bits = this.#filters.count
    for (const feed of this.feeds) {
      if (!feed.marks) continue
      feed.refusedWord = bits >> 5
      feed.refusedMask = (1 << (bits++ & 31)) >>> 0
    }
    return bits
  }

  #setReleases(): void {
    this.#spacePlans.forEach((space, i) => {
      for (const clock of this.clocks) {
        for (const window of clock.windows) {
          if (window.windowMs + clock.settleMs === space.longestMs) {
            window.releases.push(i)
            return
          }
        }
      }
    })
  }
}

const SEVERITY_RANK = { info: 0, low: 1, medium: 2, high: 3, critical: 4 } as const
const BASELINE_PARTS = ['mean', 'stddev', 'points'] as const

function groupOf(groups: FeedGroup[], space: number): FeedGroup {
  let group = groups.find((g) => g.space === space)
  if (!group) {
    group = { space, feeds: [] }
    groups.push(group)
  }
  return group
}

function tumblingFeedsOf(list: TumblingFeeds[], window: TumblingWindow, group: TumblingGroup): TumblingFeeds {
  let feeds = list.find((f) => f.group === group)
  if (!feeds) {
    feeds = { window, group, feeds: [] }
    list.push(feeds)
  }
  return feeds
}

function measureOf(rule: Rule, name: string): Measure {
  const measure = rule.measures.find((m) => m.name === name)
  if (!measure) throw new TypeError(`no measure ${name} in ${rule.id}`)
  return measure
}

function runningOf(rule: Rule, name: string): RunningMeasure {
  const measure = measureOf(rule, name)
  if (!isRunning(measure)) throw new TypeError(`${name} in ${rule.id} is not kept`)
  return measure
}

/** Equal for measures of the same filter that compute the same. */
function signature(measure: Measure, rule: Rule): unknown {
  const { name: _, ...rest } = measure
  if (!isRunning(measure)) return rest
  const own = rule.lets.find((l) => l.name === measure.of)
  return [rest, canonical(measure.where, rule), own ? canonical(own.expression, rule) : null]
}
