import type { Tumbling } from '../../model/rule.ts'
import type { Filter } from '../plans.ts'
import type { TumblingWindow } from '../tumbling.ts'
import type { Clocks } from './clocks.ts'

/** The events that a definition, or a measure, takes: by which key, on which clock, which of them. */
export interface Selection {
  readonly space: number
  readonly clock: number
  readonly filter: Filter | null
}

/** Where a running measure is kept. */
export interface Place extends Selection {
  /** Of a tumbling window: how long its events are held. */
  readonly windowMs: number
  readonly tumbling: TumblingWindow | null
}

/** What a measure's, or a rule's, window is on its clock; an event of a tumbling one is let go when it is surely over. */
export function placeOf(
  clocks: Clocks,
  at: Selection,
  window: { readonly windowMs: number; readonly tumbling?: Tumbling },
): Place {
  if (!window.tumbling) return { ...at, windowMs: window.windowMs, tumbling: null }
  return { ...at, windowMs: window.windowMs + 1, tumbling: clocks.tumbling(at.clock, window.tumbling) }
}

/** The different sliding windows of some places. */
export function slidingOf(places: readonly Place[]): number[] {
  return [...new Set(places.filter((p) => p.tumbling === null).map((p) => p.windowMs))]
}

/** The different tumbling windows of some places. */
export function tumblingOf(places: readonly Place[]): TumblingWindow[] {
  return [...new Set(places.map((p) => p.tumbling).filter((w) => w !== null))]
}
