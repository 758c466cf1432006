import { collectDefaultMetrics, Histogram, Counter as PromCounter, Gauge as PromGauge, Registry } from 'prom-client'
import type { Counter, Counters } from '../../model/counters.ts'
import type { Gauge } from '../../model/telemetry.ts'
import { helpOf } from './help.ts'

const PREFIX = 'lapwing_'
/** Seconds. */
const LATENCY_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

/** The engine's counters and gauges as Prometheus reads them, read when somebody asks. */
export class Metrics {
  readonly #registry = new Registry()
  readonly #counters: Pick<Counters, 'all'>
  readonly #gauges: () => readonly Gauge[]
  readonly #latency: Histogram

  constructor(counters: Pick<Counters, 'all'>, gauges: () => readonly Gauge[]) {
    this.#counters = counters
    this.#gauges = gauges
    collectDefaultMetrics({ register: this.#registry, prefix: PREFIX })
    this.#latency = new Histogram({
      name: `${PREFIX}alert_latency_seconds`,
      help: helpOf('alert_latency_seconds'),
      buckets: LATENCY_BUCKETS,
      registers: [this.#registry],
    })
  }

  observeAlertLatency(ms: number): void {
    this.#latency.observe(ms / 1_000)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async text(): Promise<string> {
    const fresh = new Registry()
    for (const [name, rows] of byName(this.#counters.all())) {
      const metric = new PromCounter({ ...described(name, rows), registers: [fresh] })
      for (const { labels, value } of rows) metric.inc(labels, value)
    }
    for (const [name, rows] of byName(this.#gauges())) {
      const metric = new PromGauge({ ...described(name, rows), registers: [fresh] })
      for (const { labels, value } of rows) metric.set(labels, value)
    }
    return `${await fresh.metrics()}\n${await this.#registry.metrics()}`
  }
}

type Row = Pick<Counter, 'name' | 'labels' | 'value'>

function byName(rows: Iterable<Row>): Map<string, Row[]> {
  const found = new Map<string, Row[]>()
  for (const row of rows) {
    const same = found.get(row.name)
    if (same) same.push(row)
    else found.set(row.name, [row])
  }
  return found
}

function described(name: string, rows: readonly Row[]) {
  const labelNames = [...new Set(rows.flatMap((row) => Object.keys(row.labels)))]
  return { name: PREFIX + name, help: helpOf(name), labelNames }
}
