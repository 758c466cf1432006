import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, Kafka } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startKafka } from '../../../../scripts/kafka/cluster.ts'
import { ONCE, testBroker, uniqueName } from '../../../../scripts/kafka/test-broker.ts'
import { Prng } from '../../../kit/prng.ts'
import { createClient } from '../client.ts'
import { type Feed, Fetcher, type FetcherOptions } from './fetcher.ts'

const broker = await testBroker()
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const client = (brokers: readonly string[]) =>
  createClient({ brokers, group: 'fetcher', ssl: false, sasl: null }, quiet)
const never = new AbortController().signal

interface Got {
  readonly offset: number
  readonly value: string
}

/** What waits in a feed; an offset that does not rise fails the test. */
function drain(feed: Feed, into: Got[] = []): Got[] {
  for (let batch = feed.take(); batch; batch = feed.take())
    for (const cursor = batch.cursor(); cursor.next(); ) {
      expect(cursor.offset).toBeGreaterThan(into.at(-1)?.offset ?? -1)
      into.push({ offset: cursor.offset, value: cursor.bytes.toString('utf8', cursor.valueStart, cursor.valueEnd) })
    }
  return into
}

/** Reads a feed until offset `end`. */
async function readTo(fetcher: Fetcher, feed: Feed, end: number): Promise<Got[]> {
  const got = drain(feed)
  while (feed.position < end) {
    await fetcher.news(AbortSignal.timeout(20_000))
    drain(feed, got)
  }
  return got
}

describe.skipIf('skip' in broker)('reading partitions by pull', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  let kafka: Kafka
  let admin: Admin
  const ends: (() => Promise<unknown>)[] = []
  const fetcherOf = (options?: FetcherOptions) => {
    const fetcher = new Fetcher(kafka, options)
    ends.push(() => fetcher.close())
    return fetcher
  }
  const producerOf = async (transactionalId?: string) => {
    const producer = kafka.producer(transactionalId ? { ...ONCE, transactionalId } : ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    return producer
  }
  const topicOf = async (numPartitions: number, config: Record<string, string> = {}) => {
    const topic = uniqueName('fetch')
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: true })
    return topic
  }
  beforeAll(async () => {
    kafka = client(brokers)
    admin = kafka.admin()
    await admin.connect()
  })
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  afterAll(() => admin?.disconnect())

  test('several partitions and topics, whose broker compresses: all records, once, in order', async () => {
    const codecs = ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']
    const topics: string[] = []
    for (const codec of codecs) topics.push(await topicOf(3, { 'compression.type': codec }))
    const producer = await producerOf()
    const value = (i: number) => `value ${i} `.repeat(1 + (i % 40))
    for (let round = 0; round < 30; round++) {
      const messages = Array.from({ length: 90 }, (_, i) => ({ partition: i % 3, value: value(round * 90 + i) }))
      await producer.sendBatch({ topicMessages: topics.map((topic) => ({ topic, messages })) })
    }
    const fetcher = fetcherOf({ bufferBytes: 20_000, partitionBytesMax: 5_000, bytesMax: 30_000 })
    const feeds = topics.flatMap((topic) => [0, 1, 2].map((partition) => fetcher.open(topic, partition, 0)))
    const got = await Promise.all(feeds.map((feed) => readTo(fetcher, feed, 900)))
    for (const [i, records] of got.entries()) {
      expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 900 }, (_, n) => n))
      expect(records.map((record) => record.value)).toEqual(
        Array.from({ length: 900 }, (_, n) => value(3 * n + (i % 3))),
      )
    }
    for (const feed of feeds) expect(feed).toMatchObject({ position: 900, fetched: 900, end: 900, waitingBytes: 0 })
  })

  test('one slow feed holds up none, and receives no more than its buffer and one answer', async () => {
    const topic = await topicOf(2)
    const producer = await producerOf()
    const fetcher = fetcherOf({ bufferBytes: 10_000, partitionBytesMax: 4_000 })
    for (let round = 0; round < 50; round++) {
      const messages = [0, 1].flatMap((partition) => Array(5).fill({ partition, value: 'x'.repeat(200) }))
      await producer.send({ topic, messages })
    }
    const [slow, fast] = [fetcher.open(topic, 0, 0), fetcher.open(topic, 1, 0)]
    expect(await readTo(fetcher, fast, 250)).toHaveLength(250)
    expect(slow.waitingBytes).toBeGreaterThanOrEqual(10_000)
    expect(slow.waitingBytes).toBeLessThan(14_000)
    expect(slow.position).toBe(0)
    expect(await readTo(fetcher, slow, 250)).toHaveLength(250)
  })

  test('a seek: from that offset, nothing of before; also while a long poll is under way', async () => {
    const topic = await topicOf(2)
    const producer = await producerOf()
    const send = (values: readonly string[]) => {
      return producer.send({ topic, messages: values.map((value) => ({ partition: 0, value })) })
    }
    for (let i = 0; i < 100; i++) await send([`${2 * i}`, `${2 * i + 1}`])
    const fetcher = fetcherOf({ partitionBytesMax: 300, maxWaitMs: 200 })
    const feed = fetcher.open(topic, 0, 0)
    fetcher.open(topic, 1, 0)
    const random = new Prng(5)
    for (let i = 0; i < 40; i++) {
      const offset = random.int(200)
      feed.seek(offset)
      if (i % 3 === 0) await fetcher.news(never)
      else if (i % 3 === 1) await sleep(random.int(8))
      const [first] = drain(feed)
      if (first) expect(first).toEqual({ offset, value: `${offset}` })
    }
    feed.seek(199)
    expect(await readTo(fetcher, feed, 200)).toEqual([{ offset: 199, value: '199' }])
    await sleep(30) // into a long poll
    const began = performance.now()
    feed.seek(7)
    expect((await readTo(fetcher, feed, 8))[0]).toEqual({ offset: 7, value: '7' })
    expect(performance.now() - began).toBeLessThan(600)
  })

  test('transactions, aborted and committed, many open at once: what was committed, and the position goes to the end', async () => {
    const topic = await topicOf(1)
    const random = new Prng(42)
    const producers = await Promise.all([1, 2, 3, 4].map(() => producerOf(uniqueName('tx'))))
    const plain = await producerOf()
    const expected: Got[] = []
    const leaked = new Set<string>()
    await Promise.all(
      producers.map(async (producer, p) => {
        for (let t = 0; t < 12; t++) {
          const transaction = await producer.transaction()
          const isAborted = random.next() < 0.5
          for (let i = 0; i < 1 + random.int(4); i++) {
            const value = `${p}-${t}-${i}`
            const [{ baseOffset }] = await transaction.send({ topic, messages: [{ key: Buffer.alloc(4), value }] })
            if (isAborted) leaked.add(value)
            else expected.push({ offset: Number(baseOffset), value })
            if (random.next() < 0.3) {
              const [{ baseOffset }] = await plain.send({ topic, messages: [{ value: `plain ${value}` }] })
              expected.push({ offset: Number(baseOffset), value: `plain ${value}` })
            }
          }
          await (isAborted ? transaction.abort() : transaction.commit())
        }
      }),
    )
    expected.sort((a, b) => a.offset - b.offset)
    const last = await producers[0].transaction()
    await last.send({ topic, messages: [{ value: 'aborted at the end' }] })
    await last.abort()
    const [{ high }] = await admin.fetchTopicOffsets(topic)
    const fetcher = fetcherOf({ partitionBytesMax: 400 }) // so that fetches begin within transactions
    const feed = fetcher.open(topic, 0, 0)
    const got = await readTo(fetcher, feed, Number(high))
    expect(got.filter(({ value }) => leaked.has(value))).toEqual([])
    expect(got).toEqual(expected)
    expect(feed).toMatchObject({ position: Number(high), fetched: Number(high), end: Number(high), waitingBytes: 0 })
    for (let i = 0; i < 10; i++) {
      const from = random.int(Number(high))
      feed.seek(from)
      expect(await readTo(fetcher, feed, Number(high))).toEqual(expected.filter(({ offset }) => offset >= from))
    }
  })

  test('an open transaction holds the end back', async () => {
    const topic = await topicOf(1)
    const [producer, plain] = [await producerOf(uniqueName('tx')), await producerOf()]
    await plain.send({ topic, messages: [{ value: 'before' }] })
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'within' }] })
    await plain.send({ topic, messages: [{ value: 'behind' }] })
    const fetcher = fetcherOf()
    const feed = fetcher.open(topic, 0, 0)
    expect((await readTo(fetcher, feed, 1)).map(({ value }) => value)).toEqual(['before'])
    expect(feed).toMatchObject({ position: 1, end: 1, highWatermark: 3 })
    await transaction.commit()
    expect((await readTo(fetcher, feed, 4)).map(({ value }) => value)).toEqual(['within', 'behind'])
  })

  test('a batch larger than all bounds comes whole, and a log of two segments', async () => {
    const topic = await topicOf(2)
    const producer = await producerOf()
    const old = String(Date.now() - 30 * 86_400_000) // a log begins a new segment where times jump
    const value = 'x'.repeat(50_000)
    for (const partition of [0, 1]) {
      await producer.send({ topic, messages: [{ partition, value, timestamp: old }] })
      await producer.send({ topic, messages: [{ partition, value: 'now' }] })
    }
    const fetcher = fetcherOf({ bytesMax: 1_000, partitionBytesMax: 1_000 })
    const feeds = [fetcher.open(topic, 0, 0), fetcher.open(topic, 1, 0)]
    for (const feed of feeds) expect((await readTo(fetcher, feed, 2)).map((r) => r.value)).toEqual([value, 'now'])
  })

  test('records trimmed ahead of the reader, and an offset beyond the end: a gap, until a seek', async () => {
    const topic = await topicOf(1)
    const producer = await producerOf()
    for (let i = 0; i < 10; i++) await producer.send({ topic, messages: [{ value: `${i}` }] })
    await admin.fetchTopicOffsets(topic) // else kafkajs does not know who leads it
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] })
    const fetcher = fetcherOf()
    const feed = fetcher.open(topic, 0, 2)
    await fetcher.news(never)
    const gap = `${topic}/0: the next record to read is 2, the log holds 6 to 9`
    for (let i = 0; i < 2; i++)
      expect(() => feed.take()).toThrow(expect.objectContaining({ code: 'LOG_GAP', message: gap }))
    expect(feed.logStart).toBe(6)
    feed.seek(6)
    expect((await readTo(fetcher, feed, 10)).map(({ value }) => value)).toEqual(['6', '7', '8', '9'])
    feed.seek(11)
    await fetcher.news(never)
    expect(() => feed.take()).toThrow(`${topic}/0: the next record to read is 11, the log holds 6 to 9`)
    feed.close()
  })

  test('news: of before the call, of the end, not twice; a signal ends the waiting', async () => {
    const topic = await topicOf(1)
    const fetcher = fetcherOf()
    const feed = fetcher.open(topic, 0, 0)
    expect(feed.end).toBeNaN()
    await fetcher.news(never) // the first answer: it is at its end
    expect(feed).toMatchObject({ end: 0, position: 0, trouble: null })
    const producer = await producerOf()
    await producer.send({ topic, messages: [{ value: 'one' }] })
    await sleep(200)
    expect(feed.waitingBytes).toBeGreaterThan(0)
    await fetcher.news(never)
    expect(drain(feed)).toHaveLength(1)
    const began = performance.now()
    await fetcher.news(AbortSignal.timeout(300))
    expect(performance.now() - began).toBeGreaterThan(250)
  })

  test('a topic that is not there is trouble, until it is', async () => {
    const topic = uniqueName('late')
    const fetcher = fetcherOf()
    const feed = fetcher.open(topic, 0, 0)
    await fetcher.news(never)
    expect(feed.trouble).toMatch(new RegExp(`^${topic}/0: `))
    expect(feed.take()).toBeNull()
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
    while (Number.isNaN(feed.end)) await fetcher.news(never)
    expect(feed.trouble).toBeNull()
  })
})

describe.skipIf('skip' in broker)('a broker that goes away', () => {
  test('is trouble, and the feed goes on where it was', async () => {
    const cluster = await startKafka()
    const kafka = client(cluster.brokers)
    const fetcher = new Fetcher(kafka)
    try {
      const producer = kafka.producer(ONCE)
      const admin = kafka.admin()
      await Promise.all([producer.connect(), admin.connect()])
      await admin.createTopics({ topics: [{ topic: 't', numPartitions: 1 }], waitForLeaders: true })
      const feed = fetcher.open('t', 0, 0)
      await producer.send({ topic: 't', messages: [{ value: 'before' }] })
      expect(await readTo(fetcher, feed, 1)).toHaveLength(1)
      await Promise.all([producer.disconnect(), admin.disconnect()])
      await cluster.kill(0, 'SIGKILL')
      while (feed.trouble === null) await fetcher.news(never)
      expect(feed.take()).toBeNull()
      await cluster.restart(0)
      await producer.connect()
      await producer.send({ topic: 't', messages: [{ value: 'after' }] })
      expect((await readTo(fetcher, feed, 2)).map(({ value }) => value)).toEqual(['after'])
      expect(feed.trouble).toBeNull()
      await producer.disconnect()
    } finally {
      await fetcher.close()
      await cluster.stop()
    }
  })
})
