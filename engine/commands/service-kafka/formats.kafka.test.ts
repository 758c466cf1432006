import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { Counters } from '../../model/counters.ts'
import type { AlertRecord } from '../../model/output.ts'
import type { Captured } from '../../model/stream.ts'
import { kafkaService } from '../service-kafka.ts'
import { configFor, Inspector, type KafkaRunConfig, plainKafka, quiet } from './harness.ts'

const broker = await testBroker()
const NOW_MS = Date.now()
const RULES = [
  {
    path: 'r.yaml',
    text: `rule: fast_buyer
version: 1
title: three orders
on: order.created
by: [buyer_id]
window: 10m
measure: { n: { count: events }, total: { sum: amount } }
when: n >= 3
severity: low
alert: { explain: "{key.buyer_id}: {n} orders, {total}", evidence: { events: 5, fields: [order_id] } }
`,
  },
]
const captured: Captured = {
  table: 'shop.orders',
  insert: { type: 'order.created' },
  update: 'ignored',
  delete: 'ignored',
  snapshot: true,
  decimals: {},
}

describe.skipIf('skip' in broker)('a topic of canal', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('rows of one message reach the tasks one by one; offsets are whole in alerts and where the group stands', async () => {
    const base = configFor(brokers, uniqueName('canal'))
    const stream = { ...base.streams[0], format: 'canal' as const, captured }
    const config: KafkaRunConfig = { ...base, streams: [stream] }
    const inspector = new Inspector(config, RULES)
    const producer = plainKafka(brokers).producer(ONCE)
    await Promise.all([inspector.connect(), producer.connect()])
    ends.push(
      () => inspector.close(),
      () => producer.disconnect(),
    )
    await inspector.admin.createTopics({ topics: [{ topic: stream.topic, numPartitions: 1 }], waitForLeaders: true })
    const message = (type: string, orders: readonly string[] | null, more: object = {}) => ({
      value: JSON.stringify({
        data: orders?.map((order_id) => ({ order_id, buyer_id: `B${order_id[0]}`, amount: '10.50' })) ?? null,
        database: 'shop',
        table: 'orders',
        type,
        es: NOW_MS,
        ts: NOW_MS + 40,
        isDdl: false,
        old: null,
        ...more,
      }),
    })
    const messages = [
      message('INSERT', ['1a', '2a', '1b']),
      message('ALTER', null, { isDdl: true }),
      message('UPDATE', ['1a']),
      message('INSERT', ['2b', '1c']),
      { value: null },
      { value: '{"data"' },
    ]
    await producer.send({ topic: stream.topic, messages })

    const counters = new Counters()
    const start = () => {
      const service = kafkaService(config, { ruleFiles: RULES, counters, log: quiet, sessionTimeoutMs: 2_000 })
      ends.push(() => service.stop())
      service.start()
      return service
    }
    const first = start()
    await inspector.drained(30_000)
    await first.stop()
    await producer.send({ topic: stream.topic, messages: [message('INSERT', ['2c'])] })
    start()
    await inspector.drained(30_000)

    const alerts = (await inspector.outputs()).filter((output): output is AlertRecord => output.kind === 'alert')
    const opened = alerts.filter(({ status }) => status === 'open').sort((a, b) => a.source.offset - b.source.offset)
    expect(opened.map(({ explain, source }) => [explain, source.offset])).toEqual([
      ['B1: 3 orders, 31.5', 3],
      ['B2: 3 orders, 31.5', 6],
    ])
    expect(opened[0].evidence!.events.map(({ event_id, order_id }) => [event_id, order_id])).toEqual([
      [`${stream.topic}/0/0`, '1a'],
      [`${stream.topic}/0/0#3`, '1b'],
      [`${stream.topic}/0/3#2`, '1c'],
    ])
    const counted = [...counters.all()].filter((c) => /cdc_passed|dead_letters_total/.test(c.name) && c.value > 0)
    expect(Object.fromEntries(counted.map((c) => [c.labels.change ?? c.labels.reason, c.value]))).toEqual({
      ddl: 1,
      update: 1,
      tombstone: 1,
      MALFORMED: 1,
    })
  }, 90_000)
})
