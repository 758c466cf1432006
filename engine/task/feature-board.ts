import type { Counters } from '../model/counters.ts'
import type { Value } from '../model/expression.ts'
import type { Cell, MeasureValue } from '../model/output.ts'
import type { Feature, Measure } from '../model/rule.ts'
import type { CodeMap } from '../state/code-map.ts'
import { KEY_CELLS, KeySpace } from '../state/key-space.ts'
import type { Memory } from '../state/memory.ts'
import type { StringTable } from '../state/string-table.ts'
import type { Context } from './context.ts'
import type { KeyWatcher } from './plans.ts'
import type { TumblingWindow } from './tumbling.ts'

/** Cell of the queue: the slot behind it + 1, or LAST; 0 = it does not stand there. */
const BEHIND = KEY_CELLS
const LAST = -1
const VALUES = KEY_CELLS + 1
const NO_CODE = -1

/** A key that is there, as conditions give it. */
export type FeatureKey = Exclude<Value, null | undefined>

/** What others ask of a feature. */
export interface FeatureValues {
  reader(measure: string): (key: FeatureKey) => Value
}

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

/** Where a measure is kept: a number, a code, or a number of codes and the codes. */
interface Store {
  readonly cell: number
  readonly kind: 'number' | 'code' | 'codes'
  readonly isBoolean: boolean
}

/**
 * What a feature has published, by key: docs/semantics.md, "Features".
 *
 * Keys    a table of their own, each with its values; a key whose windows are empty is let go when that is published
 * Queue   keys whose windows an event has entered or left since the last publication, linked through their cells
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
  readonly #strings: StringTable
  readonly #table: KeySpace
  readonly #codes: CodeMap
  readonly #stores: readonly Store[]
  readonly #keysMax: number
  readonly #refused
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
    this.#strings = strings
    this.#keysMax = keysMax
    this.#refused = counters.counter('keys_refused_total', { rule: feature.id })
    let cell = VALUES
    this.#stores = feature.measures.map((measure) => {
      const store = { cell, ...storeOf(measure, isBoolean) }
      cell += measure.kind === 'top' ? 1 + (measure.k ?? 1) : 1
      return store
    })
    this.#table = new KeySpace(memory, 1, cell, strings)
    this.#codes = this.#table.keys as CodeMap
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
    return this.#codes.size
  }

  bind(source: FeatureSource): void {
    this.#source = source
  }

  reader(measure: string): (key: FeatureKey) => Value {
    const store = this.#stores[this.feature.measures.findIndex((m) => m.name === measure)]
    const strings = this.#strings
    return (key) => {
      this.#codes.probe[0] = typeof key === 'string' ? strings.codeOfText(key) : strings.codeOfNumber(Number(key))
      const slot = this.#codes.probe[0] < 0 ? -1 : this.#codes.find()
      return slot < 0 ? null : this.#value(store, slot)
    }
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
      const cells = this.#table.writeCells(slot)
      const at = this.#table.baseOf(slot) + BEHIND
      this.#first = cells[at] === LAST ? 0 : cells[at]
      cells[at] = 0
      this.#publish(slot)
    }
    this.#endMs = Number.POSITIVE_INFINITY
    if (this.#codes.size === 0) return
    const { everyMs } = this.feature
    for (const { endMs } of this.#source.tumbling) if (endMs < this.#endMs) this.#endMs = endMs
    if (this.#endMs !== Number.POSITIVE_INFINITY) this.dueMs = Math.ceil(this.#endMs / everyMs) * everyMs
  }

  /** All keys with what was published of them. */
  save(): SavedFeature {
    const saved: [Cell, MeasureValue[]][] = []
    for (const slot of this.#slots())
      saved.push([
        this.#strings.value(this.#table.keys.part(slot, 0)),
        this.#stores.map((store) => this.#value(store, slot) as MeasureValue),
      ])
    return saved
  }

  /** Takes up what `save` gave in place of all that was published; each key is looked at when the next moment comes. */
  load(saved: SavedFeature, nowMs: number): void {
    for (const slot of this.#slots()) this.#setValues(slot, () => null)
    for (const [key, values] of saved) {
      const code = typeof key === 'string' ? this.#strings.internText(key) : this.#strings.internNumber(Number(key))
      this.#queue(code)
      this.#strings.release(code)
      this.#codes.probe[0] = code
      const slot = this.#codes.find()
      if (slot >= 0) this.#setValues(slot, (i) => values[i])
    }
    this.#queueAll()
    const { everyMs } = this.feature
    if (this.#first !== 0) this.dueMs = Math.ceil((nowMs + 1) / everyMs) * everyMs
  }

  /** False where there is no room for the key. */
  #queue(code: number): boolean {
    const table = this.#table
    const before = this.#codes.size
    this.#codes.probe[0] = code
    const slot = table.slotOf(this.#keysMax)
    if (slot < 0) {
      if (this.#context.evaluating) this.#refused.value++
      return false
    }
    if (this.#codes.size !== before) {
      table.retain(slot)
      const cells = table.writeCells(slot)
      const base = table.baseOf(slot)
      for (const { cell, kind } of this.#stores) cells[base + cell] = empty(kind)
    }
    this.#link(slot)
    return true
  }

  #queueAll(): void {
    for (const slot of this.#slots()) this.#link(slot)
  }

  #link(slot: number): void {
    const at = this.#table.baseOf(slot) + BEHIND
    if (this.#table.cellsOf(slot)[at] !== 0) return
    this.#table.writeCells(slot)[at] = this.#first === 0 ? LAST : this.#first
    this.#first = slot + 1
  }

  #slots(): number[] {
    const slots: number[] = []
    for (let slot = 0; slot < this.#codes.idsEnd; slot++)
      if (this.#table.cellsOf(slot)[this.#table.baseOf(slot)] > 0) slots.push(slot)
    return slots
  }

  #publish(slot: number): void {
    const { space, events, measures } = this.#source
    const keys = space.keys as CodeMap
    keys.probe[0] = this.#table.keys.part(slot, 0)
    const source = keys.find()
    if (source >= 0) this.#context.setKey(space, source)
    if (source >= 0 && events.some((read) => (read() as number) > 0)) {
      this.#setValues(slot, (i) => measures[i]())
      return
    }
    this.#setValues(slot, () => null)
    if (this.#table.release(slot)) this.#table.forget(slot)
  }

  #setValues(slot: number, read: (index: number) => Value): void {
    for (let i = 0; i < this.#stores.length; i++) this.#setValue(this.#stores[i], slot, read(i))
  }

  #value({ cell, kind, isBoolean }: Store, slot: number): Value {
    const cells = this.#table.cellsOf(slot)
    const at = this.#table.baseOf(slot) + cell
    const first = cells[at]
    if (kind === 'number') return Number.isNaN(first) ? null : first
    if (first === NO_CODE) return null
    const known = (code: number): Cell => (isBoolean ? this.#strings.value(code) !== 0 : this.#strings.value(code))
    if (kind === 'code') return known(first)
    const values: (string | number | boolean)[] = []
    for (let i = 1; i <= first; i++) values.push(known(cells[at + i]) as string)
    return values
  }

  /** New codes are taken before old ones are let go: most often they are the same. */
  #setValue({ cell, kind }: Store, slot: number, value: Value): void {
    const cells = this.#table.writeCells(slot)
    const at = this.#table.baseOf(slot) + cell
    if (kind === 'number') {
      cells[at] = typeof value === 'number' ? value : Number.NaN
      return
    }
    const before = kind === 'code' ? cells.slice(at, at + 1) : cells.slice(at + 1, at + 1 + Math.max(0, cells[at]))
    const list: readonly unknown[] = value === null || value === undefined ? [] : Array.isArray(value) ? value : [value]
    const codes = list.map((v) =>
      typeof v === 'string' ? this.#strings.internText(v) : this.#strings.internNumber(Number(v)),
    )
    if (kind === 'code') cells[at] = codes[0] ?? NO_CODE
    else {
      cells[at] = value === null || value === undefined ? NO_CODE : codes.length
      cells.set(codes, at + 1)
    }
    for (const code of before) if (code !== NO_CODE) this.#strings.release(code)
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

function storeOf(measure: Measure, isBoolean: (name: string) => boolean): Omit<Store, 'cell'> {
  if (measure.kind !== 'last' && measure.kind !== 'top') return { kind: 'number', isBoolean: false }
  return { kind: measure.kind === 'last' ? 'code' : 'codes', isBoolean: measure.of !== null && isBoolean(measure.of) }
}

function empty(kind: Store['kind']): number {
  return kind === 'number' ? Number.NaN : NO_CODE
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}
