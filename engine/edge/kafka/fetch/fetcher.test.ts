import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { afterEach, expect, test } from 'vitest'
import type { FetchedPart, WantedPart } from './fetch-request.ts'
import { Fetcher, type FetcherOptions } from './fetcher.ts'

const never = new AbortController().signal
const batch = readFileSync(join(import.meta.dirname, 'testdata', 'fixture-gzip.bin')) // offsets 0 to 4
const nothing = Buffer.alloc(0)

function answer(records: Buffer, end: number, errorCode = 0): Omit<FetchedPart, 'topic' | 'partition'> {
  return { errorCode, highWatermark: end, lastStableOffset: end, logStart: 0, aborted: [], records }
}

/** Brokers that give what `reply` says, in place of kafkajs's cluster; partitions of `t` are led by `leaders`. */
class FakeKafka {
  readonly asked: { readonly nodeId: number; readonly parts: readonly WantedPart[] }[] = []
  readonly bounds = { low: 0, high: 5 }
  leaders: number[]
  throttleMs = 0
  isEmptyWhenThrottled = false
  failNext: Error | null = null
  reply: (part: WantedPart, nodeId: number) => Omit<FetchedPart, 'topic' | 'partition'> = () => answer(nothing, 0)

  constructor(leaders: number[]) {
    this.leaders = leaders
  }

  get kafka(): Kafka {
    return { [Symbol('private:Kafka:createCluster')]: () => this.#cluster() } as unknown as Kafka
  }

  #cluster() {
    const topic = () => ({
      topic: 't',
      partitionMetadata: this.leaders.map((leader, partitionId) => ({ leader, partitionId })),
    })
    const brokerPool = {
      brokers: {},
      metadata: null as unknown,
      refreshMetadata: async () => {
        brokerPool.metadata = { topicMetadata: [topic()] }
      },
      findBroker: async ({ nodeId }: { nodeId: number }) => this.#broker(nodeId),
    }
    return { brokerPool, connect: async () => {}, disconnect: async () => {} }
  }

  #broker(nodeId: number) {
    const send = async ({ request }: { request: { encode(): Promise<{ buffer: Buffer }> } }) => {
      const parts = wantedOf((await request.encode()).buffer)
      this.asked.push({ nodeId, parts })
      await sleep(2)
      const failure = this.failNext
      this.failNext = null
      if (failure) throw failure
      if (this.throttleMs > 0 && this.isEmptyWhenThrottled)
        return { throttleMs: this.throttleMs, sizeBytes: 0, parts: [] }
      const replies = parts.map((part) => ({ ...part, ...this.reply(part, nodeId) }))
      return { throttleMs: this.throttleMs, sizeBytes: 0, parts: replies }
    }
    const listOffsets = async ({ topics }: { topics: { partitions: { timestamp: number }[] }[] }) => {
      const { low, high } = this.bounds
      const offset = topics[0].partitions[0].timestamp === -1 ? high : low
      return { responses: [{ partitions: [{ offset: String(offset) }] }] }
    }
    return { versions: { 1: { minVersion: 4, maxVersion: 17 } }, connectionPool: { send }, listOffsets }
  }
}

/** Of a request for topic `t` alone. */
function wantedOf(bytes: Buffer): WantedPart[] {
  const count = bytes.readInt32BE(25 + 4 + 2 + 1)
  return Array.from({ length: count }, (_, i) => {
    const at = 36 + 28 * i
    const offset = Number(bytes.readBigInt64BE(at + 8))
    return { topic: 't', partition: bytes.readInt32BE(at), offset, bytesMax: bytes.readInt32BE(at + 24) }
  })
}

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

function setUp(leaders: number[], options: FetcherOptions = {}) {
  const fake = new FakeKafka(leaders)
  const fetcher = new Fetcher(fake.kafka, options)
  ends.push(() => fetcher.close())
  return { fake, fetcher }
}

test('one request at a time a broker, for all its partitions that have room; each is first in turn', async () => {
  const { fake, fetcher } = setUp([1, 1, 2, 1])
  for (const partition of [0, 1, 2, 3]) fetcher.open('t', partition, 0)
  await sleep(100)
  const orders = fake.asked
    .filter(({ nodeId }) => nodeId === 1)
    .map(({ parts }) => parts.map((p) => p.partition).join())
  expect(orders.slice(1, 7).sort()).toEqual(['0,1,3', '0,1,3', '1,3,0', '1,3,0', '3,0,1', '3,0,1'])
  expect(fake.asked.filter(({ nodeId }) => nodeId === 2).every(({ parts }) => parts[0].partition === 2)).toBe(true)
})

test('a full feed is not asked for until it is taken from', async () => {
  const { fake, fetcher } = setUp([1, 1], { bufferBytes: 1_000 })
  fake.reply = ({ offset }) => answer(offset === 0 ? batch : nothing, 5)
  const [full, other] = [fetcher.open('t', 0, 0), fetcher.open('t', 1, 5)]
  await sleep(50)
  const last = () => fake.asked.at(-1)!.parts.map(({ partition }) => partition)
  expect(last()).toEqual([1])
  expect(full.take()?.count).toBe(5)
  await sleep(50)
  expect(last().toSorted()).toEqual([0, 1])
  expect([full.position, other.position]).toEqual([5, 5])
})

test('another leader: the feed follows it, and says what was wrong meanwhile', async () => {
  const { fake, fetcher } = setUp([1])
  fake.reply = (_, nodeId) => (nodeId === 1 ? answer(nothing, -1, 6) : answer(batch, 5))
  const feed = fetcher.open('t', 0, 0)
  await fetcher.news(never)
  expect(feed.trouble).toBe('t/0: another broker leads it now')
  fake.leaders = [2]
  await fetcher.news(never)
  expect(feed.trouble).toBeNull()
  expect(feed.take()?.count).toBe(5)
  expect(fake.asked.at(-1)!.nodeId).toBe(2)
})

test('a partition that nobody leads, a lost connection', async () => {
  const { fake, fetcher } = setUp([-1])
  fake.reply = () => answer(nothing, 0)
  const feed = fetcher.open('t', 0, 0)
  await fetcher.news(never)
  expect(feed.trouble).toBe('t/0: it has no leader')
  fake.failNext = new Error('Closed connection')
  fake.leaders = [1]
  while (feed.trouble !== 't/0: Closed connection') await sleep(1)
  while (Number.isNaN(feed.end)) await fetcher.news(never)
  expect(feed.trouble).toBeNull()
})

test('an offset out of range: a gap, unless the log holds it after all', async () => {
  const { fake, fetcher } = setUp([1])
  let refused = 0
  fake.reply = () => (refused++ < 3 ? answer(nothing, -1, 1) : answer(batch, 5))
  const feed = fetcher.open('t', 0, 0)
  while (Number.isNaN(feed.end)) await fetcher.news(never)
  expect(feed.take()?.count).toBe(5)
  fake.reply = () => answer(nothing, -1, 1)
  feed.seek(9)
  await sleep(100)
  expect(() => feed.take()).toThrow(expect.objectContaining({ code: 'LOG_GAP' }))
  const before = fake.asked.length
  await sleep(50)
  expect(fake.asked.length).toBe(before)
  fake.reply = () => answer(batch, 5)
  feed.seek(2)
  while (feed.waitingBytes === 0) await fetcher.news(never)
  const cursor = feed.take()!.cursor()
  expect([cursor.next(), cursor.offset]).toEqual([true, 2])
})

test('an empty answer behind another that was full, or of a throttled broker, says nothing of the end', async () => {
  const { fake, fetcher } = setUp([1, 1])
  // partition 0 has always more, so that 1 gets no bytes
  fake.reply = ({ partition }) => (partition === 0 ? answer(batch, 1e6) : answer(nothing, 20))
  const [busy, gap] = [fetcher.open('t', 0, 0), fetcher.open('t', 1, 5)]
  const began = performance.now()
  while (performance.now() - began < 1_300) {
    await sleep(5)
    busy.seek(0)
    if (performance.now() - began < 900) expect(gap.position).toBe(5)
  }
  expect(gap.position).toBe(20) // it was first in every second request, whose answers count
  fake.throttleMs = 5
  const other = fetcher.open('t', 1, 7)
  await sleep(1_300)
  expect(other.position).toBe(7)
})

test('feeds of one partition take turns; closed ones are not asked for; closing ends the waiting', async () => {
  const { fake, fetcher } = setUp([1])
  fake.reply = ({ offset }) => answer(offset < 5 ? batch : nothing, 5)
  const [one, two] = [fetcher.open('t', 0, 0), fetcher.open('t', 0, 3)]
  while (one.waitingBytes === 0 || two.waitingBytes === 0) await fetcher.news(never)
  expect(fake.asked.every(({ parts }) => parts.length === 1)).toBe(true)
  one.close()
  two.close()
  await sleep(30)
  const before = fake.asked.length
  await sleep(30)
  expect(fake.asked.length).toBe(before)
  const waiting = [sleep(5).then(() => fetcher.close()), fetcher.news(AbortSignal.timeout(5_000))]
  const began = performance.now()
  await Promise.all(waiting)
  expect(performance.now() - began).toBeLessThan(2_000)
})

test('a broker that throttles answers with nothing: no trouble, and reading goes on', async () => {
  const { fake, fetcher } = setUp([1])
  fake.reply = ({ offset }) => answer(offset === 0 ? batch : nothing, 5)
  fake.isEmptyWhenThrottled = true
  fake.throttleMs = 10
  const feed = fetcher.open('t', 0, 0)
  await sleep(30)
  expect([feed.trouble, feed.take()]).toEqual([null, null])
  fake.throttleMs = 0
  await fetcher.news(never)
  expect(feed.take()?.count).toBe(5)
})
