const ANSWER_MS_MAX = 800

/** What `lapwing top` takes from an engine's /metrics. */
export interface Numbers {
  readonly events: number
  readonly openAlerts: number | undefined
  readonly lagSeconds: number | undefined
}

/** Null when nobody answers, or not as an engine would. */
export async function readMetrics(url: string): Promise<Numbers | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    if (!response.ok) return null
    const text = await response.text()
    const events = totalOf(text, 'lapwing_events_total')
    if (events === undefined) return null
    const openAlerts = totalOf(text, 'lapwing_open_alerts')
    return { events, openAlerts, lagSeconds: totalOf(text, 'lapwing_stream_time_lag_seconds') }
  } catch {
    return null
  }
}

/** Over all labels; undefined = there is no such metric. */
function totalOf(text: string, name: string): number | undefined {
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  )
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b)
}
