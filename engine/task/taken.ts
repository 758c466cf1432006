import type { Chunk } from '../state/chunk.ts'
import { passes } from './held-events.ts'
import type { BaselineUse } from './plans.ts'
import type { RuleClass } from './rule-class.ts'

/** Slot of the event's key, -1 if it does not pass the filter. */
export function slotIn(
  { space, filter }: Pick<BaselineUse, 'space' | 'filter'>,
  chunk: Chunk,
  at: number,
  bitWords: number,
): number {
  return passes(filter, chunk, at, bitWords) ? chunk.slots[space][at] : -1
}

/** True when one of them takes the event. */
export function isTaken(
  takers: readonly Pick<RuleClass, 'space' | 'filter'>[],
  chunk: Chunk,
  at: number,
  bitWords: number,
): boolean {
  return takers.some(({ space, filter }) => chunk.slots[space][at] >= 0 && passes(filter, chunk, at, bitWords))
}
