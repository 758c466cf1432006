import type { Gauge } from '../../model/telemetry.ts'
import type { Task } from '../../task/task.ts'

/** What a running task says of itself; `labels` name it where there are several. */
export function taskGauges(task: Task, labels: Readonly<Record<string, string>> = {}): Gauge[] {
  const { gauges, ruleSet, streamMs } = task
  const gauge = (name: string, value: number): Gauge => ({ name, labels, value })
  return [
    ...(Number.isFinite(streamMs) ? [gauge('stream_time_lag_seconds', (Date.now() - streamMs) / 1e3)] : []),
    gauge('open_alerts', gauges.openAlerts),
    gauge('live_keys', gauges.liveKeys),
    gauge('live_values', gauges.liveValues),
    gauge('published_keys', gauges.publishedKeys),
    gauge('live_timers', gauges.liveTimers),
    gauge('remembered_keys', gauges.rememberedKeys),
    gauge('held_events', gauges.heldEvents),
    gauge('held_bytes', gauges.heldBytes),
    gauge('rules', ruleSet.rules.length + ruleSet.rankings.length),
  ]
}
