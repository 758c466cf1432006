import type { Violation } from '../../model/rule.ts'

const SPANS_MAX = 16

type EachViolation = Extract<Violation, { kind: 'expect' | 'expect_each' }>

/** Of one key: the moments that a violation with `each` has an answer for, as spans in order of time. */
export class EachAnswers {
  readonly #violation: EachViolation
  readonly #forgetAfterMs: number
  readonly #joined: () => void
  #spans: { start: number; end: number }[] = []

  constructor(violation: EachViolation, forgetAfterMs: number, joined: () => void) {
    this.#violation = violation
    this.#forgetAfterMs = forgetAfterMs
    this.#joined = joined
  }

  /** An awaited step at `timeMs` is read at clock `t`. */
  add(timeMs: number, t: number): void {
    const known = this.#spans.filter(({ end }) => t < end + this.#forgetAfterMs)
    known.push({ start: timeMs - this.#violation.withinMs, end: timeMs })
    known.sort((a, b) => a.start - b.start || a.end - b.end)
    const apart: typeof known = []
    for (const span of known) {
      const before = apart.at(-1)
      if (before && span.start <= before.end) before.end = Math.max(before.end, span.end)
      else apart.push({ ...span })
    }
    if (apart.length > SPANS_MAX) {
      this.#joined()
      apart.splice(0, 2, { start: apart[0]!.start, end: apart[1]!.end })
    }
    this.#spans = apart
  }

  has(timeMs: number): boolean {
    return this.#spans.some(({ start, end }) => start <= timeMs && timeMs <= end)
  }
}
