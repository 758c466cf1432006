import type { Bar } from './svg.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const BARS_MAX = 400

const UNITS = [
  { unit: 'per 5 minutes', stepMs: 5 * MINUTE_MS, upToMs: 6 * HOUR_MS, name: (iso: string) => iso.slice(11, 16) },
  { unit: 'per hour', stepMs: HOUR_MS, upToMs: 4 * DAY_MS, name: (iso: string) => iso.slice(5, 16).replace('T', ' ') },
  { unit: 'per day', stepMs: DAY_MS, upToMs: BARS_MAX * DAY_MS, name: (iso: string) => iso.slice(0, 10) },
  {
    unit: 'per 30 days',
    stepMs: 30 * DAY_MS,
    upToMs: Number.POSITIVE_INFINITY,
    name: (iso: string) => iso.slice(0, 10),
  },
] as const

/** So many openings in each stretch of time from `fromMs` to `endMs`, empty ones too. */
export function overTime(
  openedMs: readonly number[],
  fromMs: number,
  endMs: number,
): { readonly unit: string; readonly bars: readonly Bar[] } {
  const { unit, stepMs, name } = UNITS.find((u) => endMs - fromMs <= u.upToMs)!
  const first = Math.floor(fromMs / stepMs)
  const counts = new Array<number>(Math.min(BARS_MAX, Math.floor(endMs / stepMs) - first + 1)).fill(0)
  for (const timeMs of openedMs) {
    const at = Math.max(0, Math.min(counts.length - 1, Math.floor(timeMs / stepMs) - first))
    counts[at]! += 1
  }
  return { unit, bars: counts.map((value, i) => ({ name: name(new Date((first + i) * stepMs).toISOString()), value })) }
}
