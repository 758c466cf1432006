import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { Figure } from './harness.ts'
import { formatFigure, machine } from './harness.ts'
import { columnsMeasure, densityMeasure, jobMeasure } from './kafka/backlog.ts'
import { BenchBroker } from './kafka/broker.ts'
import { load } from './kafka/figures.ts'
import { latencyMeasure } from './kafka/latency.ts'
import { type KafkaOptions, type Measure, parseOptions } from './kafka/options.ts'
import { restoreMeasure } from './kafka/restore.ts'
import { shippedMeasure } from './kafka/shipped.ts'

const measures: Readonly<Record<Measure, (broker: BenchBroker, options: KafkaOptions) => Promise<Figure[]>>> = {
  job: jobMeasure,
  density: densityMeasure,
  columns: columnsMeasure,
  latency: latencyMeasure,
  restore: restoreMeasure,
  shipped: shippedMeasure,
}

/**
 * `npm run bench -- kafka [MEASURE…]`: the engine as it is built from this checkout, on a real broker that is started here,
 * beside what the same client does without it. Nothing where Java or Maven are missing.
 */
export async function kafkaBenchmark(parameters: readonly string[]): Promise<Figure[]> {
  const options = parseOptions(parameters)
  const broker = await BenchBroker.open(options.brokers)
  if (!broker) return []
  const figures: Figure[] = []
  try {
    execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
    console.log(
      `load ${load()}; measures ${options.measures.join(', ')}; ${options.count} events, ${options.rounds} rounds`,
    )
    for (const measure of options.measures) {
      for (const figure of await measures[measure](broker, options)) {
        console.log(formatFigure(figure))
        figures.push(figure)
      }
    }
  } finally {
    await broker.close()
  }
  if (options.out !== null)
    writeFileSync(options.out, `${JSON.stringify({ machine: { ...machine(), load: load() }, figures }, null, 1)}\n`)
  return figures
}
