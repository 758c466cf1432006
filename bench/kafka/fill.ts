/** Program: fills sources. Says `done {"events", "bytes", "checksum", "endMs"}`; bytes are those of values. */
import { byKey } from '../../engine/edge/kafka/partitioner.ts'
import { hashBytes } from '../../engine/plan/partition.ts'
import { plainKafka, settings, tell } from './client.ts'
import { type FillPlan, outgoing } from './fill-plan.ts'

export interface Filled {
  readonly events: number
  readonly bytes: number
  readonly checksum: number
  /** Event time of the last one, epoch ms. */
  readonly endMs: number
}

const SEND_RECORDS = 4_000

const { brokers, plan } = settings<{ brokers: string[]; plan: FillPlan }>()
const producer = plainKafka(brokers, 'fill').producer({
  ...{ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false, createPartitioner: byKey },
})
await producer.connect()
let [events, bytes, checksum, endMs] = [0, 0, 0, 0]
const waiting = new Map<string, { key: string; value: Buffer; timestamp: string }[]>()
const send = async (): Promise<void> => {
  await producer.sendBatch({ acks: -1, topicMessages: [...waiting].map(([topic, messages]) => ({ topic, messages })) })
  waiting.clear()
}
for (const { topic, key, timeMs, value } of outgoing(plan)) {
  events++
  bytes += value.length
  checksum = (checksum + hashBytes(value, 0, value.length)) >>> 0
  endMs = timeMs
  const message = { key, value, timestamp: String(timeMs) }
  const messages = waiting.get(topic)
  if (messages) messages.push(message)
  else waiting.set(topic, [message])
  if (events % SEND_RECORDS === 0) await send()
}
await send()
await producer.disconnect()
tell('done', { events, bytes, checksum, endMs })
