import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import type { Layout } from './layout.ts'
import { sequencesSpanMs } from './sequence/span.ts'

/** How far back, from stream time, records of the log are needed to build the state under `set` again. */
export function rebuildSpanMs(set: RuleSet, layout: Layout, streams: readonly Stream[]): number {
  return layout.mirrors.length > 0 ? 2 * stateSpanMs(set, layout, streams) : stateSpanMs(set, layout, streams)
}

/**
 * How far back what is built reaches. With mirrors of features, twice that is read: they begin at the end of an epoch, which
 * is as long as this.
 */
export function stateSpanMs(set: RuleSet, layout: Layout, streams: readonly Stream[]): number {
  const { retentionMs, baselineSpanMs, reachMs } = layout
  return (
    Math.max(retentionMs, baselineSpanMs, sequencesSpanMs(set.sequences) + reachMs) +
    Math.max(...streams.map((s) => s.latenessMs)) +
    Math.max(...streams.map((s) => s.dedupeMs))
  )
}
