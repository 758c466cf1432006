import type { Summary } from '../finite/summary.ts'

const DAY_MS = 86_400_000

/** Alerts of one rule on its busiest day (UTC). */
export interface Excess {
  readonly rule: string
  readonly day: string
  readonly alerts: number
}

/** The rules that opened more than `alertsMax` alerts on one day, UTC. */
export function overBudget(summary: Summary, alertsMax: number): Excess[] {
  return [...summary.rules].flatMap(([rule, { openedMs }]) => {
    const [day, alerts] = [...perDay(openedMs)].reduce((most, one) => (one[1] > most[1] ? one : most), [0, 0])
    return alerts > alertsMax ? [{ rule, day: new Date(day * DAY_MS).toISOString().slice(0, 10), alerts }] : []
  })
}

function perDay(timesMs: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const timeMs of timesMs)
    counts.set(Math.floor(timeMs / DAY_MS), (counts.get(Math.floor(timeMs / DAY_MS)) ?? 0) + 1)
  return counts
}
