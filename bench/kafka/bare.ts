/** Program: the ceiling of a consumer on this client. kafkajs and avsc, no rule at all. Says `ready`, then `done`. */
import avsc from 'avsc'
import { WIRE_HEADER_BYTES } from '../../engine/edge/registry/wire.ts'
import { plainKafka, settings, tell } from './client.ts'
import { type Sources, shippedStream } from './rows.ts'

const { brokers, id, sources, expect } = settings<{ brokers: string[]; id: string; sources: Sources; expect: number }>()
const topics = Object.keys(sources)
const types = new Map(topics.map((topic) => [topic, typeOf(sources[topic])]))
const consumer = plainKafka(brokers, id).consumer({ groupId: id, maxWaitTimeInMs: 50 })
let [events, checksum] = [0, 0]
tell('ready')
await consumer.connect()
await consumer.subscribe({ topics, fromBeginning: true })
await consumer.run({
  eachBatch: async ({ batch }) => {
    const type = types.get(batch.topic)!
    for (const { value } of batch.messages)
      checksum += (type.fromBuffer(value!.subarray(WIRE_HEADER_BYTES)) as { event_time: number }).event_time % 1_000
    events += batch.messages.length
    if (events === expect) tell('done', { events, checksum })
  },
})
process.once('SIGTERM', async () => {
  await consumer.disconnect()
  process.exit(0)
})

function typeOf(stream: string): avsc.Type {
  return avsc.Type.forSchema(shippedStream(stream).avro as avsc.Schema)
}
