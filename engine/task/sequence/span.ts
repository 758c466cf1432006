import type { SequenceRule } from '../../model/rule.ts'

/**
 * How far back, on the log's time, the state of sequences depends on events. What is remembered of a key goes back over as
 * many `forget_after` as there are steps, if each came just before the one before it was forgotten; one more, in which the
 * key was quiet, makes what came before it forgotten. Partial matches hang on all that was.
 */
export function sequencesSpanMs(sequences: readonly SequenceRule[]): number {
  return Math.max(
    0,
    ...sequences.map(({ matches, steps, forgetAfterMs, settleMs }) =>
      matches.length > 0 ? Number.POSITIVE_INFINITY : (steps.length + 1) * forgetAfterMs + settleMs,
    ),
  )
}
