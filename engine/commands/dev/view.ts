import type { HotList, ViewModel } from '../../edge/terminal/frame.ts'
import type { AlertRecord, RankingRecord } from '../../model/output.ts'
import type { Recent } from './recent.ts'

/** Alerts that are told one by one between two lines. */
const NEWS_MAX = 5

export interface Standing {
  readonly recent: Recent
  readonly streamMs: number
  readonly openAlerts: number
  /** History that is being played, and the share of it that has been, 0 to 1; null = real time. */
  readonly playing: { readonly what: string; readonly share: number } | null
  readonly footer: string
}

export function viewOf({ recent, streamMs, openAlerts, playing, footer }: Standing, nowMs: number): ViewModel {
  return {
    title: 'Lapwing',
    phase: phaseOf(playing),
    eventsPerSecond: recent.eventsPerSecond(nowMs),
    events: recent.eventsTotal,
    latency: recent.latency(),
    openAlerts,
    alerts: recent.alertsTotal,
    streamMs,
    latest: recent.alerts.map((a) => ({ timeMs: a.first_seen, severity: a.severity, explain: sentenceOf(a) })),
    hot: recent.hot && hotList(recent.hot),
    footer,
  }
}

/** What an alert says of its key as it is now; one that is closed, as it was when it was found. */
export function sentenceOf(alert: AlertRecord): string {
  return alert.status === 'updated' && alert.now ? alert.now.explain : alert.explain
}

/** One line for those who have no terminal. */
export function lineOf(standing: Standing, nowMs: number): string {
  const { recent, openAlerts, streamMs, playing } = standing
  const latency = recent.latency()
  const parts = [
    `${recent.eventsTotal} events`,
    `${Math.round(recent.eventsPerSecond(nowMs))} events/s`,
    `${recent.alertsTotal} alerts (${openAlerts} open)`,
    latency ? `latency p50 ${latency.p50.toFixed(1)} ms p99 ${latency.p99.toFixed(1)} ms` : 'no live alert yet',
    Number.isFinite(streamMs) ? `stream time ${new Date(streamMs).toISOString()}` : 'no event yet',
    phaseOf(playing) ?? 'real time',
  ]
  return parts.join(', ')
}

/** Alerts opened since there were `before`, the newest ones, a line each in the order in which they opened. */
export function newsOf({ alerts, alertsTotal }: Recent, before: number): string[] {
  const opened = alertsTotal - before
  const shown = alerts.slice(0, Math.min(opened, NEWS_MAX)).toReversed()
  const lines = shown.map(
    (a) => `  ${new Date(a.event_time).toISOString()} ${a.severity.padEnd(8)} ${a.rule}: ${sentenceOf(a)}`,
  )
  return opened > shown.length ? [`  ${opened - shown.length} alerts, then`, ...lines] : lines
}

function phaseOf(playing: Standing['playing']): string | null {
  return playing && `${playing.what}, ${Math.floor(playing.share * 100)}%`
}

function hotList({ per, as_of, items, ranking }: RankingRecord): HotList {
  const group = Object.values(per).join(', ')
  return {
    title: `${ranking.replaceAll('_', ' ')}${group === '' ? '' : ` of ${group}`}`,
    asOfMs: as_of,
    items: items.map((i) => ({ rank: i.rank, previousRank: i.previous_rank, id: String(i.id), score: i.score })),
  }
}
