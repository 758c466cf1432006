import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { startKafka } from '../../../scripts/kafka/cluster.ts'
import { freePorts } from '../../../scripts/kafka/ports.ts'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { Counters } from '../../model/counters.ts'
import { kafkaService } from '../service-kafka.ts'
import { deal, RULES, sendDeals } from './deals.ts'
import { configFor, Inspector, plainKafka } from './harness.ts'

const broker = await testBroker()

describe.skipIf('skip' in broker)('a service that starts before its broker', () => {
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('says so every few seconds, is not ready, and goes on when the broker and then the topic come', async () => {
    const [port] = await freePorts(1)
    const config = configFor([`127.0.0.1:${port}`], 'early')
    const [stream] = config.streams
    const lines: string[] = []
    const note = (fields: object, message: string) => void lines.push(`${message}: ${JSON.stringify(fields)}`)
    const log = { debug() {}, info() {}, warn: note, error: note }
    const service = kafkaService(config, { ruleFiles: RULES, counters: new Counters(), log, sessionTimeoutMs: 2_000 })
    ends.push(() => service.stop())
    service.start()
    await sleep(7_000)
    expect(service.ready().ok).toBe(false)
    expect(service.ready().detail).toContain('ECONNREFUSED')
    expect(lines.length).toBeGreaterThanOrEqual(2)
    expect(lines.length).toBeLessThanOrEqual(5)
    expect(lines[0]).toContain('Kafka is not usable; trying again')

    const cluster = await startKafka({ port })
    ends.push(() => cluster.stop())
    await sleep(4_000)
    expect(service.ready()).toMatchObject({ ok: false, detail: `no such topic: ${stream.topic}` })

    await createTopics(cluster.brokers, { [stream.topic]: 2 })
    const producer = plainKafka(cluster.brokers).producer(ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    await sendDeals(
      producer,
      stream,
      Array.from({ length: 500 }, (_, n) => deal(n, Date.now(), 2)),
    )
    const inspector = new Inspector(config, RULES)
    await inspector.connect()
    ends.push(() => inspector.close())
    for (let tries = 0; !service.ready().ok && tries < 200; tries++) await sleep(50)
    expect(service.ready()).toMatchObject({ ok: true, detail: 'consuming' })
    await inspector.drained(20_000)

    const startMs = performance.now()
    await service.stop()
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect((await inspector.reference()).events.get('by-buyer_id')?.length).toBe(500)
  }, 90_000)

  test('stopped at any moment of its start, it leaves no member behind that holds partitions and reads nothing', async () => {
    const brokers = 'brokers' in broker ? [...broker.brokers] : []
    const config = configFor(brokers, uniqueName('hasty'))
    await createTopics(brokers, { [config.streams[0].topic]: 2 })
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    for (const afterMs of [5, 60, 120, 180, 240, 300, 400, 500, 700]) {
      const service = kafkaService(config, { ruleFiles: RULES, counters: new Counters(), log, sessionTimeoutMs: 6_000 })
      service.start()
      await sleep(afterMs)
      await service.stop()
    }
    await sleep(1_000)
    const admin = plainKafka(brokers).admin()
    await admin.connect()
    ends.push(() => admin.disconnect())
    const { groups } = await admin.describeGroups(['router', 'task'].map((of) => `${config.log.group}-${of}`))
    expect(groups.map(({ groupId, members }) => [groupId, members.length])).toEqual(
      groups.map(({ groupId }) => [groupId, 0]),
    )
  }, 60_000)

  test('stops within two seconds while its broker is away', async () => {
    const [port] = await freePorts(1)
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    const options = { ruleFiles: RULES, counters: new Counters(), log }
    const service = kafkaService(configFor([`127.0.0.1:${port}`], 'away'), options)
    service.start()
    await sleep(300)
    const startMs = performance.now()
    await service.stop()
    expect(performance.now() - startMs).toBeLessThan(2_000)
  })
})
