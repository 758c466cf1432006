import fc from 'fast-check'
import type { Tumbling } from '../../model/rule.ts'

/** Clock changes of 2026, UTC, and two ordinary moments. */
const MOMENTS_MS = [
  Date.UTC(2026, 0, 1),
  Date.UTC(2026, 0, 1),
  Date.UTC(2026, 2, 29, 1), // Berlin, forward
  Date.UTC(2026, 9, 25, 1), // Berlin, back
  Date.UTC(2026, 2, 8, 7), // New York, forward
  Date.UTC(2026, 10, 1, 6), // New York, back
  Date.UTC(2026, 9, 3, 15, 30), // Lord Howe, forward by half an hour
  Date.UTC(2026, 3, 4, 15), // Lord Howe, back
  Date.UTC(2026, 5, 30, 16), // midnight in Shanghai
]
const HALF_HOUR_MS = 1_800_000

/** All times of a generated stream are about or after this moment. */
export const startMs = fc
  .tuple(
    fc.constantFrom(...MOMENTS_MS),
    fc.constantFrom(0, 0, 0, 1, 2, -1, -2).map((n) => n * HALF_HOUR_MS),
    fc.constantFrom(0, 20, 50, 1_000, 7_000, 60_000),
  )
  .map(([momentMs, hoursMs, beforeMs]) => momentMs + hoursMs - beforeMs)

const DAY_MS = 86_400_000

export const tumbling: fc.Arbitrary<Tumbling> = fc.record({
  lengthMs: fc.constantFrom(50, 100, 1_000, 1_000, 60_000, HALF_HOUR_MS, 3_600_000, 7_200_000, DAY_MS, 7 * DAY_MS),
  zone: fc.constantFrom('UTC', 'Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
})

/** The most that a tumbling window can last: a clock that is put back by up to an hour may lengthen it. */
export function lengthMsMax({ lengthMs }: Tumbling): number {
  return lengthMs < HALF_HOUR_MS ? lengthMs : lengthMs + 3_600_000
}
