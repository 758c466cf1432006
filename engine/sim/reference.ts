import type { Block, Mark } from '../model/block.ts'
import { Counters } from '../model/counters.ts'
import type { Output } from '../model/output.ts'
import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import { type Event, eventAt } from './reference/event.ts'
import { type Published, ReferenceFeature } from './reference/feature.ts'
import { byTime } from './reference/order.ts'
import { ReferenceRanking } from './reference/ranking.ts'
import { ReferenceRule } from './reference/rule.ts'
import { ReferenceSequence } from './reference/sequence.ts'
import { TakenEvent } from './reference/taken.ts'

export interface ReferenceOptions {
  readonly streams: readonly Stream[]
  readonly set: RuleSet
  /** The input is the whole history: coverage is 1. */
  readonly finite: boolean
  readonly measures?: boolean
}

/**
 * docs/semantics.md, word by word: slow on purpose, and without a line of the engine that it checks.
 * Every window is counted anew at every evaluation; only events that have left all windows are forgotten.
 */
export class ReferenceEngine {
  readonly #options: ReferenceOptions
  readonly #counters = new Counters()
  readonly #rules: readonly ReferenceRule[]
  readonly #sequences: readonly ReferenceSequence[]
  readonly #rankings: readonly ReferenceRanking[]
  readonly #features: readonly ReferenceFeature[]
  #published: Published
  #outputs: Output[] = []
  /** Stream time; undefined before the first event or mark. */
  #streamMs: number | undefined
  /** Stream time at which the history begins. */
  #historyMs = 0
  #arrivals = 0
  readonly #offsetBySource = new Map<string, number>()
  /** Stream time at which each id was read, by stream and id. */
  readonly #readAtById = new Map<string, number>()
  readonly #upToBySource = new Map<string, number>()

  constructor(options: ReferenceOptions) {
    this.#options = options
    const { lists, rules, sequences } = options.set
    const ruleOptions = {
      lists,
      features: () => this.#published,
      counters: this.#counters,
      measures: options.measures === true,
      historyMs: () => (options.finite ? null : this.#historyMs),
      emit: (output: Output) => this.#outputs.push(output),
    }
    this.#rules = rules.map((rule) => new ReferenceRule(rule, ruleOptions))
    this.#sequences = sequences.map((sequence) => new ReferenceSequence(sequence, ruleOptions))
    this.#rankings = options.set.rankings.map((ranking) => new ReferenceRanking(ranking))
    const { features } = options.set
    this.#features = features.filter((f) => !f.fixed).map((feature) => new ReferenceFeature(feature))
    this.#published = new Map(
      features.map(({ id, fixed = [] }) => [id, new Map(fixed.map(({ key, measures }) => [key, measures]))]),
    )
  }

  get counters(): Record<string, number> {
    return totalsOf(this.#counters)
  }

  get #both(): readonly (ReferenceRule | ReferenceSequence)[] {
    return [...this.#rules, ...this.#sequences]
  }

  process(entry: Block | Mark): Output[] {
    this.#outputs = []
    if (entry.kind === 'mark') this.#readMark(entry)
    else {
      const stream = this.#options.streams.find((s) => s.name === entry.stream)!
      for (let row = 0; row < entry.length; row++) {
        this.#readEvent(eventAt(entry, row, stream, this.#arrivals++, this.#counters))
      }
    }
    return this.#outputs
  }

  finish(until: 'drained' | 'last'): Output[] {
    this.#outputs = []
    if (this.#streamMs === undefined) return []
    if (until === 'drained') {
      for (let last = this.#nextEffect(this.#streamMs); last !== undefined; last = this.#nextEffect(last))
        this.#happenUntil(last)
    }
    for (const one of this.#both) one.closeAll(this.#streamMs - one.definition.settleMs)
    return this.#outputs
  }

  /** "What happens to one event" */
  #readEvent(event: Event): void {
    // 1.
    if (!this.#isNewOffset(event)) this.#count('duplicate_offsets_total')
    else if (!this.#isNewId(event)) this.#count('duplicate_ids_total')
    // 2.
    else if (event.timeMs < (this.#streamMs ?? event.timeMs) - event.stream.latenessMs) this.#count('late_total')
    else {
      // 3.
      this.#advance(event.timeMs)
      this.#take(event)
    }
  }

  #isNewOffset({ source }: Event): boolean {
    const partition = `${source.topic}/${source.partition}`
    const largest = this.#offsetBySource.get(partition)
    if (largest !== undefined && source.offset <= largest) return false
    this.#offsetBySource.set(partition, source.offset)
    return true
  }

  #isNewId(event: Event): boolean {
    const id = `${event.stream.name} ${event.id}`
    const readAt = this.#readAtById.get(id)
    const readNow = Math.max(this.#streamMs ?? event.timeMs, event.timeMs)
    if (readAt !== undefined && readAt > readNow - event.stream.dedupeMs) return false
    this.#readAtById.set(id, readNow)
    return true
  }

  /** 4. and 5., for each rule, ranking and feature that reads the type. */
  #take(event: Event): void {
    const world = { lists: this.#options.set.lists, features: this.#published }
    for (const one of this.#both) {
      const { definition } = one
      if (definition.on.includes(event.type))
        one.take(new TakenEvent(event, definition, definition.by, world), this.#streamMs! - definition.settleMs)
    }
    for (const ranking of this.#rankings)
      if (ranking.ranking.on.includes(event.type)) {
        const taken = new TakenEvent(event, ranking.ranking, ranking.ranking.per, world)
        if (!taken.isKept(ranking.ranking)) continue
        if (taken.hasNullInKey || taken.cell(ranking.ranking.rank) === null) this.#count('null_keys_total')
        else ranking.take(taken)
      }
    for (const feature of this.#features) {
      const { definition } = feature
      if (!definition.on.includes(event.type)) continue
      const taken = new TakenEvent(event, definition, definition.by, world)
      if (!taken.isKept(definition)) continue
      if (taken.hasNullInKey) this.#count('null_keys_total')
      else feature.take(taken, this.#streamMs!)
    }
  }

  /** Stream time moves to the smallest latest `upTo` over all sources that the mark lists, once each has one. */
  #readMark(mark: Mark): void {
    this.#upToBySource.set(`${mark.sourceTopic}/${mark.sourcePartition}`, mark.upToMs)
    const upTo = mark.sources.map((source) => this.#upToBySource.get(source) ?? Number.NEGATIVE_INFINITY)
    const smallest = Math.min(...upTo)
    if (Number.isFinite(smallest)) this.#advance(smallest)
  }

  #advance(toMs: number): void {
    if (this.#streamMs === undefined) this.#historyMs = toMs
    else this.#happenUntil(toMs)
    this.#streamMs = Math.max(this.#streamMs ?? toMs, toMs)
  }

  /** "What happens at one advance": all moments up to `toMs`, ascending. Stream time stands at the last of them. */
  #happenUntil(toMs: number): void {
    for (;;) {
      const moment = this.#nextMoment(this.#streamMs!)
      if (moment === undefined || moment > toMs) return
      this.#streamMs = moment
      this.#leave(moment)
      for (const sequence of this.#sequences) sequence.fireTimers(moment - sequence.definition.settleMs)
      for (const one of this.#both) one.closeOver(moment - one.definition.settleMs)
      for (const ranking of this.#rankings) this.#rank(ranking, moment - ranking.ranking.settleMs)
      this.#enterWaiting(moment)
      for (const feature of this.#features) {
        if (moment % feature.definition.everyMs !== 0) continue
        this.#published = new Map([...this.#published, [feature.definition.id, feature.publish(moment)]])
      }
    }
  }

  /** Steps 1 and 2: all leave, then each (rule, key) in the order of its first event, rules in theirs; window ends. */
  #leave(moment: number): void {
    const touched = this.#rules.flatMap((rule) =>
      rule.leave(moment - rule.definition.settleMs).map((taken) => ({ rule, event: taken.event, taken })),
    )
    for (const { rule, taken } of touched.sort(byTime)) rule.evaluateDeparture(taken, moment - rule.definition.settleMs)
    for (const rule of this.#rules) rule.evaluateEnd(moment - rule.definition.settleMs)
  }

  /** Step 5: in the order of the events, rules in theirs. */
  #enterWaiting(moment: number): void {
    const due = this.#both.flatMap((one) =>
      one.due(moment - one.definition.settleMs).map((taken) => ({ one, event: taken.event, taken })),
    )
    for (const { one, taken } of due.sort(byTime)) one.enter(taken, moment - one.definition.settleMs)
  }

  /** The next moment after `streamMs`, in stream time: a rule's clock reads `settle` less. */
  #nextMoment(streamMs: number): number | undefined {
    const ends = this.#rules.map((rule) => {
      const { settleMs } = rule.definition
      return plus(rule.nextWindowEnd(streamMs - settleMs), settleMs)
    })
    const publications = this.#features.map((feature) => feature.nextPublication(streamMs))
    return least([this.#nextEffect(streamMs), ...ends, ...publications])
  }

  /** The same without the ends of empty windows and publications: a finite input is not followed to those. */
  #nextEffect(streamMs: number): number | undefined {
    return least([
      ...this.#both.map((one) => {
        const { settleMs } = one.definition
        return plus(one.nextMoment(streamMs - settleMs), settleMs)
      }),
      ...this.#rankings.map((r) => plus(r.nextAsOf(streamMs - r.ranking.settleMs), r.ranking.settleMs)),
    ])
  }

  #rank(ranking: ReferenceRanking, t: number): void {
    if (t % ranking.ranking.stepMs === 0) this.#outputs.push(...ranking.rank(t))
  }

  #count(name: string): void {
    this.#counters.counter(name).value += 1
  }
}

function plus(moment: number | undefined, settleMs: number): number | undefined {
  return moment === undefined ? undefined : moment + settleMs
}

function least(moments: readonly (number | undefined)[]): number | undefined {
  return moments.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined)
}

/** By name, all labels together; and `abstained_total.<reason>`. */
export function totalsOf(counters: Counters): Record<string, number> {
  const totals: Record<string, number> = {}
  for (const { name, labels, value } of counters.all()) {
    totals[name] = (totals[name] ?? 0) + value
    if (labels.reason) totals[`${name}.${labels.reason}`] = (totals[`${name}.${labels.reason}`] ?? 0) + value
  }
  return totals
}
