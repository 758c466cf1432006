import type { Counters } from '../model/counters.ts'
import type { Value } from '../model/expression.ts'
import type { Cell, MeasureValue } from '../model/output.ts'
import { boundedValues } from '../model/output-bounds.ts'
import type { Feature } from '../model/rule.ts'
import type { CodeMap } from '../state/code-map.ts'
import type { KeySpace } from '../state/key-space.ts'
import type { Memory } from '../state/memory.ts'
import type { StringTable } from '../state/string-table.ts'
import type { Context } from './context.ts'
import { type FeatureKey, FeatureTable, type FeatureValues } from './feature-table.ts'
import type { KeyWatcher } from './plans.ts'
import type { TumblingWindow } from './tumbling.ts'

/** A key's own cell: the slot behind it in the queue + 1, or LAST; 0 = it does not stand there. */
const LAST = -1

/** How a board reads the events of its keys: handed over when the layout has made room for them. */
export interface FeatureSource {
  readonly space: KeySpace
  /** Events of the key at hand in each window of the feature. */
  readonly events: readonly (() => Value)[]
  /** In the order of the feature's measures. */
  readonly measures: readonly (() => Value)[]
  readonly tumbling: readonly TumblingWindow[]
}

/** The published measures of one key, as a rule set hands them on to the next. */
export type SavedFeature = readonly (readonly [key: Cell, values: readonly MeasureValue[]])[]

/**
 * What a feature has published, by key: docs/semantics.md, "Features".
 *
 * Keys    a table of their own, each with its values; a key whose windows are empty is let go when that is published
 * Queue   keys whose windows an event has entered or left since the last publication, linked through their cells
 * Others  that share the rule set hear of each key whose values are not those published before (`context.announce`)
 * Cost    arrival, departure: O(1); a publication: one reading of the measures for each key in the queue; where the
 *         feature has tumbling windows, for each key when one of them has ended
 */
export class FeatureBoard implements FeatureValues, KeyWatcher {
  /** The next moment at which something is published, stream time; Infinity = there is nothing to. */
  dueMs = Number.POSITIVE_INFINITY
  /** When the first tumbling window ends that published keys have events in. */
  #endMs = Number.POSITIVE_INFINITY
  /** Slot + 1; 0 = the queue is empty. */
  #first = 0
  readonly feature: Feature
  readonly #context: Context
  readonly #table: FeatureTable
  readonly #keysMax: number
  readonly #refused
  readonly #cut
  #source!: FeatureSource

  constructor(
    feature: Feature,
    isBoolean: (name: string) => boolean,
    {
      memory,
      context,
      strings,
      counters,
      keysMax,
    }: { memory: Memory; context: Context; strings: StringTable; counters: Counters; keysMax: number },
  ) {
    this.feature = feature
    this.#context = context
    this.#keysMax = keysMax
    this.#refused = counters.counter('keys_refused_total', { rule: feature.id })
    this.#cut = counters.counter('outputs_cut_total', { rule: feature.id })
    this.#table = new FeatureTable(feature, isBoolean, { memory, strings, sets: 1 })
    memory.root(
      (): [number, number | null, number | null] => [this.#first, finite(this.dueMs), finite(this.#endMs)],
      ([first, dueMs, endMs]: [number, number | null, number | null]) => {
        this.#first = first
        this.dueMs = dueMs ?? Number.POSITIVE_INFINITY
        this.#endMs = endMs ?? Number.POSITIVE_INFINITY
      },
    )
  }

  get keys(): number {
    return this.#table.size
  }

  bind(source: FeatureSource): void {
    this.#source = source
  }

  reader(measure: string): (key: FeatureKey) => Value {
    return this.#table.reader(measure)
  }

  arrive(slot: number, _timeMs: number, nowMs: number): void {
    this.catchUp(slot, nowMs)
  }

  /** The measures of the key at `slot` of its key space change behind `throughMs`. */
  catchUp(slot: number, throughMs: number): void {
    const { everyMs } = this.feature
    const dueMs = Math.ceil((throughMs + 1) / everyMs) * everyMs
    const code = this.#source.space.keys.part(slot, 0)
    if (this.#queue(code) && dueMs < this.dueMs) this.dueMs = dueMs
  }

  /** Takes down what the measures of all keys in the queue say now. */
  publish(nowMs: number): void {
    this.dueMs = Number.POSITIVE_INFINITY
    if (nowMs >= this.#endMs) this.#queueAll()
    while (this.#first !== 0) {
      const slot = this.#first - 1
      const behind = this.#table.own(slot)
      this.#first = behind === LAST ? 0 : behind
      this.#table.setOwn(slot, 0)
      this.#publish(slot)
    }
    this.#endMs = Number.POSITIVE_INFINITY
    if (this.#table.size === 0) return
    const { everyMs } = this.feature
    for (const { endMs } of this.#source.tumbling) if (endMs < this.#endMs) this.#endMs = endMs
    if (this.#endMs !== Number.POSITIVE_INFINITY) this.dueMs = Math.ceil(this.#endMs / everyMs) * everyMs
  }

  /** Tells the others all that is published: nobody has heard of it before. */
  announceAll(): void {
    for (const slot of this.#table.slots()) {
      const values = this.#table.values(slot)
      if (values.some((value) => value !== null)) this.#announce(slot, values)
    }
  }

  /** All keys with what was published of them. */
  save(): SavedFeature {
    return this.#table.slots().map((slot) => [this.#table.keyOf(slot), this.#table.values(slot) as MeasureValue[]])
  }

  /** Takes up what `save` gave in place of all that was published; each key is looked at when the next moment comes. */
  load(saved: SavedFeature, nowMs: number): void {
    for (const slot of this.#table.slots()) this.#table.setValues(slot, () => null)
    for (const [key, values] of saved) {
      const slot = this.#table.add(key, this.#keysMax)
      if (slot >= 0) this.#table.setValues(slot, (i) => values[i])
      else this.#countRefused()
    }
    this.#queueAll()
    const { everyMs } = this.feature
    if (this.#first !== 0) this.dueMs = Math.ceil((nowMs + 1) / everyMs) * everyMs
  }

  /** False where there is no room for the key. */
  #queue(code: number): boolean {
    const slot = this.#table.addCode(code, this.#keysMax)
    if (slot < 0) this.#countRefused()
    else this.#link(slot)
    return slot >= 0
  }

  #countRefused(): void {
    if (this.#context.evaluating) this.#refused.value++
  }

  #queueAll(): void {
    for (const slot of this.#table.slots()) this.#link(slot)
  }

  #link(slot: number): void {
    if (this.#table.own(slot) !== 0) return
    this.#table.setOwn(slot, this.#first === 0 ? LAST : this.#first)
    this.#first = slot + 1
  }

  #publish(slot: number): void {
    const { space, events, measures } = this.#source
    const isTold = this.#context.announce !== null && this.#context.evaluating
    const before = isTold ? this.#table.values(slot) : null
    const keys = space.keys as CodeMap
    keys.probe[0] = this.#table.codeOf(slot)
    const source = keys.find()
    if (source >= 0) this.#context.setKey(space, source)
    const isKnown = source >= 0 && events.some((read) => (read() as number) > 0)
    if (isKnown) this.#table.setValues(slot, (i) => measures[i]())
    if (before) {
      const values = isKnown ? this.#table.values(slot) : null
      if (!isSame(before, values ?? before.map(() => null))) this.#announce(slot, values)
    }
    if (!isKnown) this.#table.forget(slot)
  }

  #announce(slot: number, values: readonly Value[] | null): void {
    const { id: feature, version } = this.feature
    const key = this.#table.keyOf(slot)
    const kept = values && boundedValues(values as MeasureValue[])
    if (kept !== values) this.#cut.value++
    this.#context.announce?.({ kind: 'feature', feature, version, key, values: kept })
  }
}

/** What a test says in a feature's place. */
export class FixedFeature implements FeatureValues {
  readonly #byKey: ReadonlyMap<unknown, Readonly<Record<string, MeasureValue>>>

  constructor({ fixed = [] }: Feature) {
    this.#byKey = new Map(fixed.map(({ key, measures }) => [key, measures]))
  }

  reader(measure: string): (key: FeatureKey) => Value {
    return (key) => this.#byKey.get(key)?.[measure] ?? null
  }
}

function isSame(a: readonly Value[], b: readonly Value[]): boolean {
  return a.every((value, i) => value === b[i] || JSON.stringify(value) === JSON.stringify(b[i]))
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}
