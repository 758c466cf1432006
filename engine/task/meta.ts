import type { Origin } from './sequence/origins.ts'
import type { SavedSource } from './sources.ts'

/** Key under which a commit keeps the meta record. */
export const META_KEY = 'task'
/** Key under which a commit keeps the rule files in force. */
export const RULES_KEY = 'rules'

/** What a task remembers beyond its events, alerts and ranks; part of every commit. */
export interface Meta extends SavedHistory {
  readonly streamMs: number | null
  readonly sources: readonly SavedSource[]
  /** Events ever held, and entered on each settled clock: what alerts count their suspects by. */
  readonly rows: number
  readonly entries: Readonly<Record<string, number>>
}

/** Since when a task has its events and rules; null = from the beginning. */
export interface SavedHistory {
  readonly historyMs: number | null
  /** Event type -> events of it are held from after this stream time on. */
  readonly heldSinceMs: Readonly<Record<string, number | null>>
  /** Since when sequences know their events. */
  readonly origins: Readonly<Record<string, Origin>>
  /** `rule@version#hash` -> position of the record that put it in force; -1 = it was installed. */
  readonly inForceSince: Readonly<Record<string, number>>
  /** Such a position -> `heldSinceMs` as it was there. */
  readonly heldSinceAt: Readonly<Record<number, SavedHistory['heldSinceMs']>>
}

/** -Infinity, and whatever else JSON does not have, as null. */
export function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}
