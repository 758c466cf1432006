import type { Figure } from '../harness.ts'
import { inTurn, lapwings, PARTITIONS } from './backlog.ts'
import type { BenchBroker } from './broker.ts'
import { finished } from './child.ts'
import { program } from './engines.ts'
import { MINUTE_MS } from './events.ts'
import { figuresOf } from './figures.ts'
import type { Filled } from './fill.ts'
import type { FillPlan } from './fill-plan.ts'
import type { KafkaOptions } from './options.ts'

const PER_SECOND = 280

/** The four rules that ship and their ranking over both streams of the traffic generator, beside the bare loop. */
export async function shippedMeasure(broker: BenchBroker, options: KafkaOptions): Promise<Figure[]> {
  const prefix = `source-${process.pid}-shipped`
  const [transactions, behavior] = [`${prefix}-transactions`, `${prefix}-behavior`]
  await broker.create({ [transactions]: PARTITIONS, [behavior]: PARTITIONS })
  try {
    const backlog = { count: options.count, perSecond: PER_SECOND, seed: options.seed }
    const plan: FillPlan = { kind: 'traffic', transactions, behavior, backlog }
    const filled = await finished<Filled>('fill.ts', { brokers: broker.brokers, plan })
    const input = {
      ...{ sources: { [transactions]: 'transactions', [behavior]: 'behavior' }, events: filled.events, rules: 'rules' },
      // the last event moves time past this minute and the ranking's settle
      lastMinuteMs: Math.floor((filled.endMs - 30_000) / MINUTE_MS) * MINUTE_MS,
    }
    const runs = await inTurn(broker, options, 'shipped', [program('bare', false), ...lapwings(options)], input, null)
    const parameters = { events: filled.events, 'bytes/event': Math.round(filled.bytes / filled.events) }
    return figuresOf({ measure: 'shipped', runs, seed: options.seed, checksum: filled.checksum, parameters })
  } finally {
    await broker.remove(prefix)
  }
}
