/**
 * Program: the job as a Node team would write it in a day. kafkajs, avsc, Maps; at least once, state in memory only, what
 * comes too late for a closed minute is lost. Says `ready`.
 */
import avsc from 'avsc'
import { WIRE_HEADER_BYTES } from '../../engine/edge/registry/wire.ts'
import { plainKafka, settings, tell } from './client.ts'
import { ShopHour } from './episodes.ts'
import { MINUTE_MS, WEIGHTS } from './events.ts'
import { HotItems } from './hot-items.ts'
import { type Sources, shippedStream } from './rows.ts'

interface Transaction {
  readonly type: string
  readonly event_time: number
  readonly shop_id: string
  readonly buyer_id: string
  readonly item_id: string
}

const { brokers, id, sources } = settings<{ brokers: string[]; id: string; sources: Sources }>()
const kafka = plainKafka(brokers, id)
const type = avsc.Type.forSchema(shippedStream('transactions').avro as avsc.Schema)
const producer = kafka.producer()
const consumer = kafka.consumer({ groupId: id, maxWaitTimeInMs: 50 })
const shops = new Map<string, ShopHour>()
const hot = new HotItems(MINUTE_MS)
const alerts: { key: string; value: string }[] = []
const rankings: { key: string; value: string }[] = []

function take(event: Transaction): void {
  if (event.type === 'order.created') order(event)
  const weight = WEIGHTS[event.type]
  if (weight === undefined) return
  hot.add(event.item_id, event.event_time, weight, (asOfMs, items) =>
    rankings.push({ key: String(asOfMs), value: JSON.stringify({ asOfMs, items }) }),
  )
}

function order({ shop_id: shop, buyer_id: buyer, event_time: timeMs }: Transaction): void {
  const hour = shops.get(shop) ?? new ShopHour()
  shops.set(shop, hour)
  if (!hour.add(timeMs, buyer)) return
  hour.expire()
  if (hour.concentrated && !hour.open) alerts.push({ key: shop, value: JSON.stringify({ shop, timeMs }) })
  hour.open = hour.concentrated
}

tell('ready')
await producer.connect()
await consumer.connect()
await consumer.subscribe({ topics: Object.keys(sources), fromBeginning: true })
await consumer.run({
  eachBatch: async ({ batch, heartbeat, resolveOffset }) => {
    for (const { value } of batch.messages) take(type.fromBuffer(value!.subarray(WIRE_HEADER_BYTES)) as Transaction)
    const topicMessages = [
      { topic: `${id}.alerts`, messages: alerts.splice(0) },
      { topic: `${id}.rankings`, messages: rankings.splice(0) },
    ].filter(({ messages }) => messages.length > 0)
    if (topicMessages.length > 0) await producer.sendBatch({ topicMessages })
    resolveOffset(batch.lastOffset())
    await heartbeat()
  },
})
process.once('SIGTERM', async () => {
  await consumer.disconnect()
  await producer.disconnect()
  process.exit(0)
})
