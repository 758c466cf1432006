/**
 * Program: the null pipeline, the floor of an engine that works in two hops on this client. The router reads the sources and
 * writes packs of events to two topics, by shop and all in one partition; what reads those counts the orders of probes,
 * and commits alerts and position in one transaction, one producer a partition. Sends and commits go on beside the reading,
 * one at a time, and take along what has come meanwhile. A floor and no more: a crash of its router loses events. Says `ready`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import avsc from 'avsc'
import type { Batch, Producer, Transaction } from 'kafkajs'
import { WIRE_HEADER_BYTES } from '../../engine/edge/registry/wire.ts'
import { partitionOfValue } from '../../engine/plan/partition.ts'
import { Beside } from './beside.ts'
import { plainKafka, settings, tell } from './client.ts'
import { pack, unpack } from './packs.ts'
import { isProbe, ORDERS_OF_PROBE } from './probes.ts'
import { type Sources, shippedStream } from './rows.ts'

interface Order {
  readonly type: string
  readonly shop_id: string
  readonly event_time: number
}

interface Place {
  readonly topic: string
  readonly partition: number
  readonly producer: Producer
  /** When its last commit began, ms of `performance.now()`. */
  committedMs: number
}

const PARTITIONS = 4
/** In one record of an exchange: far less than a broker takes. */
const PACK_EVENTS = 2_000
/** As the engine does: what has alerts is committed at once, a position alone once in so long. */
const QUIET_MS = 1_000
/** The coordinator loads, moves, or still settles the last transaction: ask again. */
const ASK_AGAIN = [14, 15, 16, 51]

const { brokers, id, sources } = settings<{ brokers: string[]; id: string; sources: Sources }>()
const [kafka, producerKafka] = [plainKafka(brokers, id), plainKafka(brokers, id)]
const type = avsc.Type.forSchema(shippedStream('transactions').avro as avsc.Schema)
const [byShop, all] = [`${id}.by-shop`, `${id}.all`]
const router = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
const source = kafka.consumer({ groupId: `${id}-router`, maxWaitTimeInMs: 50 })
const task = kafka.consumer({ groupId: `${id}-task`, maxWaitTimeInMs: 50 })
const tasks = new Map<string, { place: Place; committing: Beside<Batch> }>()
const seen = new Map<string, number>()
const read = (bytes: Buffer): Order => type.fromBuffer(bytes.subarray(WIRE_HEADER_BYTES)) as Order

/** Hop 1. */
const routing = new Beside<Buffer>(async (values) => {
  const packs = Array.from({ length: PARTITIONS }, (): Buffer[] => [])
  for (const value of values) packs[partitionOfValue(read(value).shop_id, PARTITIONS)].push(value)
  const messages = packs.flatMap((some, partition) => (some.length > 0 ? [{ partition, value: pack(some) }] : []))
  const whole = [{ partition: 0, value: pack(values) }]
  await router.sendBatch({
    topicMessages: [
      { topic: byShop, messages },
      { topic: all, messages: whole },
    ],
  })
}, PACK_EVENTS)

/** Hop 2, of one partition. */
async function commit(place: Place, batches: readonly Batch[]): Promise<void> {
  const { topic, partition, producer } = place
  const orders = batches.flatMap(({ messages }) => messages.flatMap(({ value }) => unpack(value!).map(read)))
  const alerts = topic === byShop ? orders.flatMap(alertOf) : []
  if (alerts.length === 0 && performance.now() - place.committedMs < QUIET_MS) return // its position goes with the next
  place.committedMs = performance.now()
  const transaction = await producer.transaction()
  if (alerts.length > 0) await transaction.send({ topic: `${id}.alerts`, messages: alerts })
  const offset = String(Number(batches[batches.length - 1].lastOffset()) + 1)
  await sendOffset(transaction, { topic, partitions: [{ partition, offset }] })
  await transaction.commit()
}

function alertOf({ type: name, shop_id: shop, event_time: timeMs }: Order): { key: string; value: string }[] {
  if (name !== 'order.created' || !isProbe(shop)) return []
  const orders = (seen.get(shop) ?? 0) + 1
  seen.set(shop, orders)
  return orders === ORDERS_OF_PROBE ? [{ key: shop, value: JSON.stringify({ shop, timeMs }) }] : []
}

async function sendOffset(
  transaction: Transaction,
  position: { topic: string; partitions: { partition: number; offset: string }[] },
): Promise<void> {
  for (;;) {
    try {
      return await transaction.sendOffsets({ consumerGroupId: `${id}-task`, topics: [position] })
    } catch (error) {
      if (!ASK_AGAIN.includes((error as { code?: number }).code ?? 0)) throw error
      await sleep(2)
    }
  }
}

async function begin(): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: false, // clients ask again for a topic that the broker has not heard of yet
    topics: [
      { topic: byShop, numPartitions: PARTITIONS },
      { topic: all, numPartitions: 1 },
    ],
  })
  await admin.disconnect()
  const places = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: byShop, partition }))
  for (const { topic, partition } of [...places, { topic: all, partition: 0 }]) {
    const name = `${topic}-${partition}`
    const transactionalId = `${id}-${name}`
    const producer = producerKafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const place: Place = { topic, partition, producer, committedMs: 0 }
    tasks.set(name, { place, committing: new Beside((batches) => commit(place, batches)) })
  }
  for (const client of [router, source, task]) await client.connect()
  await task.subscribe({ topics: [byShop, all], fromBeginning: true })
  await source.subscribe({ topics: Object.keys(sources), fromBeginning: true })
}

tell('ready')
await begin()
await task.run({
  autoCommit: false,
  eachBatch: async ({ batch }) => tasks.get(`${batch.topic}-${batch.partition}`)!.committing.add([batch]),
})
await source.run({
  autoCommitInterval: 1_000,
  eachBatch: async ({ batch }) => routing.add(batch.messages.map(({ value }) => value!)),
})
process.once('SIGTERM', async () => {
  await Promise.all([source.disconnect(), task.disconnect()])
  await Promise.all([router, ...[...tasks.values()].map(({ place }) => place.producer)].map((one) => one.disconnect()))
  process.exit(0)
})
