import type { Cell, MeasureValue } from '../../model/output.ts'
import { type Feature, isRunning } from '../../model/rule.ts'
import { measureAll, shown } from './measure.ts'
import { byTime, groupBy } from './order.ts'
import type { TakenEvent } from './taken.ts'
import { endFor, holds, type Window } from './window.ts'

/** What features say: feature -> key -> measures. Never changed: a publication makes a new one. */
export type Published = ReadonlyMap<string, ReadonlyMap<Cell, Readonly<Record<string, MeasureValue>>>>

/** One feature with all events that it took. `t` is stream time. */
export class ReferenceFeature {
  readonly definition: Feature
  readonly #windows: readonly Window[]
  #entered: TakenEvent[] = []
  #publishedMs = Number.NEGATIVE_INFINITY
  /** An event has entered since. */
  #isChanged = false

  constructor(feature: Feature) {
    this.definition = feature
    this.#windows = [feature, ...feature.measures.filter(isRunning)]
  }

  /** An event that has a key. */
  take(taken: TakenEvent, t: number): void {
    if (!this.#windows.some((w) => holds(w, taken.event.timeMs, t))) return
    this.#entered.push(taken)
    this.#isChanged = true
  }

  /** The first multiple of `every` after `t` at which there may be something new to say. */
  nextPublication(t: number): number | undefined {
    const { everyMs } = this.definition
    if (this.#isChanged) return (Math.floor(t / everyMs) + 1) * everyMs
    const ends = this.#entered.flatMap(({ event }) => this.#windows.map((w) => endFor(w, event.timeMs)))
    const later = ends.filter((ms) => ms > this.#publishedMs).map((ms) => Math.ceil(ms / everyMs) * everyMs)
    return later.length === 0 ? undefined : later.reduce((a, b) => Math.min(a, b))
  }

  /** The measures of all keys with an event in a window, as they stand at `t`. */
  publish(t: number): ReadonlyMap<Cell, Readonly<Record<string, MeasureValue>>> {
    this.#publishedMs = t
    this.#isChanged = false
    this.#entered = this.#entered.filter(({ event }) => this.#windows.some((w) => endFor(w, event.timeMs) > t))
    const live = this.#entered.filter(({ event }) => this.#windows.some((w) => holds(w, event.timeMs, t)))
    const measures = [...groupBy(live, (taken) => taken.key[this.definition.by[0]!]!)].map(([key, events]) => {
      const held = (window: Window) => events.filter(({ event }) => holds(window, event.timeMs, t)).sort(byTime)
      return [key, shown(measureAll(this.definition.measures, { held, points: () => [] }))] as const
    })
    return new Map(measures)
  }
}
