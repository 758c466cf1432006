/**
 * Program: sends an open loop's events at their moments, whatever becomes of them. All are encoded before the start. Writes
 * the probes' moments to a file and says `start {"startMs"}`, later `done` with how late it was itself, ms.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { byKey } from '../../engine/edge/kafka/partitioner.ts'
import { EventEncoder } from '../../engine/edge/registry/record-encoder.ts'
import { nowMs, plainKafka, settings, tell } from './client.ts'
import { type LiveTraffic, schedule } from './probes.ts'
import { recordOf, shippedStream } from './rows.ts'

export interface Sent {
  readonly lateP50: number
  readonly lateP99: number
  readonly ackP50: number
  readonly ackP99: number
  readonly failed: number
}

const TICK_MS = 4
/** Time to encode an event on a busy machine, and to begin with. */
const [LEAD_MS, LEAD_EVENT_MS] = [3_000, 0.15]

const { brokers, topic, file, traffic } = settings<{
  brokers: string[]
  topic: string
  file: string
  traffic: LiveTraffic
}>()
const producer = plainKafka(brokers, 'sender').producer({ allowAutoTopicCreation: false, createPartitioner: byKey })
await producer.connect()
const startMs = Math.ceil(nowMs() + LEAD_MS + LEAD_EVENT_MS * traffic.rate * traffic.seconds)
const { events, moments } = schedule(traffic, startMs)
const times = events.map(({ timeMs }) => timeMs)
const encoder = new EventEncoder(shippedStream('transactions'))
const messages = events.map((event, n) => ({
  ...{ key: event.buyer, value: recordOf(encoder, event, n), timestamp: String(event.timeMs) },
}))
writeFileSync(file, JSON.stringify(moments))
if (nowMs() > startMs) throw new Error('not encoded in time')
tell('start', { startMs })

const [late, acks]: [number[], number[]] = [[], []]
const pending = new Set<Promise<void>>()
let [next, failed] = [0, 0]
const send = async (from: number, to: number): Promise<void> => {
  const beganMs = nowMs()
  late.push(beganMs - times[from])
  try {
    await producer.send({ topic, acks: -1, messages: messages.slice(from, to) })
    acks.push(nowMs() - beganMs)
  } catch {
    failed += to - from
  }
}
await sleep(Math.max(0, startMs - nowMs()))
while (next < times.length) {
  const from = next
  const now = nowMs()
  while (next < times.length && times[next] <= now) next++
  if (next > from) {
    const sending = send(from, next).finally(() => pending.delete(sending))
    pending.add(sending)
  }
  await sleep(TICK_MS)
}
await Promise.all(pending)
const at = (values: number[], share: number): number =>
  Math.round(values.sort((a, b) => a - b)[Math.floor(values.length * share)] * 10) / 10
tell('done', { lateP50: at(late, 0.5), lateP99: at(late, 0.99), ackP50: at(acks, 0.5), ackP99: at(acks, 0.99), failed })
await producer.disconnect()
