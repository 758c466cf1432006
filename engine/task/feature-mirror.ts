import type { FeatureRecord } from '../model/block.ts'
import type { Counters } from '../model/counters.ts'
import type { Value } from '../model/expression.ts'
import type { Cell, MeasureValue } from '../model/output.ts'
import type { Feature } from '../model/rule.ts'
import type { Memory } from '../state/memory.ts'
import type { StringTable } from '../state/string-table.ts'
import type { Context } from './context.ts'
import { type FeatureKey, FeatureTable, type FeatureValues } from './feature-table.ts'

/** Values of a key: those of now, at the end of the epoch before its last change, and of the one before that. */
type Sets = readonly [now: Values, before: Values, beforeThat: Values]
type Values = readonly MeasureValue[] | null
/** Epoch of the last change, and what was so then. */
type Dated<T> = readonly [epoch: number, now: T, before: T, beforeThat: T]

/** All of a mirror, as a rule set hands it on to the next. */
export interface SavedMirror {
  readonly feature: Feature
  readonly epochMs: number
  readonly seen: Dated<number>
  readonly topic: string
  readonly keys: readonly (readonly [key: Cell, ...Dated<Values>])[]
}

/** Under which commits keep what was seen of a feature, `feature/<id>.<version>`, and of its keys. */
export const FEATURE_PREFIX = 'feature/'

type Keep = (key: string, value: string | null) => void

/** Nothing of the topic was seen. */
const NOTHING: Dated<number> = [0, -1, -1, -1]

/**
 * What a feature says that others publish, as records of its control topic bring it: docs/semantics.md, "Features".
 *
 * Again     an offset that was seen changes nothing
 * Rebuild   commits keep the values of each key, under `feature/<id>.<version>/<key as JSON>`, as of now and of the ends of
 *           the last epochs; an epoch is what a rebuild needs, of stream time. It begins with the end of the epoch before
 *           the last one (`restore`), reads the records from there on, and ends with what is kept as of now.
 * Room      a key that is not known any more is let go of two epochs later; there are at most `keysMax`
 */
export class FeatureMirror implements FeatureValues {
  readonly feature: Feature
  readonly #context: Context
  readonly #table: FeatureTable
  readonly #keysMax: number
  readonly #refused
  /** Offsets of the control topic, as those of the values. */
  #seen: Dated<number> = NOTHING
  /** The control topic, with its id: one that was made again begins anew. Empty = not known. */
  #topic = ''
  /** The epoch in which was looked for keys to let go of. */
  #cleared = 0
  #epochMs = 1
  #keep: Keep = () => {}

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
    this.#table = new FeatureTable(feature, isBoolean, { memory, strings, sets: 3 })
    memory.root(
      (): [Dated<number>, number, string] => [this.#seen, this.#cleared, this.#topic],
      ([seen, cleared, topic]: [Dated<number>, number, string?]) => {
        this.#seen = seen
        this.#cleared = cleared
        this.#topic = topic ?? ''
      },
    )
  }

  get keys(): number {
    return this.#table.size
  }

  /** `keep` is told what commits are to keep. */
  open(epochMs: number, keep: Keep): void {
    this.#epochMs = Math.max(1, epochMs)
    this.#keep = keep
  }

  reader(measure: string): (key: FeatureKey) => Value {
    return this.#table.reader(measure)
  }

  /** A record of the feature's control topic, read at stream time `streamMs`. */
  receive({ offset, key, values }: FeatureRecord, streamMs: number, topic = ''): void {
    const isSame = this.#topic === '' || this.#topic === topic
    if (isSame && offset <= this.#seen[1]) return
    this.#topic = topic
    const epoch = this.#epochOf(streamMs)
    this.#seen = moved(this.#seen, epoch, offset)
    this.#keepSeen()
    if (epoch > this.#cleared) this.#clear(epoch)
    if (values === null && this.#table.find(key as FeatureKey) < 0) return
    const before = this.#table.size
    const slot = this.#table.add(key, this.#keysMax)
    if (slot < 0) {
      if (this.#context.evaluating) this.#refused.value++
      return
    }
    const was: Dated<Values> = this.#table.size === before ? this.#dated(slot) : [epoch, null, null, null]
    this.#set(slot, moved(was, epoch, values))
    this.#keepKey(slot)
  }

  save(): SavedMirror {
    const keys = this.#table.slots().map((slot) => [this.#table.keyOf(slot), ...this.#dated(slot)] as const)
    return { feature: this.feature, epochMs: this.#epochMs, seen: this.#seen, topic: this.#topic, keys }
  }

  /** Takes up what `save` gave at stream time `streamMs`, in a mirror with nothing in it. */
  load({ epochMs, seen, topic, keys }: SavedMirror, streamMs: number): void {
    const isSame = epochMs === this.#epochMs
    const epoch = this.#epochOf(streamMs)
    const dated = <T>(was: Dated<T>): Dated<T> => (isSame ? was : [epoch, was[1], was[1], was[1]])
    this.#seen = dated(seen)
    this.#topic = topic
    this.#cleared = epoch
    if (!isSame) this.#keepSeen()
    for (const [key, ...was] of keys) {
      const slot = this.#table.add(key, this.#keysMax)
      if (slot < 0) continue
      this.#set(slot, dated(was))
      if (!isSame) this.#keepKey(slot)
    }
  }

  /** Nobody reads it any more: commits need keep nothing of it. */
  drop(): void {
    this.#keep(this.#name, null)
    for (const slot of this.#table.slots()) this.#keep(this.#nameOf(slot), null)
  }

  /**
   * In place of all that is here, what commits kept: as it was at the end of the epoch before the last one, for a rebuild up
   * to stream time `rebuildToMs`; null = as it is.
   */
  restore(kept: ReadonlyMap<string, string>, rebuildToMs: number | null): void {
    const end = rebuildToMs === null ? null : this.#epochOf(rebuildToMs) - 2
    const dated = <T>(text: string): Dated<T> => {
      const was = (JSON.parse(text) as unknown[]).slice(0, 4) as unknown as Dated<T>
      if (end === null) return was
      const value = was[Math.max(1, was[0] - end + 1)] as T
      return [end, value, value, value]
    }
    for (const slot of this.#table.slots()) this.#table.forget(slot)
    const seen = kept.get(this.#name)
    this.#seen = seen === undefined ? NOTHING : dated(seen)
    this.#topic = seen === undefined ? '' : ((JSON.parse(seen) as [...Dated<number>, string?])[4] ?? '')
    this.#cleared = end ?? this.#seen[0]
    const prefix = `${this.#name}/`
    for (const [key, value] of kept) {
      if (!key.startsWith(prefix)) continue
      const slot = this.#table.add(JSON.parse(key.slice(prefix.length)), this.#keysMax)
      if (slot >= 0) this.#set(slot, dated(value))
    }
  }

  get #name(): string {
    return `${FEATURE_PREFIX}${this.feature.id}.${this.feature.version}`
  }

  #nameOf(slot: number): string {
    return `${this.#name}/${JSON.stringify(this.#table.keyOf(slot))}`
  }

  #epochOf(streamMs: number): number {
    return Number.isFinite(streamMs) ? Math.floor(streamMs / this.#epochMs) : 0
  }

  #dated(slot: number): Dated<Values> {
    const sets = [0, 1, 2].map((set) => known(this.#table.values(slot, set))) as unknown as Sets
    return [this.#table.own(slot), ...sets]
  }

  #set(slot: number, [epoch, ...sets]: Dated<Values>): void {
    this.#table.setOwn(slot, epoch)
    for (const [set, values] of sets.entries()) this.#table.setValues(slot, (i) => values?.[i] ?? null, set)
  }

  #keepSeen(): void {
    this.#keep(this.#name, JSON.stringify(this.#topic === '' ? this.#seen : [...this.#seen, this.#topic]))
  }

  #keepKey(slot: number): void {
    this.#keep(this.#nameOf(slot), JSON.stringify(this.#dated(slot)))
  }

  #clear(epoch: number): void {
    this.#cleared = epoch
    for (const slot of this.#table.slots()) {
      if (this.#table.own(slot) > epoch - 2 || known(this.#table.values(slot)) !== null) continue
      this.#keep(this.#nameOf(slot), null)
      this.#table.forget(slot)
    }
  }
}

/** With `now` from `epoch` on. */
function moved<T>([last, was, before, beforeThat]: Dated<T>, epoch: number, now: T): Dated<T> {
  if (epoch <= last) return [last, now, before, beforeThat]
  return [epoch, now, was, epoch === last + 1 ? before : was]
}

function known(values: readonly Value[]): Values {
  return values.some((value) => value !== null) ? (values as readonly MeasureValue[]) : null
}
