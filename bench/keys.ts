import { defaultConfig } from '../engine/config.ts'
import { Prng } from '../engine/kit/prng.ts'
import type { Block } from '../engine/model/block.ts'
import { BlockBuilder } from '../engine/model/block-builder.ts'
import { Counters } from '../engine/model/counters.ts'
import { compileRuleSet } from '../engine/rules/index.ts'
import { Task } from '../engine/task/task.ts'

export const { streams } = defaultConfig()
const START_MS = 1_767_225_600_000
const PER_SECOND = 20_000

/** One rule over buyers: four measures over three windows, and nothing else. */
const RULE = `rule: keys
version: 1
title: keys
owner: bench
on: order.created
by: [buyer_id]
window: 30m
measure:
  orders: { count: events }
  shops: { distinct: shop_id }
  recent: { count: events, window: 10m }
  spent: { sum: amount, window: 20m }
when: orders > 1000000 && recent > 0 && shops > 0 && spent > 0
severity: low
`

export function keysTask(): Task {
  const compiled = compileRuleSet([{ path: 'keys.yaml', text: RULE }], { streams })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  const task = new Task({ streams, counters: new Counters(), finite: false })
  task.install(compiled.set)
  return task
}

/** Orders made as they are asked for: nothing of them is held. Keys are strings of 16 bytes. */
export class Orders {
  readonly #builder: BlockBuilder
  readonly #random = new Prng(42)
  readonly #fields: readonly number[]
  #made = 0

  constructor() {
    const stream = streams.find((s) => s.name === 'transactions')
    if (!stream) throw new Error('no stream transactions')
    this.#builder = new BlockBuilder(stream, stream.topic, 0)
    const names = ['event_id', 'order_id', 'buyer_id', 'shop_id', 'amount']
    this.#fields = names.map((name) => stream.fields.findIndex((f) => f.name === name))
  }

  /** `keyOf`: the buyer's number, given the event's and a random number below 1. */
  block(events: number, keyOf: (event: number, random: number) => number): Block {
    const [id, order, buyer, shop, amount] = this.#fields
    for (let i = 0; i < events; i++) {
      const n = this.#made++
      this.#builder.begin(n, START_MS + Math.floor((n * 1000) / PER_SECOND), 'order.created')
      this.#builder.string(id, `event-${String(n).padStart(10, '0')}`)
      this.#builder.string(order, `order-${String(n).padStart(10, '0')}`)
      this.#builder.string(buyer, `buyer-${String(keyOf(n, this.#random.next())).padStart(10, '0')}`)
      this.#builder.string(shop, `shop-${n % 1000}`)
      this.#builder.decimalFrom(amount, (n % 10_000) / 100)
    }
    return this.#builder.build()
  }
}

/** A task that has read one event of each key. */
export function filledTask(keys: number, orders: Orders, keyOf = (event: number): number => event): Task {
  const task = keysTask()
  const sink = { output: () => {}, change: () => {} }
  for (let position = 0; position < keys / 1000; position++)
    task.process({ position, entry: orders.block(1000, keyOf) }, sink)
  return task
}
