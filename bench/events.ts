import { Prng } from '../engine/kit/prng.ts'
import type { Block } from '../engine/model/block.ts'
import { BlockBuilder } from '../engine/model/block-builder.ts'
import type { Stream } from '../engine/model/stream.ts'

/** Ranks 0..n-1 with P(rank) ~ 1 / (rank + 1)^exponent, by inversion of the summed weights. */
export function zipf(n: number, exponent: number, random: Prng): () => number {
  const sums = new Float64Array(n)
  let sum = 0
  for (let i = 0; i < n; i++) {
    sum += 1 / (i + 1) ** exponent
    sums[i] = sum
  }
  return () => {
    const target = random.next() * sum
    let low = 0
    let high = n - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle] < target) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Orders in blocks of `rows`: buyers, devices by Zipf 1.1 over `keys`, shops over a hundredth of that. */
export function orders(
  stream: Stream,
  init: { events: number; keys: number; perSecond: number; rows: number; seed: number },
): Block[] {
  const random = new Prng(init.seed)
  const key = zipf(init.keys, 1.1, random)
  const shop = zipf(Math.max(1, Math.floor(init.keys / 100)), 1.1, random)
  const field = (name: string): number => stream.fields.findIndex((f) => f.name === name)
  const [id, order, buyer, shopId, item, device, amount, quantity] = [
    'event_id',
    'order_id',
    'buyer_id',
    'shop_id',
    'item_id',
    'device_id',
    'amount',
    'quantity',
  ].map(field)
  const builder = new BlockBuilder(stream, stream.topic, 0)
  const blocks: Block[] = []
  const startMs = 1_767_225_600_000
  for (let i = 0; i < init.events; i++) {
    builder.begin(i, startMs + Math.floor((i * 1000) / init.perSecond), 'order.created')
    const k = key()
    builder.string(id, `e${i}`)
    builder.string(order, `o${i}`)
    builder.string(buyer, `b${k}`)
    builder.string(shopId, `s${shop()}`)
    builder.string(item, `i${k % 1000}`)
    builder.string(device, `d${(k * 7) % init.keys}`)
    builder.number(quantity, 1)
    builder.decimalFrom(amount, Math.floor(random.next() * 1_000_000) / 100)
    if (builder.length === init.rows) blocks.push(builder.build())
  }
  if (builder.length > 0) blocks.push(builder.build())
  return blocks
}
