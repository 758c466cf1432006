import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { Counters } from '../../model/counters.ts'
import { kafkaService } from '../service-kafka.ts'
import { deal, RULES, sendDeals } from './deals.ts'
import { configFor, differences, Inspector, plainKafka, quiet } from './harness.ts'

const broker = await testBroker()

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
    const producer = plainKafka(brokers).producer()
    await producer.connect()
    ends.push(() => producer.disconnect())
    const inspector = new Inspector(config, RULES)
    await inspector.connect()
    ends.push(() => inspector.close())

    const startMs = Date.now() - 60_000
    const deals = Array.from({ length: 6_000 }, (_, n) => deal(n, startMs + n * 10, 4))
    await sendDeals(producer, stream, deals.slice(0, 3_000))
    const counters = new Counters()
    const log = process.env.VERBOSE
      ? (Object.fromEntries(
          ['debug', 'info', 'warn', 'error'].map((l) => [
            l,
            (f: object, m: string) => l !== 'debug' && console.log(l, m, JSON.stringify(f)),
          ]),
        ) as never)
      : quiet
    const service = kafkaService(config, { ruleFiles: RULES, counters, log, sessionTimeoutMs: 2_000 })
    ends.push(() => service.stop())
    service.start()
    for (let n = 3_000; n < 6_000; n += 100) {
      await sendDeals(producer, stream, deals.slice(n, n + 100))
      await sleep(20)
    }
    await inspector.drained(30_000)
    expect(service.ready()).toEqual({ ok: true, detail: 'consuming' })
    await sleep(2_000)
    await service.stop()

    const { outputs, events, repeated } = await inspector.reference()
    const alerts = await inspector.alerts()
    expect(repeated).toBe(0)
    expect(alerts.length).toBeGreaterThan(50)
    expect(differences(alerts, outputs)).toEqual([])
    expect(inspector.exchanges.map((exchange) => exchange.id)).toEqual(['by-buyer_id', 'by-shop_id'])
    expect(events.get('by-buyer_id')?.length).toBe(6_000)
    expect(events.get('by-shop_id')?.length).toBe(deals.filter((d) => d.type === 'order.created').length)
    console.log([...counters.all()].map((c) => `${c.name}${JSON.stringify(c.labels)}=${c.value}`).join('\n'))
  }, 90_000)
})
