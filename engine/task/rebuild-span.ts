import type { RuleSet } from '../model/rule.ts'
import type { Stream } from '../model/stream.ts'
import type { Layout } from './layout.ts'
import { sequencesSpanMs } from './sequence/span.ts'

/** How far back, from stream time, records of the log are needed to build the state under `set` again. */
export function rebuildSpanMs(set: RuleSet, layout: Layout, streams: readonly Stream[]): number {
  const { retentionMs, baselineSpanMs, reachMs } = layout
  return (
    Math.max(retentionMs, baselineSpanMs, sequencesSpanMs(set.sequences) + reachMs) +
    Math.max(...streams.map((s) => s.latenessMs)) +
    Math.max(...streams.map((s) => s.dedupeMs))
  )
}
