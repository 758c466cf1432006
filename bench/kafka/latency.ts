import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'hdr-histogram-js'
import type { Figure } from '../harness.ts'
import { lapwings, RULES } from './backlog.ts'
import type { BenchBroker } from './broker.ts'
import { type Engine, program } from './engines.ts'
import { load, short } from './figures.ts'
import { LiveLoop, type Probe } from './live.ts'
import type { KafkaOptions } from './options.ts'

const WARM_S = 15
const PROBES_PER_SECOND = 50
/** For groups to form before the first event. */
const JOIN_MS = 5_000
const LATENCY_MS_MAX = 600_000

/** Open loop at each rate: the null pipeline, then the engine; scheduled moment to the alert at a read-committed consumer. */
export async function latencyMeasure(broker: BenchBroker, options: KafkaOptions): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const rate of options.rates)
    for (const engine of [program('null', true), ...lapwings(options)])
      figures.push(said(await liveRun(broker, engine, rate, options)))
  return figures
}

/** Prints one run as soon as it is over. */
function said(figure: Figure): Figure {
  const { p50, p99, probes, missing, doubled } = figure.parameters
  const place = `${figure.benchmark.replace('kafka ', '')} ${figure.case}`
  console.log(
    `${place}: p50 ${p50} ms, p99 ${p99} ms; ${probes} probes, ${missing} missing, ${doubled} doubled; load ${load()}`,
  )
  return figure
}

async function liveRun(broker: BenchBroker, engine: Engine, rate: number, options: KafkaOptions): Promise<Figure> {
  const { seconds, seed, profile, limitS } = options
  const loop = await LiveLoop.open(broker, `${engine.name}-live-${process.pid}-${rate}`)
  const sources = { [loop.topic]: 'transactions' }
  const assignment = {
    id: loop.id,
    brokers: broker.brokers,
    sources,
    rules: RULES,
    expect: null,
    idleGrace: '2s',
    profile,
  }
  const running = await engine.start(assignment).catch(async (error) => {
    await loop.close()
    throw error
  })
  try {
    await sleep(JOIN_MS)
    const traffic = { rate, seconds: seconds + WARM_S, probesPerSecond: PROBES_PER_SECOND, seed }
    const startMs = await loop.begin(traffic)
    await sleep(Math.max(0, startMs + WARM_S * 1_000 - Date.now()))
    const before = running.child.usage().cpuS
    await sleep(seconds * 1_000)
    const usage = running.child.usage()
    const { probes, doubled, sent } = await loop.end(limitS)
    const latency = percentiles(probes.filter(({ atMs }) => atMs >= startMs + WARM_S * 1_000))
    const { parameters, ...spread } = latency
    return {
      ...{ benchmark: `kafka latency ${rate}/s`, case: engine.name, unit: 'ms', runs: 1, seed, ...spread },
      parameters: {
        ...{
          ...parameters,
          doubled,
          'CPU %': short(((usage.cpuS - before) / seconds) * 100),
          'peak MB': Math.round(usage.peakMb),
        },
        ...{ 'sender late p99': sent.lateP99, 'sender ack p99': sent.ackP99, failed: sent.failed, load: load() },
      },
    }
  } finally {
    await running.close()
    await loop.close()
  }
}

interface Percentiles {
  readonly min: number
  readonly median: number
  readonly max: number
  /** Probes whose alert came. */
  readonly checksum: number
  readonly parameters: Readonly<Record<string, number>>
}

/** Milliseconds, from a histogram of microseconds with three digits. */
export function percentiles(probes: readonly Probe[]): Percentiles {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_MS_MAX * 1_000,
    numberOfSignificantValueDigits: 3,
  })
  let missing = 0
  for (const { latencyMs } of probes) {
    if (latencyMs === null) missing++
    else histogram.recordValue(Math.round(Math.min(LATENCY_MS_MAX, Math.max(0, latencyMs)) * 1_000))
  }
  const ms = (share: number): number => short(histogram.getValueAtPercentile(share) / 1_000)
  return {
    ...{
      min: histogram.totalCount === 0 ? 0 : short(histogram.minNonZeroValue / 1_000),
      median: ms(50),
      max: short(histogram.maxValue / 1_000),
    },
    checksum: histogram.totalCount,
    parameters: {
      p50: ms(50),
      p90: ms(90),
      p99: ms(99),
      'p99.9': ms(99.9),
      'p99.99': ms(99.99),
      probes: probes.length,
      missing,
    },
  }
}
