import { defaultConfig } from '../engine/config.ts'
import { Counters } from '../engine/model/counters.ts'
import { compileRuleSet } from '../engine/rules/index.ts'
import { Task } from '../engine/task/task.ts'
import { orders } from './events.ts'
import { eventsPerSecond, type Figure, size } from './harness.ts'
import { tenRules } from './rules.ts'

/** The core alone: events in columns already, ten rules, fourteen measures, keys by Zipf 1.1, window full. */
export async function taskBenchmark(): Promise<Figure[]> {
  const seed = 42
  const events = size(20_000, 1_200_000)
  const keys = size(1_000, 100_000)
  const perSecond = size(1_000, 10_000)
  const { streams } = defaultConfig()
  const stream = streams.find((s) => s.name === 'transactions')
  if (!stream) throw new Error('no stream transactions')
  const blocks = orders(stream, { events, keys, perSecond, rows: 1000, seed })
  const compiled = compileRuleSet(tenRules(), { streams })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  return [
    await eventsPerSecond(
      { benchmark: 'task', case: '10 rules', seed, parameters: { events, keys, window: '1m' }, runs: 3 },
      () => {
        const counters = new Counters()
        const task = new Task({ streams, counters, finite: true })
        task.install(compiled.set)
        let checksum = 0
        const sink = { output: () => checksum++, change: () => {} }
        blocks.forEach((entry, position) => {
          task.process({ position, entry }, sink)
        })
        return { events, checksum: checksum + counters.total('abstained_total') }
      },
    ),
  ]
}
