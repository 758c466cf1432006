import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { Counters } from '../../model/counters.ts'
import { exchangeTopic, stateTopic } from '../../plan/exchange.ts'
import { addDoctor } from '../doctor.ts'
import { kafkaService } from '../service-kafka.ts'
import { runVerb } from '../testing.ts'
import { deal, RULES, sendDeals } from './deals.ts'
import { configFor, Inspector, plainKafka, quiet } from './harness.ts'

const broker = await testBroker()

describe.skipIf('skip' in broker)('exchange.partitions', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-partitions-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('an exchange keeps its number; without its topics it gets the configured one', async () => {
    const base = configFor(brokers, uniqueName('partitions'))
    const { group } = base.log
    const [stream] = base.streams
    await createTopics([...brokers], { [stream.topic]: 1, [base.streams[1]!.topic]: 1 })
    const producer = plainKafka(brokers).producer(ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    const inspector = new Inspector(base, RULES)
    await inspector.connect()
    ends.push(() => inspector.close())
    const topics = inspector.exchanges.map(({ id }) => exchangeTopic(group, id))
    const keyed = topics.filter((topic) => !topic.endsWith('.all'))
    const counts = async () => {
      const { topics: found } = await inspector.admin.fetchTopicMetadata({ topics })
      return Object.fromEntries(found.map(({ name, partitions }) => [name, partitions.length]))
    }
    const expected = (n: number) => Object.fromEntries(topics.map((t) => [t, keyed.includes(t) ? n : 1]))
    /** One life of an engine, until it has read twenty events; its warnings about partitions. */
    const live = async (partitions: number, from: number) => {
      const said: object[] = []
      const warn = (fields: object, message: string) => {
        if (message.includes('exchange.partitions')) said.push(fields)
      }
      const options = { ruleFiles: RULES, counters: new Counters(), log: { ...quiet, warn }, sessionTimeoutMs: 2_000 }
      const service = kafkaService({ ...base, exchange: { partitions } }, options)
      ends.push(() => service.stop())
      void service.start()
      await expect.poll(() => service.ready().detail, { timeout: 30_000 }).toBe('consuming')
      const deals = Array.from({ length: 20 }, (_, n) => deal(from + n, Date.now(), 1))
      await sendDeals(producer, stream, deals)
      await inspector.drained(20_000)
      await service.stop()
      return said
    }
    const doctor = async (partitions: number) => {
      const file = join(folder, 'lapwing.yaml')
      for (const { path, text } of RULES) writeFileSync(join(folder, path.replaceAll('/', '-')), text)
      const config = {
        rules: RULES.map(({ path }) => path.replaceAll('/', '-')),
        log: { kind: 'kafka', brokers, group },
        streams: { transactions: { topic: stream.topic }, behavior: { topic: base.streams[1]!.topic } },
        outputs: base.outputs,
        exchange: { partitions },
      }
      writeFileSync(file, JSON.stringify(config))
      return (await runVerb(addDoctor, 'doctor', '-c', file)).out
    }

    expect(await live(2, 0)).toEqual([])
    expect(await counts()).toEqual(expected(2))
    expect(await live(3, 20)).toEqual(keyed.map((topic) => ({ topic, has: 2, configured: 3 })))
    expect(await counts()).toEqual(expected(2))
    expect(await doctor(2)).not.toContain('keeps them')
    for (const topic of keyed)
      expect(await doctor(3)).toContain(`${topic} has 2 partitions and keeps them, exchange.partitions is 3`)

    // what docs/kafka.md says to do
    const state = inspector.exchanges.map(({ id }) => stateTopic(group, id))
    await inspector.admin.deleteTopics({ topics: [...topics, ...state, `${group}.router`] })
    await expect.poll(async () => (await inspector.admin.listTopics()).includes(topics[0]!)).toBe(false)
    expect(await live(3, 40)).toEqual([])
    expect(await counts()).toEqual(expected(3))
    expect(await doctor(3)).not.toContain('keeps them')
  }, 120_000)
})
