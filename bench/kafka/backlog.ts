import { resolve } from 'node:path'
import type { Figure } from '../harness.ts'
import type { BenchBroker } from './broker.ts'
import { finished } from './child.ts'
import { type Engine, lapwing, program } from './engines.ts'
import { type Backlog, lastMinute } from './events.ts'
import { figuresOf, printRun } from './figures.ts'
import type { Filled } from './fill.ts'
import type { FillPlan } from './fill-plan.ts'
import type { KafkaOptions } from './options.ts'
import { type Reference, reference } from './reference.ts'
import { type Input, type Run, runBacklog } from './run.ts'

export const PARTITIONS = 4
export const RULES = resolve(import.meta.dirname, 'rules')

/** Lapwing as it was built here, and where `--before` names another checkout, as it was built there. */
export function lapwings({ before }: KafkaOptions): Engine[] {
  const here = lapwing('lapwing', '.')
  return before === null ? [here] : [here, lapwing('before', before)]
}

/** The job on each engine in turn: `bare`, `loop`, `lapwing`; answers are compared with the reference. */
export function jobMeasure(broker: BenchBroker, options: KafkaOptions): Promise<Figure[]> {
  const engines = [program('bare', false), program('loop', true), ...lapwings(options)]
  return overBacklog(broker, options, 'job', engines, { count: options.count, perSecond: 280, seed: options.seed })
}

/** The same number of events, ten and twenty thousand to a second of event time. */
export async function densityMeasure(broker: BenchBroker, options: KafkaOptions): Promise<Figure[]> {
  const figures: Figure[] = []
  const engines = [program('bare', false), ...lapwings(options)]
  for (const perSecond of [10, 20_000]) {
    const backlog = { count: options.count, perSecond, seed: options.seed }
    figures.push(...(await overBacklog(broker, options, `density ${perSecond}/s`, engines, backlog)))
  }
  return figures
}

/** From the source topic to columns, and no further, beside the bare loop. */
export function columnsMeasure(broker: BenchBroker, options: KafkaOptions): Promise<Figure[]> {
  const engines = [program('bare', false), program('columns', false)]
  return overBacklog(broker, options, 'columns', engines, { count: options.count, perSecond: 280, seed: options.seed })
}

async function overBacklog(
  broker: BenchBroker,
  options: KafkaOptions,
  measure: string,
  engines: readonly Engine[],
  backlog: Backlog,
): Promise<Figure[]> {
  const topic = `source-${process.pid}-${measure.replaceAll(/\W/g, '-')}`
  await broker.create({ [topic]: PARTITIONS })
  const plan: FillPlan = { kind: 'backlog', topic, backlog }
  const filled = await finished<Filled>('fill.ts', { brokers: broker.brokers, plan })
  const input: Input = {
    ...{ sources: { [topic]: 'transactions' }, events: filled.events, rules: RULES },
    lastMinuteMs: lastMinute(backlog),
  }
  const right = engines.some(({ answers }) => answers) ? reference(backlog) : null
  try {
    const runs = await inTurn(broker, options, measure, engines, input, right)
    const parameters = {
      events: filled.events,
      'events/s': backlog.perSecond,
      'bytes/event': Math.round(filled.bytes / filled.events),
    }
    return figuresOf({ measure, runs, seed: backlog.seed, checksum: filled.checksum, parameters })
  } finally {
    await broker.remove(topic)
  }
}

/** Each engine once, then each once more, `rounds` times: what else the machine does falls on all of them. */
export async function inTurn(
  broker: BenchBroker,
  options: KafkaOptions,
  measure: string,
  engines: readonly Engine[],
  input: Input,
  right: Reference | null,
): Promise<Run[]> {
  const runs: Run[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (const engine of engines) {
      const run = await runBacklog(broker, engine, input, options)
      printRun(measure, round, run, right)
      runs.push(run)
    }
  }
  return runs
}
