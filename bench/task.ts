import { defaultConfig } from '../engine/config.ts'
import { Counters } from '../engine/model/counters.ts'
import { compileRuleSet } from '../engine/rules/index.ts'
import { Task } from '../engine/task/task.ts'
import { orders } from './events.ts'
import { eventsPerSecond, type Figure, size } from './harness.ts'
import { manyRules, tenRules } from './rules.ts'

/** The core alone: events in columns already, keys by Zipf 1.1, windows full; ten rules with fourteen measures, and more. */
export async function taskBenchmark(): Promise<Figure[]> {
  const seed = 42
  const events = size(20_000, 1_200_000)
  const keys = size(1_000, 100_000)
  const perSecond = size(1_000, 10_000)
  const { streams } = defaultConfig()
  const stream = streams.find((s) => s.name === 'transactions')
  if (!stream) throw new Error('no stream transactions')
  const blocks = orders(stream, { events, keys, perSecond, rows: 1000, seed })
  const figures: Figure[] = []
  for (const [name, files, count] of [
    ['10 rules', tenRules(), events],
    ['50 rules', manyRules(50), events / 2],
    ['170 rules', manyRules(170), events / 4],
  ] as const) {
    const compiled = compileRuleSet(files, { streams })
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
    const parameters = { events: count, keys, window: name === '10 rules' ? '1m' : '1m to 10m' }
    const figure = await eventsPerSecond({ benchmark: 'task', case: name, seed, parameters, runs: 3 }, () => {
      const counters = new Counters()
      const task = new Task({ streams, counters, finite: true })
      task.install(compiled.set)
      let checksum = 0
      const sink = { output: () => checksum++, change: () => {} }
      blocks.slice(0, count / 1000).forEach((entry, position) => {
        task.process({ position, entry }, sink)
      })
      return { events: count, checksum: checksum + counters.total('abstained_total') }
    })
    figures.push(figure)
  }
  return figures
}
