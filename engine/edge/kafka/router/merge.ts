import type { SourceLane } from './source-lane.ts'

export interface SkewLimits {
  /** A partition this far ahead of one with a backlog that has nothing here yet is held back; event time, ms. */
  readonly maxSkewMs: number
  /** For so long; then the slow one's events may come late. ms. */
  readonly maxWaitMs: number
}

/** What to take next: a lane, or why there is none now. */
export type Choice = SourceLane | 'empty' | 'held'

/** The lane with the oldest head; equal heads in the order of the lanes. `nowMs`: any clock that does not go back. */
export function choose(lanes: readonly SourceLane[], nowMs: number, limits: SkewLimits): Choice {
  let oldest: SourceLane | null = null
  let oldestMs = Number.POSITIVE_INFINITY
  let slowestMs = Number.POSITIVE_INFINITY
  for (const lane of lanes) {
    const { headMs } = lane
    if (headMs !== null && headMs < oldestMs) {
      oldest = lane
      oldestMs = headMs
    }
    if (headMs === null && (lane.buffered > 0 || lane.end > lane.fetched)) {
      lane.hungrySinceMs ??= nowMs
      if (nowMs - lane.hungrySinceMs < limits.maxWaitMs) slowestMs = Math.min(slowestMs, lane.clockMs)
    }
  }
  if (!oldest) return 'empty'
  return oldestMs - slowestMs > limits.maxSkewMs ? 'held' : oldest
}
