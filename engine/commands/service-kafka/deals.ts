import type { Producer } from 'kafkajs'
import { EventEncoder } from '../../edge/registry/record-encoder.ts'
import type { RuleSource } from '../../model/block.ts'
import type { Stream } from '../../model/stream.ts'

/** Rules for two exchanges, with alerts that open, rise and close within seconds; a ranking a second over a third one. */
export const RULES: readonly RuleSource[] = [
  {
    path: 'shop.yaml',
    text: `rule: busy_shop
version: 1
title: A shop receives many orders from few buyers
owner: test
mode: live
on: order.created
by: [shop_id]
window: 20s
params: { limit: 2 }
measure:
  orders: { count: events }
  buyers: { distinct: buyer_id }
  total:  { sum: amount }
  share:  { ratio: [orders, buyers] }
when: share >= params.limit && orders >= 6
severity:
  - critical: orders >= 12
  - high: otherwise
alert:
  about: shop_id
  cooldown: 3s
  suspects: { of: buyer_id, k: 2 }
  explain: "{orders} orders from {buyers} buyers, {total|.2} in all"
  evidence: { events: 3, fields: [order_id, buyer_id, amount] }
`,
  },
  {
    path: 'buyer.yaml',
    text: `rule: busy_buyer
version: 1
title: A buyer orders in many shops
owner: test
mode: live
on: [order.created, order.cancelled]
by: [buyer_id]
window: 15s
measure:
  shops: { distinct: shop_id }
  orders: { count: events }
when: shops >= 5
severity: medium
alert: { about: buyer_id, cooldown: 2s, explain: "{shops} shops, {orders} orders" }
---
rule: cancelled
version: 2
title: A buyer cancels often
owner: test
mode: shadow
on: order.cancelled
by: [buyer_id]
window: 30s
measure: { cancelled: { count: events } }
when: cancelled >= 3
severity: low
alert: { about: buyer_id, cooldown: 1s, explain: "{cancelled} orders cancelled" }
`,
  },
  {
    path: 'ranking.yaml',
    text: `ranking: hot_shops
version: 1
title: Shops with the most orders
owner: test
on: order.created
rank: shop_id
window: { sliding: 10s, step: 1s }
settle: 2s
limit: 5
ties: [shop_id asc]
`,
  },
]

export interface Deal {
  readonly event_id: string
  readonly type: string
  readonly event_time: number
  readonly order_id: string
  readonly buyer_id: string
  readonly shop_id: string
  readonly amount: number
  /** Source partition: by buyer, as producers do. */
  readonly partition: number
}

/** Deal `n` of a run: the same for the same `n` and time. Some shops and buyers see far more than others. */
export function deal(n: number, timeMs: number, partitions: number): Deal {
  const draw = (salt: number) => mix(n * 16 + salt) / 2 ** 32
  const buyer = Math.floor(draw(1) ** 2 * 60)
  return {
    event_id: `e${n}`,
    type: draw(2) < 0.15 ? 'order.cancelled' : 'order.created',
    event_time: timeMs - Math.floor(draw(3) * 200),
    order_id: `O${n}`,
    buyer_id: `B${buyer}`,
    shop_id: `S${Math.floor(draw(4) ** 3 * 40)}`,
    amount: Math.floor(draw(5) * 10_000) / 100,
    partition: buyer % partitions,
  }
}

/** Writes deals to the stream's topic, in order within each partition. */
export async function sendDeals(producer: Producer, stream: Stream, deals: readonly Deal[]): Promise<void> {
  const encoder = new EventEncoder(stream)
  const messages = deals.map(({ partition, ...row }) => ({
    partition,
    key: row.buyer_id,
    value: encoder.encodeEvent({ quantity: 1, ...row }),
  }))
  await producer.send({ topic: stream.topic, messages, acks: -1 })
}

function mix(x: number): number {
  let h = Math.imul(x ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
