import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { Counters } from '../../model/counters.ts'
import type { Logger } from '../../model/telemetry.ts'
import { kafkaService } from '../service-kafka.ts'
import { deal, RULES, sendDeals } from './deals.ts'
import { configFor, differences, Inspector, plainKafka } from './harness.ts'

const broker = await testBroker()

describe.skipIf('skip' in broker)('source topics that change under the engine', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function setUp(name: string) {
    const config = configFor(brokers, uniqueName(name))
    const [stream] = config.streams
    const producer = () => plainKafka(brokers).producer(ONCE)
    const inspector = new Inspector(config, RULES)
    await inspector.connect()
    ends.push(() => inspector.close())
    const counters = new Counters()
    const lines: string[] = []
    const say = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
    const log: Logger = { debug() {}, info() {}, warn: say, error: say }
    const start = () => {
      const service = kafkaService(config, { ruleFiles: RULES, counters, log, sessionTimeoutMs: 3_000 })
      ends.push(() => service.stop())
      service.start()
      return service
    }
    /** By a producer that knows the topic as it is now. */
    const send = async (deals: Parameters<typeof sendDeals>[2]) => {
      const one = producer()
      await one.connect()
      await sendDeals(one, stream, deals)
      await one.disconnect()
    }
    const routed = async (count: number) => {
      await expect
        .poll(async () => (await inspector.reference()).events.get('by-buyer_id')?.length, {
          timeout: 20_000,
          interval: 300,
        })
        .toBe(count)
      await inspector.drained(10_000)
    }
    return { config, stream, inspector, counters, lines, start, send, routed }
  }

  test.each([
    ['as many', 2],
    ['fewer', 1],
    ['more', 3],
  ])(
    'deleted and made again with %s partitions: read from its beginning, nothing is lost',
    async (_, partitions) => {
      const { stream, inspector, counters, lines, start, send, routed } = await setUp('again')
      await createTopics([...brokers], { [stream.topic]: 2 })
      const startMs = Date.now() - 60_000
      const deals = Array.from({ length: 900 }, (_, n) => deal(n, startMs + n * 50, 2))
      const service = start()
      await send(deals.slice(0, 500))
      await routed(500)
      await inspector.admin.deleteTopics({ topics: [stream.topic] })
      await sleep(300)
      await createTopics([...brokers], { [stream.topic]: partitions })
      await send(deals.slice(500).map((one) => ({ ...one, partition: one.partition % partitions })))
      await routed(900)
      await service.stop()
      const { outputs } = await inspector.reference()
      expect(differences(await inspector.outputs(), outputs)).toEqual([])
      expect(counters.counter('topics_recreated_total', { topic: stream.topic }).value).toBe(1)
      expect(lines.filter((line) => line.startsWith('a topic was deleted and made again'))).toHaveLength(1)
    },
    60_000,
  )

  test('the same while the engine is away', async () => {
    const { stream, inspector, counters, start, send, routed } = await setUp('away')
    await createTopics([...brokers], { [stream.topic]: 2 })
    const startMs = Date.now() - 60_000
    const deals = Array.from({ length: 600 }, (_, n) => deal(n, startMs + n * 50, 2))
    const first = start()
    await send(deals.slice(0, 300))
    await routed(300)
    await first.stop()
    await inspector.admin.deleteTopics({ topics: [stream.topic] })
    await sleep(300)
    await createTopics([...brokers], { [stream.topic]: 2 })
    await send(deals.slice(300))
    start()
    await routed(600)
    expect(counters.counter('topics_recreated_total', { topic: stream.topic }).value).toBe(1)
  }, 60_000)

  test('partitions that are added are read within seconds, from their beginning, in time', async () => {
    const { stream, inspector, counters, start, send, routed } = await setUp('added')
    await createTopics([...brokers], { [stream.topic]: 1 })
    const now = (n: number, partitions: number) => ({ ...deal(n, Date.now(), partitions) })
    start()
    await send(Array.from({ length: 50 }, (_, n) => now(n, 1)))
    await routed(50)
    await inspector.admin.createPartitions({ topicPartitions: [{ topic: stream.topic, count: 3 }] })
    await send(Array.from({ length: 90 }, (_, n) => now(50 + n, 3)))
    const sentMs = performance.now()
    await routed(140)
    expect(performance.now() - sentMs).toBeLessThan(12_000)
    expect(counters.counter('late_total').value).toBe(0)
  }, 60_000)
})
