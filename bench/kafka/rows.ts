import { defaultConfig } from '../../engine/config.ts'
import type { EventEncoder } from '../../engine/edge/registry/record-encoder.ts'
import type { Stream } from '../../engine/model/stream.ts'
import type { Event } from './events.ts'

/** A stream as it ships: `transactions`, `behavior`. */
export function shippedStream(name: string): Stream {
  return defaultConfig().streams.find((stream) => stream.name === name)!
}

/** What programs are told of their sources: topic -> name of its stream. */
export type Sources = Readonly<Record<string, string>>

/** Bytes of the `n`th event, with all fields filled: some 130 in Confluent's format, schema id 0. */
export function recordOf(encoder: EventEncoder, { type, timeMs, shop, buyer, item }: Event, n: number): Buffer {
  const account = Number(buyer.slice(1)) || 0
  const price = ((n * 7_919) % 1_000_000) / 100
  return encoder.encodeEvent({
    ...{ event_id: `e${n.toString(36).padStart(8, '0')}`, type, event_time: timeMs, order_id: `o${n}` },
    ...{ buyer_id: buyer, shop_id: shop, item_id: item, category_id: `c${(n + account) % 40}`, quantity: 1 },
    ...{
      unit_price: price,
      list_price: price,
      amount: price,
      currency: 'CNY',
      device_id: `d${(account * 7) % 100_000}`,
    },
    ...{ ip: `10.${account & 255}.${(account >> 8) & 255}.7`, channel: 'app', status: null },
  })
}
