import { writeFileSync } from 'node:fs'
import { backtestBenchmark } from './backtest.ts'
import { decodeBenchmark } from './decode.ts'
import { endToEndBenchmark } from './end-to-end.ts'
import { exactBenchmark } from './exact.ts'
import { type Figure, formatFigure, machine, smoke } from './harness.ts'
import { hotKeyBenchmark } from './hot-key.ts'
import { kafkaBenchmark } from './kafka.ts'
import { memoryBenchmark } from './memory.ts'
import { snapshotBenchmark } from './snapshot.ts'
import { taskBenchmark } from './task.ts'
import { windowsBenchmark } from './windows.ts'

/**
 * `npm run bench [-- NAME…]`: all benchmarks within this process or those named; full runs leave a file in bench/results.
 * `npm run bench -- kafka …` is the one on a broker (bench/kafka/options.ts); small, it runs with the others.
 */
export const benchmarks: Readonly<Record<string, () => Promise<Figure[]>>> = {
  decode: decodeBenchmark,
  task: taskBenchmark,
  exact: exactBenchmark,
  windows: windowsBenchmark,
  backtest: backtestBenchmark,
  'end-to-end': endToEndBenchmark,
  memory: memoryBenchmark,
  snapshot: snapshotBenchmark,
  'hot-key': hotKeyBenchmark,
}

export async function runBenchmarks(names: readonly string[]): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const name of names) {
    for (const figure of await benchmarks[name]()) {
      console.log(formatFigure(figure))
      figures.push(figure)
    }
  }
  return figures
}

if (process.argv[1]?.endsWith('bench/main.ts')) {
  const [first, ...rest] = process.argv.slice(2)
  const wanted = first === 'kafka' ? [] : process.argv.slice(2)
  const unknown = wanted.filter((name) => !(name in benchmarks))
  if (unknown.length > 0) {
    console.error(`no benchmark ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}`)
    process.exit(2)
  }
  const about = machine()
  console.log(
    Object.entries(about)
      .map(([k, v]) => `${k}: ${v}`)
      .join(', '),
  )
  if (first === 'kafka') {
    await kafkaBenchmark(rest)
    process.exit(0)
  }
  const figures = await runBenchmarks(wanted.length > 0 ? wanted : Object.keys(benchmarks))
  if (smoke && wanted.length === 0) await kafkaBenchmark([])
  if (!smoke && wanted.length === 0) {
    const file = `bench/results/${new Date().toISOString().slice(0, 10)}-${about.commit}.json`
    writeFileSync(file, `${JSON.stringify({ machine: about, figures }, null, 1)}\n`)
    console.log(`written to ${file}`)
  }
}
