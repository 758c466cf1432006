import type { SourceLane } from './source-lane.ts'

export interface SkewLimits {
  /** A partition this far ahead of one with a backlog that has nothing here yet is held back; event time, ms. */
  readonly maxSkewMs: number
  /** For so long; then the slow one's events may come late. ms. */
  readonly maxWaitMs: number
}

/** A lane whose head is the next row, and so are those behind it that are older than `beforeMs`. */
export interface Choice {
  readonly lane: SourceLane
  readonly beforeMs: number
}

/**
 * The lane with the oldest head, equal heads in the order of the lanes; null where all is empty or held back by a slow
 * partition. `nowMs`: any clock that does not go back.
 */
export function choose(lanes: readonly SourceLane[], nowMs: number, limits: SkewLimits): Choice | null {
  let lane: SourceLane | null = null
  let oldestMs = Number.POSITIVE_INFINITY
  let nextMs = Number.POSITIVE_INFINITY
  let slowestMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < lanes.length; i++) {
    const one = lanes[i]
    if (one.staged) {
      const headMs = one.staged.block.timesMs[one.row]
      if (headMs < oldestMs) {
        nextMs = oldestMs
        oldestMs = headMs
        lane = one
      } else if (headMs < nextMs) nextMs = headMs
    } else if (one.isBehind) {
      one.hungrySinceMs ??= nowMs
      if (nowMs - one.hungrySinceMs < limits.maxWaitMs) slowestMs = Math.min(slowestMs, one.clockMs)
    } else one.hungrySinceMs = null
  }
  const limitMs = slowestMs + limits.maxSkewMs
  if (!lane || oldestMs > limitMs) return null
  return { lane, beforeMs: Math.min(nextMs, limitMs) }
}
