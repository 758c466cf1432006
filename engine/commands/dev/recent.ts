import type { AlertRecord, RankingRecord } from '../../model/output.ts'
import type { Processed } from '../../pipeline.ts'

const ALERTS_MAX = 100
const LATENCIES_MAX = 1_000
const RATE_SPAN_MS = 3_000

/** What the live view shows of the commits so far. */
export class Recent {
  /** As they stand; the one opened last is first. */
  readonly alerts: AlertRecord[] = []
  alertsTotal = 0
  eventsTotal = 0
  /** Of the rankings made at the latest moment the one whose first item has the highest score. */
  hot: RankingRecord | null = null
  readonly #latencies: number[] = []
  #arrivals: { readonly atMs: number; readonly events: number }[] = []

  /** `isNow`: no history is being played. */
  take({ commit, events, latencyMs }: Processed, nowMs: number, isNow: boolean): void {
    this.eventsTotal += events
    if (events > 0) this.#arrivals.push({ atMs: nowMs, events })
    for (const output of commit.outputs) {
      if (output.kind === 'ranking') this.takeRanking(output)
      if (output.kind !== 'alert') continue
      if (isNow) this.#latencies.push(latencyMs)
      if (output.status === 'open') this.takeAlert(output)
      else this.#stands(output)
    }
    if (this.#latencies.length > LATENCIES_MAX) this.#latencies.splice(0, this.#latencies.length - LATENCIES_MAX)
  }

  takeAlert(alert: AlertRecord): void {
    this.alertsTotal += 1
    this.alerts.unshift(alert)
    if (this.alerts.length > ALERTS_MAX) this.alerts.pop()
  }

  #stands(alert: AlertRecord): void {
    const at = this.alerts.findIndex((known) => known.alert_id === alert.alert_id)
    if (at >= 0) this.alerts[at] = alert
  }

  takeRanking(ranking: RankingRecord): void {
    const { hot } = this
    const isNewer = !hot || ranking.as_of > hot.as_of
    if (isNewer || (ranking.as_of === hot.as_of && topScore(ranking) > topScore(hot))) this.hot = ranking
  }

  /** Over the last three seconds. */
  eventsPerSecond(nowMs: number): number {
    this.#arrivals = this.#arrivals.filter(({ atMs }) => atMs > nowMs - RATE_SPAN_MS)
    return (this.#arrivals.reduce((sum, { events }) => sum + events, 0) * 1_000) / RATE_SPAN_MS
  }

  /** Of the last thousand alert records about what happens now, ms; null = there were none. */
  latency(): { readonly p50: number; readonly p99: number } | null {
    const sorted = this.#latencies.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
    return sorted.length === 0 ? null : { p50: at(0.5), p99: at(0.99) }
  }
}

function topScore({ items }: RankingRecord): number {
  return items[0]?.score ?? 0
}
