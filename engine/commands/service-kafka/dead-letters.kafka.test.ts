import { setTimeout as sleep } from 'node:timers/promises'
import type { IHeaders } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { RecordDecoder } from '../../edge/registry/record-decoder.ts'
import { EventEncoder, OutputEncoder } from '../../edge/registry/record-encoder.ts'
import type { Schemas } from '../../edge/registry/schemas.ts'
import { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import { KafkaService } from '../service/kafka-service.ts'
import { taskFolders } from '../service-kafka.ts'
import { RULES } from './deals.ts'
import { configFor, Inspector, plainKafka, quiet } from './harness.ts'

const broker = await testBroker()
const NOW_MS = Date.now()

describe.skipIf('skip' in broker)('records that are none', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('each goes to the dead-letter topic as it was; the next one is processed; a registry that is away loses nothing', async () => {
    const config = configFor(brokers, uniqueName('dlq'))
    const [stream] = config.streams
    const kafka = plainKafka(brokers)
    const inspector = new Inspector(config, RULES)
    const producer = kafka.producer(ONCE)
    await Promise.all([inspector.connect(), producer.connect()])
    ends.push(
      () => inspector.close(),
      () => producer.disconnect(),
    )
    await inspector.admin.createTopics({
      topics: [
        { topic: stream.topic, numPartitions: 1, configEntries: [{ name: 'max.message.bytes', value: '4000000' }] },
      ],
      waitForLeaders: true,
    })

    /** Id 1 is the stream's own schema, 7 too, but the registry is away when it is asked for; others are unknown. */
    let refusals = 3
    const schemas: Schemas = {
      async byId(id) {
        if (id === 7 && refusals-- > 0) throw new EngineError('REGISTRY_UNREACHABLE', 'the registry is away')
        return id === 1 || id === 7 ? stream.avro : null
      },
      register: async () => 1,
    }
    const event = (id: string, schemaId = 1, change: object = {}) =>
      new EventEncoder(stream, schemaId).encodeEvent({
        event_id: id,
        type: 'order.created',
        event_time: NOW_MS,
        order_id: id,
        buyer_id: 'B1',
        shop_id: 'S1',
        quantity: 1,
        ...change,
      })
    const bad: [string, Buffer | null][] = [
      ['BAD_MAGIC', Buffer.from('{"json":true}')],
      ['BAD_MAGIC', Buffer.alloc(0)],
      ['UNKNOWN_SCHEMA', event('x', 99)],
      ['MALFORMED', event('x').subarray(0, 30)],
      ['MALFORMED', Buffer.concat([event('x'), Buffer.from([1])])],
      ['MALFORMED', null],
      ['NO_TIME', event('x', 1, { event_time: 9e15 })],
      ['FUTURE_TIME', event('x', 1, { event_time: NOW_MS + 3_600_000 })],
      ['UNKNOWN_TYPE', event('x', 1, { type: 'login' })],
      ['OVERSIZED', Buffer.concat([event('x'), Buffer.alloc(1 << 20)])],
    ]
    const messages = bad.flatMap(([reason, value], n) => [
      { key: `bad ${n}`, value, partition: 0, headers: { wanted: reason } },
      { key: `good ${n}`, value: event(`good${n}`), partition: 0 },
    ])
    messages.push({ key: 'good', value: event('late schema', 7), partition: 0 })
    for (const message of messages) await producer.send({ topic: stream.topic, messages: [message] })

    const counters = new Counters()
    const service = new KafkaService({
      connection: config.log,
      time: config.time,
      streams: config.streams,
      outputs: config.outputs,
      keepOf: taskFolders(config, counters, quiet),
      ruleFiles: RULES,
      decoderOf: (one) => new RecordDecoder(one, schemas),
      encoder: async () => new OutputEncoder(),
      counters,
      log: quiet,
      sessionTimeoutMs: 2_000,
    })
    ends.push(() => service.stop())
    service.start()
    await inspector.drained(30_000)

    const dead = await readAll(config.outputs.dlq, bad.length)
    expect(dead.map(({ reason }) => reason)).toEqual(bad.map(([reason]) => reason))
    expect(dead.map(({ value }) => value)).toEqual(bad.map(([, value]) => value))
    expect(dead.map(({ key }) => key)).toEqual(bad.map((_, n) => `bad ${n}`))
    expect(dead[2].headers).toMatchObject({
      wanted: 'UNKNOWN_SCHEMA',
      '__connect.errors.topic': stream.topic,
      '__connect.errors.partition': '0',
      '__connect.errors.offset': '4',
      '__connect.errors.stage': 'VALUE_CONVERTER',
      '__connect.errors.exception.message': 'schema id 99',
    })
    const counted = Object.fromEntries(
      [...counters.all()].filter((c) => c.name === 'dead_letters_total').map((c) => [c.labels.reason, c.value]),
    )
    expect(counted).toEqual({
      BAD_MAGIC: 2,
      UNKNOWN_SCHEMA: 1,
      MALFORMED: 3,
      NO_TIME: 1,
      FUTURE_TIME: 1,
      UNKNOWN_TYPE: 1,
      OVERSIZED: 1,
    })
    expect(refusals).toBeLessThan(0)
    await service.stop()
    const { events } = await inspector.reference()
    expect(events.get('by-shop_id')?.length).toBe(bad.length + 1)

    /** Records of a topic with one partition, headers as text. */
    async function readAll(topic: string, count: number) {
      const consumer = kafka.consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 50 })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      const found: { key: string; value: Buffer | null; reason: string; headers: IHeaders }[] = []
      await consumer.run({
        eachMessage: async ({ message }) => {
          const headers = Object.fromEntries(Object.entries(message.headers ?? {}).map(([k, v]) => [k, String(v)]))
          found.push({ key: String(message.key), value: message.value, reason: headers['lapwing.reason'], headers })
        },
      })
      for (let tries = 0; found.length < count && tries < 200; tries++) await sleep(50)
      await consumer.disconnect()
      return found
    }
  }, 60_000)
})
