import type { Broker } from './cluster.ts'
import { type Encoded, Reader, send, speaks, Writer } from './protocol.ts'

const METADATA = 3
/** Names topics and gives their ids (Kafka 3.1). */
const VERSION = 12

export interface FoundTopic {
  /** 32 hexadecimal digits; empty = the broker gives none. A topic that is made again under its name has another. */
  readonly id: string
  readonly partitions: number
}

/** Those of `topics` that there are. Null where the broker is too old to give ids. Errors: kafkajs's own; LOG_BUSY. */
export async function topicsOf(broker: Broker, topics: readonly string[]): Promise<Map<string, FoundTopic> | null> {
  if (!speaks(broker, METADATA, VERSION)) return null
  const { found } = await send(
    broker,
    { apiKey: METADATA, apiVersion: VERSION, apiName: 'Metadata' },
    { encode: () => encodeTopics(topics), decode: decodeTopics },
  )
  return found
}

export function encodeTopics(topics: readonly string[]): Encoded {
  const out = new Writer().noTags().count(topics.length)
  for (const topic of topics) out.uuid('').text(topic).noTags()
  return out.int8(0).int8(0).noTags().finish() // none is made, and nobody asks what is allowed
}

export function decodeTopics(bytes: Buffer): { found: Map<string, FoundTopic>; clientSideThrottleTime: number } {
  const reader = new Reader(bytes, 'a list of topics')
  reader.skipTags()
  const clientSideThrottleTime = reader.int32()
  for (let brokers = reader.compactCount(); brokers > 0; brokers--) {
    reader.int32()
    reader.compactText()
    reader.int32()
    reader.compactText() // rack
    reader.skipTags()
  }
  reader.compactText() // cluster
  reader.int32() // controller
  const found = new Map<string, FoundTopic>()
  for (let topics = reader.compactCount(); topics > 0; topics--) {
    const errorCode = reader.int16()
    const name = reader.compactText()
    const id = reader.uuid()
    reader.int8() // internal
    const partitions = skipPartitions(reader)
    reader.int32() // allowed operations
    reader.skipTags()
    if (errorCode === 0) found.set(name, { id: /^0+$/.test(id) ? '' : id, partitions })
  }
  return { found, clientSideThrottleTime }
}

/** How many they are. */
function skipPartitions(reader: Reader): number {
  const count = reader.compactCount()
  for (let left = count; left > 0; left--) {
    reader.int16()
    for (let numbers = 3; numbers > 0; numbers--) reader.int32() // index, leader, epoch
    for (let lists = 3; lists > 0; lists--) reader.bytes(4 * reader.compactCount()) // replicas
    reader.skipTags()
  }
  return count
}
