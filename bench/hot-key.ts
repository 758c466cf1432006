import { PerformanceObserver } from 'node:perf_hooks'
import { defaultConfig } from '../engine/config.ts'
import { Prng } from '../engine/kit/prng.ts'
import type { Block, RuleSource } from '../engine/model/block.ts'
import { BlockBuilder } from '../engine/model/block-builder.ts'
import { Counters } from '../engine/model/counters.ts'
import type { Stream } from '../engine/model/stream.ts'
import { compileRuleSet } from '../engine/rules/index.ts'
import { Task } from '../engine/task/task.ts'
import { eventsPerSecond, type Figure, size, smoke } from './harness.ts'

const SEED = 42
const PER_SECOND = 4_000
const SHOPS = 1_000
const ROWS = 1_000

/** By shop: all kinds of measures, alerts with suspects and evidence that are open all the time on the hot shop. */
function rules(): RuleSource[] {
  const rule = (id: string, measures: string, rest: string): RuleSource => ({
    path: `${id}.yaml`,
    text: `rule: ${id}\nversion: 1\ntitle: t\non: order.created\nby: [shop_id]\nwindow: 1m\nmeasure:\n${measures}\n${rest}\n`,
  })
  const alert = (more: string) => `severity: high\nalert: { cooldown: 10m, ${more} }`
  return [
    rule(
      'counts',
      '  orders: { count: events }\n  buyers: { distinct: buyer_id }\n  most: { max: amount }',
      `when: orders >= 300 && most > 1\n${alert('suspects: { of: device_id, k: 3 }, evidence: { events: 50, fields: [order_id] }')}`,
    ),
    rule(
      'ordered',
      '  best: { top: buyer_id, k: 3 }\n  share: { share: buyer_id }\n  median: { percentile: amount, p: 50 }',
      `when: size(best) > 3 || share > 0.9 && median > 1\n${alert('evidence: { events: 5, fields: [order_id] }')}`,
    ),
    rule(
      'rare',
      '  cheap: { count: events, where: event.amount < 1 }',
      `when: cheap > 50\n${alert('suspects: { of: buyer_id, k: 3 }')}`,
    ),
    rule(
      'seen',
      '  orders: { count: events }',
      `evaluate: arrival\nwhen: orders >= 300\n${alert('suspects: { of: device_id, k: 3 }')}`,
    ),
    rule(
      'settled',
      '  orders: { count: events }',
      `settle: 10s\nwhen: orders >= 300\n${alert('suspects: { of: device_id, k: 3 }')}`,
    ),
  ]
}

/** Orders in time order; buyers hardly ever come again, and rise as ids do. `hot`: share of the first shop. */
function orders(stream: Stream, events: number, hot: number): Block[] {
  const random = new Prng(SEED)
  const field = (name: string): number => stream.fields.findIndex((f) => f.name === name)
  const names = ['event_id', 'order_id', 'buyer_id', 'shop_id', 'device_id', 'amount']
  const [id, order, buyer, shop, device, amount] = names.map(field)
  const builder = new BlockBuilder(stream, stream.topic, 0)
  const blocks: Block[] = []
  for (let i = 0; i < events; i++) {
    builder.begin(i, 1_767_225_600_000 + Math.floor((i * 1000) / PER_SECOND), 'order.created')
    builder.string(id, `e${i}`)
    builder.string(order, `o${i}`)
    builder.string(buyer, `b${String(i).padStart(9, '0')}`)
    builder.string(shop, `s${random.next() < hot ? 0 : random.int(SHOPS)}`)
    builder.string(device, `d${random.int(5_000)}`)
    builder.decimalFrom(amount, Math.floor(random.next() * 1_000_000) / 100)
    if (builder.length === ROWS) blocks.push(builder.build())
  }
  return blocks
}

/** The same rules over as many events: shops alike, and 30 % of all events on one of them. */
export async function hotKeyBenchmark(): Promise<Figure[]> {
  const events = size(20_000, 400_000)
  const { streams } = defaultConfig()
  const stream = streams.find((s) => s.name === 'transactions')
  const compiled = compileRuleSet(rules(), { streams })
  if (!stream || !compiled.ok) throw new Error(`the benchmark does not compile: ${JSON.stringify(compiled)}`)
  let longestMs = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longestMs = Math.max(longestMs, entry.duration)
  })
  observer.observe({ entryTypes: ['gc'] })
  const rate = async (name: string, hot: number): Promise<Figure> => {
    const blocks = orders(stream, events, hot)
    const parameters = { events, shops: SHOPS, hot, window: '1m' }
    return eventsPerSecond({ benchmark: 'hot-key', case: name, seed: SEED, parameters, runs: 3 }, async () => {
      const task = new Task({ streams, counters: new Counters(), finite: true })
      task.install(compiled.set)
      let checksum = 0
      const sink = { output: () => checksum++, change: () => {} }
      for (const [position, entry] of blocks.entries()) {
        task.process({ position, entry }, sink)
        task.flush(sink)
        if (position % 16 === 0) await new Promise(setImmediate)
      }
      return { events, checksum }
    })
  }
  const uniform = await rate('uniform', 0)
  longestMs = 0
  const hot = await rate('30 % on one shop', 0.3)
  await new Promise(setImmediate)
  observer.disconnect()
  const cost = Math.round((100 * (uniform.perCpuSecond as number)) / (hot.perCpuSecond as number)) / 100
  const one = { benchmark: 'hot-key', runs: smoke ? 1 : 3, seed: SEED, parameters: { events }, checksum: hot.checksum }
  const pause = Math.round(longestMs * 10) / 10
  return [
    uniform,
    hot,
    { ...one, case: 'cost of an event, hot to uniform', unit: '×', min: cost, median: cost, max: cost },
    { ...one, case: 'longest garbage-collector pause, hot', unit: 'ms', min: pause, median: pause, max: pause },
  ]
}
