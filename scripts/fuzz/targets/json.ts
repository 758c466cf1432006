import { orderStream } from '../../../engine/edge/registry/formats/testing.ts'
import type { Target } from '../target.ts'
import { never } from './engine-errors.ts'
import { NOON_MS, topicReader, WORDS } from './topics.ts'

const order = { type: 'order.created', event_time: NOON_MS, order_id: 'O1', buyer_id: 'B1', amount: '10.50', pieces: 3, gift: true, note: null } // biome-ignore format: one value
const plain = topicReader(orderStream('json'), null)
const gbk = topicReader({ ...orderStream('json'), encoding: 'gbk' }, null)

export const json: Target = {
  seeds: [
    JSON.stringify(order),
    JSON.stringify({ ...order, event_time: '2026-01-05T12:00:00Z', order_id: 1001, amount: 10.5, note: '店' }),
    `\ufeff${JSON.stringify({ ...order, x: { y: [1, { z: null }] } })}`,
  ].map((text) => Buffer.from(text)),
  words: [...WORDS, 'order.created', 'event_time', 'amount', 'gift', '2026-01-05T12:00:00+25:00'],
  read: (bytes) => (bytes.length % 4 === 0 ? gbk : plain)(bytes),
  named: never,
}
