import { Rows } from '../state/rows.ts'
import type { Clock } from './clock.ts'
import type { Layout } from './layout.ts'
import { isTaken, slotIn } from './taken.ts'

/** How far time goes on at the end of a finite input. */
export class Drain {
  isOn = false
  /** The last moment at which something happened. */
  lastEffectMs = Number.NEGATIVE_INFINITY
  /** Stream time through which open episodes are looked at as tumbling windows end. */
  endsThroughMs = Number.POSITIVE_INFINITY
}

/**
 * Stream time at which the last of the events held is out of all windows and rankings, and has entered all sequences. An episode that is open in
 * empty tumbling windows goes on for ever: a finite input is not followed to their ends after that.
 */
export function eventsThroughMs(layout: Layout, rows: Rows, clocks: readonly Clock[]): number {
  const { bitWords } = rows.shape
  let throughMs = Number.NEGATIVE_INFINITY
  for (let row = rows.firstRow; row < rows.endRow; row++) {
    const chunk = rows.chunkOf(row)
    const at = Rows.at(row)
    const type = chunk.types[at]
    const timeMs = chunk.timesMs[at]
    for (const { plan } of clocks) {
      const entersMs = timeMs + plan.settleMs
      if (entersMs > throughMs && isTaken(plan.sequences[type], chunk, at, bitWords)) throughMs = entersMs
      for (const { windowMs, takers } of plan.windows) {
        const leavesMs = timeMs + windowMs + plan.settleMs
        if (leavesMs > throughMs && isTaken(takers[type], chunk, at, bitWords)) throughMs = leavesMs
      }
      for (const { calendar, takers } of plan.tumbling) {
        const endsMs = calendar.endOf(timeMs) + plan.settleMs
        if (endsMs > throughMs && isTaken(takers[type], chunk, at, bitWords)) throughMs = endsMs
      }
    }
    for (const { ranking, space, filter } of layout.rankings) {
      if (!ranking.on.includes(layout.types[type].name) || slotIn({ space, filter }, chunk, at, bitWords) < 0) continue
      const asOfMs = Math.floor((timeMs + ranking.windowMs) / ranking.stepMs) * ranking.stepMs
      throughMs = Math.max(throughMs, asOfMs + ranking.settleMs)
    }
  }
  return throughMs
}
