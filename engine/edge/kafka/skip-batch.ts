import type { Kafka, Producer } from 'kafkajs'
import { decodeEntry } from '../../model/block-codec.ts'
import { EngineError, LogCorrupt } from '../../model/errors.ts'
import type { Stream } from '../../model/stream.ts'
import type { Logger } from '../../model/telemetry.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { isOperational, reasonOf } from './errors.ts'
import { Cluster } from './fetch/cluster.ts'
import { faultOf, fetchRaw } from './fetch/fetch-request.ts'
import { batchEnd, lastOffsetOf, RecordBatch } from './fetch/record-batch.ts'
import { letterHeaders } from './router/dead-letter.ts'
import { putSkip, type Skip } from './skips.ts'
import { RECORD_BYTES_MAX } from './topics.ts'

/** Of a dead letter that holds a batch, beside its headers. */
const LETTER_BYTES_MAX = RECORD_BYTES_MAX - (64 << 10)

export interface SkipPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

interface Options {
  readonly connection: KafkaConnection
  readonly dlqTopic: string
  readonly streams: readonly Stream[]
  /** Epoch ms. */
  readonly nowMs: number
  readonly log: Logger
}

interface Unreadable {
  readonly from: number
  readonly to: number
  readonly reason: string
  readonly bytes: Buffer
}

/**
 * Writes down that the batch or record at `place`, which cannot be read, is to be passed over: its bytes as a dead letter,
 * and its offsets in the group's router topic. EngineError USAGE where it can be read: nothing that is sound is passed over.
 * KAFKA_UNREACHABLE.
 */
export async function skipBatch(place: SkipPlace, options: Options): Promise<Skip> {
  const { connection, log, nowMs } = options
  const kafka = createClient(connection, log, 3)
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
  try {
    const { from, to, reason, bytes } = await unreadableAt(place, kafka, options)
    await producer.connect()
    const { topic, partition } = place
    const skip: Skip = { topic, partition, from, to, reason, at: new Date(nowMs).toISOString() }
    await writeDown(skip, bytes, producer, options)
    await putSkip(skip, connection.group, producer)
    return skip
  } catch (error) {
    if (error instanceof EngineError || !isOperational(error)) throw error
    const brokers = connection.brokers.join(', ')
    throw new EngineError('KAFKA_UNREACHABLE', `not skipped, at ${brokers}: ${reasonOf(error)}`, error)
  } finally {
    await producer.disconnect()
  }
}

async function unreadableAt(place: SkipPlace, kafka: Kafka, { connection, streams }: Options): Promise<Unreadable> {
  const { topic, partition, offset } = place
  const name = `${topic}/${partition}@${offset}`
  const cluster = new Cluster(kafka)
  try {
    await cluster.connect()
    await cluster.refresh(topic)
    const leader = cluster.leaderOf(topic, partition)
    if (leader === undefined) throw new EngineError('INPUT_MISSING', `${name}: no broker leads this partition`)
    const wanted = [{ topic, partition, offset, bytesMax: 1 }]
    const { parts } = await fetchRaw(await cluster.broker(leader), wanted, { waitMsMax: 100, bytesMax: 1 })
    const [{ errorCode, records, highWatermark }] = parts
    if (errorCode !== 0) throw new EngineError('INPUT_MISSING', `${name}: ${faultOf(errorCode)}`)
    if (records.length === 0) throw new EngineError('INPUT_MISSING', `${name}: nothing is there yet`)
    const isEntry = topic.startsWith(`${connection.group}.exchange.`)
    const found = firstFault(records, place, (bytes) => isEntry && decodeEntry(bytes, streams))
    if (found) return { ...found, to: found.to < highWatermark ? found.to : offset }
    throw new EngineError('USAGE', `${name} can be read: there is nothing to skip`)
  } finally {
    await cluster.close()
  }
}

/** Of the batch that holds the offset; null where all of it is sound. `check` throws on a record that is none. */
function firstFault(records: Buffer, { topic, partition, offset }: SkipPlace, check: (value: Buffer) => unknown) {
  const place = `${topic}/${partition}`
  let [at, end] = [0, records.length]
  try {
    for (; ; at = end) {
      end = batchEnd(records, at, place)
      if (end < 0) return null
      if (lastOffsetOf(records, at, end) >= offset) break
    }
    const batch = new RecordBatch(records, at, end, place)
    for (const cursor = batch.cursor(); cursor.next(); ) {
      cursor.headers()
      const { valueStart, valueEnd } = cursor
      if (cursor.offset !== offset) continue
      const value = cursor.bytes.subarray(valueStart, Math.max(valueStart, valueEnd))
      const reason = faultIn(() => check(value))
      if (reason !== null) return { from: offset, to: offset, reason, bytes: value }
    }
    return null
  } catch (error) {
    if (!(error instanceof LogCorrupt)) throw error
    const { baseOffset, lastOffset, reason } = error
    const isKnown = baseOffset <= offset && offset <= lastOffset
    const [from, to] = isKnown ? [baseOffset, lastOffset] : [offset, offset]
    return { from, to, reason, bytes: records.subarray(at, Math.max(at, end)) }
  }
}

function faultIn(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (error) {
    return reasonOf(error)
  }
}

async function writeDown(skip: Skip, bytes: Buffer, producer: Producer, options: Options): Promise<void> {
  const { connection, dlqTopic } = options
  const { from, to, reason } = skip
  const why = { reason: 'UNREADABLE', detail: reason }
  const isKept = bytes.length <= LETTER_BYTES_MAX
  const headers = {
    ...letterHeaders({ ...skip, offset: from }, why, connection.group),
    'lapwing.skipped': `offsets ${from} to ${to}, as they are in the log`,
    ...(isKept ? {} : { 'lapwing.value.dropped': `${bytes.length} bytes` }),
  }
  await producer.send({ topic: dlqTopic, messages: [{ key: null, value: isKept ? bytes : null, headers }], acks: -1 })
}
