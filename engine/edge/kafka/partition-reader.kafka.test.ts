import { afterEach, describe, expect, test } from 'vitest'
import { testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { createClient } from './client.ts'
import { PartitionReader } from './partition-reader.ts'

const broker = await testBroker()
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

describe.skipIf('skip' in broker)('reading a range of a partition', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('aborted records stay out, also of two transactions that overlap, and with a key of four zero bytes', async () => {
    const topic = uniqueName('range')
    await createTopics([...brokers], { [topic]: 2 })
    const kafka = createClient({ brokers, group: 'reader', ssl: false, sasl: null }, quiet)
    const open = async () => {
      const producer = kafka.producer({ transactionalId: uniqueName('tx'), idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      ends.push(() => producer.disconnect())
      return producer
    }
    const [one, two, three] = [await open(), await open(), await open()]
    const say = (value: string, key: Buffer | null = null) => ({ topic, messages: [{ key, value, partition: 0 }] })
    const [a, b] = [await one.transaction(), await two.transaction()]
    await a.send(say('aborted a'))
    await b.send(say('aborted b', Buffer.alloc(4)))
    await a.send(say('aborted a', Buffer.alloc(4)))
    const c = await three.transaction()
    await c.send(say('c', Buffer.alloc(4)))
    await b.send(say('aborted b'))
    await a.abort()
    await b.abort()
    await c.send(say('c'))
    await c.commit()
    const d = await one.transaction()
    await d.send(say('d'))
    await d.commit()

    const reader = new PartitionReader(kafka)
    const admin = kafka.admin()
    await admin.connect()
    ends.push(
      () => reader.close(),
      () => admin.disconnect(),
    )
    const bounds = await admin.fetchTopicOffsets(topic)
    const high = Number(bounds.find(({ partition }) => partition === 0)!.high)
    const read = async (partition: number, from: number, end: number) => {
      const values: string[] = []
      for await (const piece of reader.read(topic, partition, from, end))
        values.push(...piece.map((r) => String(r.value)))
      return values
    }
    expect(await read(0, 0, high)).toEqual(['c', 'c', 'd'])
    expect(await read(0, 4, high)).toEqual(['c', 'd'])
    expect(await read(0, 0, 4)).toEqual(['c'])
    expect(await read(1, 0, 0)).toEqual([])

    const offsets: number[] = []
    for await (const batch of reader.batches(topic, 0, 0, high))
      for (const cursor = batch.cursor(); cursor.next(); ) offsets.push(cursor.offset)
    const records: number[] = []
    for await (const piece of reader.read(topic, 0, 0, high)) records.push(...piece.map(({ offset }) => offset))
    expect(offsets).toEqual(records)
    expect(offsets).toHaveLength(3)
  })
})
