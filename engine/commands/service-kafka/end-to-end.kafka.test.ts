import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { RulesTopic } from '../../edge/kafka/rules-topic.ts'
import type { RuleSource } from '../../model/block.ts'
import { decodeEntry } from '../../model/block-codec.ts'
import { Counters } from '../../model/counters.ts'
import { textHash } from '../../model/rule-text.ts'
import { kafkaService } from '../service-kafka.ts'
import { deal, RULES, sendDeals } from './deals.ts'
import { configFor, differences, Inspector, plainKafka, quiet } from './harness.ts'

const broker = await testBroker()

/** Another body of the rule that only the buyers' partitions carry, under the next version. */
const RAISED = RULES.map(({ path, text }) => ({
  path,
  text: text
    .replace('rule: busy_buyer\nversion: 1', 'rule: busy_buyer\nversion: 2')
    .replace('shops >= 5', 'shops >= 4'),
}))

describe.skipIf('skip' in broker)('the service on a real broker', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('alerts are what the log gives, each once; every event stands in both exchanges', async () => {
    const config = configFor(brokers, uniqueName('e2e'))
    const [stream] = config.streams
    await createTopics([...brokers], { [stream.topic]: 4 })
    const producer = plainKafka(brokers).producer(ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    const inspector = new Inspector(config, RULES)
    await inspector.connect()
    ends.push(() => inspector.close())

    const startMs = Date.now() - 60_000
    const deals = Array.from({ length: 6_000 }, (_, n) => deal(n, startMs + n * 10, 4))
    await sendDeals(producer, stream, deals.slice(0, 3_000))
    const counters = new Counters()
    const service = kafkaService(config, { ruleFiles: RULES, counters, log: quiet, sessionTimeoutMs: 2_000 })
    ends.push(() => service.stop())
    service.start()
    for (let n = 3_000; n < 6_000; n += 100) {
      await sendDeals(producer, stream, deals.slice(n, n + 100))
      await sleep(20)
    }
    await inspector.drained(30_000)
    expect(service.ready()).toMatchObject({ ok: true, detail: 'consuming' })
    await sleep(2_000)
    await service.stop()

    const { outputs, events } = await inspector.reference()
    const found = await inspector.outputs()
    expect(found.filter(({ kind }) => kind === 'alert').length).toBeGreaterThan(50)
    expect(found.filter(({ kind }) => kind === 'ranking').length).toBeGreaterThan(50)
    expect(differences(found, outputs)).toEqual([])
    expect(inspector.exchanges.map((exchange) => exchange.id)).toEqual(['all', 'by-buyer_id', 'by-shop_id'])
    expect(events.get('by-buyer_id')?.length).toBe(6_000)
    expect(events.get('by-shop_id')?.length).toBe(deals.filter((d) => d.type === 'order.created').length)
  }, 90_000)

  test('the rule set stands in the log once, ahead of the events, and again when it changed', async () => {
    const config = configFor(brokers, uniqueName('rules'))
    const [stream] = config.streams
    await createTopics([...brokers], { [stream.topic]: 1 })
    const producer = plainKafka(brokers).producer(ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    const inspector = new Inspector(config, RULES)
    await inspector.connect()
    ends.push(() => inspector.close())
    const live = async (files: readonly RuleSource[], from: number) => {
      const options = { ruleFiles: files, counters: new Counters(), log: quiet, sessionTimeoutMs: 2_000 }
      const service = kafkaService(config, { ...options, exchangePartitions: 2 })
      ends.push(() => service.stop())
      service.start()
      await sendDeals(
        producer,
        stream,
        Array.from({ length: 20 }, (_, n) => deal(from + n, Date.now(), 1)),
      )
      await inspector.drained(20_000)
      await service.stop()
    }
    const kinds = async (exchange: string) =>
      (await inspector.records(`${config.log.group}.exchange.${exchange}`)).map((partition) =>
        partition.map(({ value }) => decodeEntry(value!, config.streams).kind).filter((kind) => kind !== 'mark'),
      )
    const rules = (list: string[][]) => list.map((entries) => entries.filter((kind) => kind === 'rules').length)
    await live(RULES, 0)
    expect((await kinds('by-shop_id')).map(([first]) => first)).toEqual(['rules', 'rules'])
    await live(RULES, 20)
    expect(rules(await kinds('by-shop_id'))).toEqual([1, 1])
    await live(RAISED, 40)
    expect(rules(await kinds('by-shop_id'))).toEqual([1, 1])
    expect(rules(await kinds('by-buyer_id'))).toEqual([2, 2])
  }, 90_000)

  test('a rule set in the control topic is taken by the running service; one without a raised version is refused', async () => {
    const config = configFor(brokers, uniqueName('push'))
    const [stream] = config.streams
    await createTopics([...brokers], { [stream.topic]: 1 })
    const producer = plainKafka(brokers).producer(ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    const counters = new Counters()
    const options = { counters, log: quiet, sessionTimeoutMs: 2_000, exchangePartitions: 2 }
    const service = kafkaService(config, { ...options, ruleFiles: RULES })
    ends.push(() => service.stop())
    service.start()
    const topic = new RulesTopic(config.log, quiet)
    await topic.connect()
    ends.push(() => topic.close())
    const send = (from: number) =>
      sendDeals(
        producer,
        stream,
        Array.from({ length: 20 }, (_, n) => deal(from + n, Date.now(), 1)),
      )
    const answered = (hash: string) =>
      expect.poll(async () => (await topic.state()).answer, { timeout: 30_000 }).toMatchObject({ hash })
    await send(0)
    await answered(textHash(RULES))
    await topic.put({ files: RAISED, configured: textHash(RULES), atMs: Date.now() })
    await answered(textHash(RAISED))
    expect(service.rules.set.rules.map((r) => `${r.id}@${r.version}`)).toContain('busy_buyer@2')
    await send(20)
    const inspector = new Inspector(config, RAISED)
    await inspector.connect()
    ends.push(() => inspector.close())
    await inspector.drained(20_000)
    const entries = (await inspector.records(`${config.log.group}.exchange.by-buyer_id`)).map((partition) =>
      partition.map(({ value }) => decodeEntry(value!, config.streams).kind).filter((kind) => kind !== 'mark'),
    )
    for (const kinds of entries) expect(kinds.filter((kind) => kind === 'rules')).toHaveLength(2)

    const bad = RAISED.map(({ path, text }) => ({ path, text: text.replace('shops >= 4', 'shops >= 3') }))
    await topic.put({ files: bad, configured: textHash(RULES), atMs: Date.now() })
    await answered(textHash(bad))
    expect((await topic.state()).answer?.refused).toContain('the version must be raised')
    expect(service.ready()).toMatchObject({ ok: true, detail: expect.stringContaining('must be raised') })
  }, 90_000)
})
