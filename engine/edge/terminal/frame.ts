import { clip, type Paint, pad, wrap } from './text.ts'

/** What the view shows; all that changes is handed over anew for each frame. */
export interface ViewModel {
  readonly title: string
  /** Such as "playing the past hour, 43%"; null = real time. */
  readonly phase: string | null
  readonly eventsPerSecond: number
  readonly events: number
  /** Records appended → alert committed, ms, newest alerts; null before the first. */
  readonly latency: { readonly p50: number; readonly p99: number } | null
  readonly openAlerts: number
  readonly alerts: number
  /** Stream time, epoch ms; -Infinity before the first event. */
  readonly streamMs: number
  /** Newest first. */
  readonly latest: readonly AlertLine[]
  readonly hot: HotList | null
  /** Where the rest is to be found; a problem takes its place. */
  readonly footer: string
}

export interface AlertLine {
  readonly timeMs: number
  readonly severity: string
  readonly explain: string
}

export interface HotList {
  readonly title: string
  readonly asOfMs: number
  readonly items: readonly HotItem[]
}

export interface HotItem {
  readonly rank: number
  readonly previousRank: number | null
  readonly id: string
  readonly score: number
}

const HOT_MAX = 10

/** Exactly `rows` lines of at most `columns` cells each: head, alerts, hot items, footer. */
export function frame(view: ViewModel, { columns, rows }: { columns: number; rows: number }, paint: Paint): string[] {
  const hot = hotLines(view.hot, columns, paint).slice(0, Math.max(0, rows - 7))
  const alertRows = Math.max(0, rows - 5 - hot.length)
  const lines = [
    headLine(view, columns, paint),
    clip(rateLine(view), columns),
    '',
    paint.bold(clip(view.latest.length === 0 ? 'Alerts: none yet' : 'Alerts, newest first', columns)),
    ...filled(alertLines(view.latest, alertRows, columns, paint), alertRows),
    ...hot,
    paint.dim(clip(view.footer, columns)),
  ]
  return lines.slice(0, rows)
}

function headLine({ title, phase, streamMs }: ViewModel, columns: number, paint: Paint): string {
  const time = Number.isFinite(streamMs) ? clock(streamMs) : '--:--:--'
  const right = `${phase ?? 'real time'}  ${time}`
  return paint.bold(`${pad(title, Math.max(0, columns - right.length - 1))} ${right}`.slice(0, columns))
}

function rateLine({ eventsPerSecond, events, latency, openAlerts, alerts }: ViewModel): string {
  const percentiles = latency ? `p50 ${ms(latency.p50)} p99 ${ms(latency.p99)}` : 'none yet'
  return `${count(eventsPerSecond)} events/s  ${count(events)} in all   alerts ${count(alerts)}, ${count(openAlerts)} open   latency ${percentiles}`
}

const CLOCK_CELLS = 9
const LEVEL_CELLS = 9

/** As many alerts as there is room for, each with its whole sentence unless that takes more than two lines. */
function alertLines(alerts: readonly AlertLine[], rows: number, columns: number, paint: Paint): string[] {
  const lines: string[] = []
  const room = columns - CLOCK_CELLS - LEVEL_CELLS
  for (const { timeMs, severity, explain } of alerts) {
    if (lines.length >= rows) break
    const [first, second] = wrap(explain, Math.max(0, room))
    const head = paint.dim(`${clock(timeMs)} `) + paint.severity(severity, severity.padEnd(LEVEL_CELLS))
    lines.push(columns < CLOCK_CELLS + LEVEL_CELLS ? clip(explain, columns) : head + first)
    if (second !== '' && room > 0) lines.push(' '.repeat(CLOCK_CELLS + LEVEL_CELLS) + second)
  }
  return lines.slice(0, rows)
}

function hotLines(hot: HotList | null, columns: number, paint: Paint): string[] {
  if (!hot) return []
  const title = paint.bold(clip(`${hot.title}, ${clock(hot.asOfMs)}`, columns))
  const width = Math.max(...hot.items.map((i) => i.id.length), 1)
  const items = hot.items.slice(0, HOT_MAX).map(({ rank, previousRank, id, score }) => {
    const text = `${String(rank).padStart(3)} ${arrow(rank, previousRank)}  ${id.padEnd(width)}  ${count(score).padStart(8)}`
    return clip(text, columns)
  })
  return ['', title, ...items]
}

/** How the rank changed: ▲2, ▼1, =, or new. */
function arrow(rank: number, previous: number | null): string {
  if (previous === null) return 'new'.padEnd(4)
  const change = previous - rank
  return (change === 0 ? '=' : change > 0 ? `▲${change}` : `▼${-change}`).padEnd(4)
}

function filled(lines: readonly string[], rows: number): string[] {
  return Array.from({ length: rows }, (_, i) => lines[i] ?? '')
}

/** Local time of day. */
function clock(timeMs: number): string {
  return new Date(timeMs).toTimeString().slice(0, 8)
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

function count(n: number): string {
  return Math.round(n).toLocaleString('en-US')
}
