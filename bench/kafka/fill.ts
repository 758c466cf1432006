/** Program: fills the source topic of a backlog. Says `done {"events", "bytes", "checksum"}`; bytes are those of values. */
import { byKey } from '../../engine/edge/kafka/partitioner.ts'
import { EventEncoder } from '../../engine/edge/registry/record-encoder.ts'
import { hashText } from '../../engine/plan/partition.ts'
import { plainKafka, settings, tell } from './client.ts'
import { type Backlog, wholeBacklog } from './events.ts'
import { recordOf, shippedStream } from './rows.ts'

export interface Filled {
  readonly events: number
  readonly bytes: number
  readonly checksum: number
}

const SEND_RECORDS = 4_000

const { brokers, topic, backlog } = settings<{ brokers: string[]; topic: string; backlog: Backlog }>()
const producer = plainKafka(brokers, 'fill').producer({
  ...{ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, createPartitioner: byKey },
})
await producer.connect()
const encoder = new EventEncoder(shippedStream('transactions'))
let [count, bytes, checksum] = [0, 0, 0]
let messages: { key: string; value: Buffer; timestamp: string }[] = []
const send = async (): Promise<void> => {
  await producer.send({ topic, messages, acks: -1 })
  messages = []
}
for (const event of wholeBacklog(backlog)) {
  const value = recordOf(encoder, event, count++)
  bytes += value.length
  checksum = (checksum + hashText(`${event.type} ${event.timeMs} ${event.shop} ${event.buyer} ${event.item}`)) >>> 0
  messages.push({ key: event.buyer, value, timestamp: String(event.timeMs) })
  if (messages.length === SEND_RECORDS) await send()
}
await send()
await producer.disconnect()
tell('done', { events: count, bytes, checksum })
