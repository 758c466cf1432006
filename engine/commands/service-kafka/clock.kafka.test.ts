import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { Counters } from '../../model/counters.ts'
import { kafkaService } from '../service-kafka.ts'
import { deal, RULES, sendDeals } from './deals.ts'
import { configFor, Inspector, plainKafka, quiet } from './harness.ts'

const broker = await testBroker()
const HOUR_MS = 3_600_000

describe.skipIf('skip' in broker)("the machine's clock", () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test.each([
    ['jumps an hour ahead for a while', 0],
    ['is an hour ahead when the engine starts', HOUR_MS],
  ])(
    '%s: no event is late then or afterwards',
    async (_, atStartMs) => {
      const config = configFor(brokers, uniqueName('clock'))
      const [stream] = config.streams
      await createTopics([...brokers], { [stream.topic]: 1 })
      const producer = plainKafka(brokers).producer(ONCE)
      await producer.connect()
      ends.push(() => producer.disconnect())
      const inspector = new Inspector(config, RULES)
      await inspector.connect()
      ends.push(() => inspector.close())
      const counters = new Counters()
      let aheadMs = atStartMs
      const clock = () => Date.now() + aheadMs
      const service = kafkaService(config, { ruleFiles: RULES, counters, log: quiet, clock })
      ends.push(() => service.stop())
      service.start()
      let sent = 0
      const send = async () => {
        const deals = Array.from({ length: 20 }, (_, n) => deal(sent + n, Date.now(), 1))
        sent += 20
        await sendDeals(producer, stream, deals)
        await inspector.drained(20_000)
      }
      await send()
      aheadMs = HOUR_MS
      await sleep(3_000)
      await send()
      aheadMs = 0
      await send()
      expect(counters.counter('clock_ahead_total').value).toBeGreaterThan(0)
      expect(counters.counter('router_marks_total').value).toBeGreaterThan(0)
      expect(counters.counter('late_total').value).toBe(0)
      const [, task] = [...service.tasks()][0]
      expect(task.streamMs).toBeLessThan(Date.now() + 1_000)
    },
    60_000,
  )
})
