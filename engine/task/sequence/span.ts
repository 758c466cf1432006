import type { SequenceRule } from '../../model/rule.ts'

/** A partial match lives for one `within`; what it took from another one that long before it; at most 16 stand at once. */
const WITHINS = 16

/**
 * How far back, on the log's time, the state of sequences depends on events.
 *
 * Violations  what is remembered of a key goes back over as many `forget_after` as there are steps, if each came just
 *             before the one before it was forgotten; one more, in which the key was quiet, makes what came before it
 *             forgotten. What answers `each` goes back over two: after one, what is known ends in the time that is read again,
 *             after another so does all that it was joined with
 * Matches     16 times `within`. Which event a partial match took may hang on the one before it, and so on without an
 *             end: a key whose partial matches have followed each other for longer, with no `within` of rest, may go on
 *             differently after a rebuild from the log. A snapshot keeps them exactly.
 */
export function sequencesSpanMs(sequences: readonly SequenceRule[]): number {
  return Math.max(
    0,
    ...sequences.map(({ violations, matches, steps, forgetAfterMs, settleMs }) => {
      const remembered = violations.length > 0 ? (steps.length + 1) * forgetAfterMs : 0
      return Math.max(remembered, ...matches.map((m) => WITHINS * m.withinMs)) + settleMs
    }),
  )
}
