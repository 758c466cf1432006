import { expect, test } from 'vitest'
import { Counters } from '../../model/counters.ts'
import { Metrics } from './metrics.ts'

test('counters, gauges, latency and the process, with help', async () => {
  const counters = new Counters()
  counters.counter('events_total').value = 5
  counters.counter('abstained_total', { rule: 'a', reason: 'null' }).value = 2
  counters.counter('abstained_total', { rule: 'b', reason: 'null' }).value = 3
  const metrics = new Metrics(counters, () => [{ name: 'open_alerts', labels: {}, value: 7 }])
  metrics.observeAlertLatency(4)
  const text = await metrics.text()
  for (const line of [
    '# HELP lapwing_events_total Events read and taken: neither late nor repeated',
    '# TYPE lapwing_events_total counter',
    'lapwing_events_total 5',
    'lapwing_abstained_total{rule="b",reason="null"} 3',
    '# TYPE lapwing_open_alerts gauge',
    'lapwing_open_alerts 7',
    'lapwing_alert_latency_seconds_bucket{le="0.002"} 0',
    'lapwing_alert_latency_seconds_bucket{le="0.005"} 1',
  ])
    expect(text.split('\n')).toContain(line)
  expect(text).toMatch(/^lapwing_process_resident_memory_bytes \d+$/m)
  counters.counter('events_total').value = 6
  expect(await metrics.text()).toContain('lapwing_events_total 6\n')
})
