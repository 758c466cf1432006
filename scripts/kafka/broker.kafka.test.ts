import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testBroker, uniqueName } from './test-broker.ts'
import { createTopics } from './topics.ts'

const broker = await testBroker()

describe.skipIf('skip' in broker)('a real broker', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const kafka = new Kafka({ clientId: 'broker-test', brokers, logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  const producers: Producer[] = []

  const transactional = async (transactionalId: string): Promise<Producer> => {
    const options = { transactionalId, maxInFlightRequests: 1, idempotent: true, transactionTimeout: 10_000 }
    const producer = kafka.producer(options)
    producers.push(producer)
    await producer.connect()
    return producer
  }

  /** A coordinator that is still loading (14), unavailable (15) or elsewhere (16) is asked again: kafkajs does not. */
  const committed = async (groupId: string, topic: string, triesLeft = 50): Promise<string> => {
    try {
      const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return partitions[0].offset
    } catch (error) {
      if (triesLeft === 0 || ![14, 15, 16].includes((error as { code?: number }).code ?? 0)) throw error
      await sleep(100)
      return committed(groupId, topic, triesLeft - 1)
    }
  }

  /** Reads partition 0 with read_committed until the value `last` comes, or for 10 s; all values in order. */
  const readUntil = async (topic: string, last: string): Promise<string[]> => {
    const values: string[] = []
    const consumer = kafka.consumer({ groupId: uniqueName('reader'), readUncommitted: false, maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) })
    const deadline = performance.now() + 10_000
    while (values.at(-1) !== last && performance.now() < deadline) await sleep(20)
    await consumer.disconnect()
    return values
  }

  beforeAll(() => admin.connect())
  afterAll(async () => {
    await Promise.all(producers.map((producer) => producer.disconnect()))
    await admin.disconnect()
  })

  it('shows committed records only, fences by transactional id, and keeps the offsets of the transaction', async () => {
    const topic = uniqueName('output')
    const input = uniqueName('input')
    const groupId = uniqueName('group')
    const id = uniqueName('transactional')
    await createTopics(brokers, { [topic]: 1, [input]: 1 })
    const position = (offset: string) => ({
      consumerGroupId: groupId,
      topics: [{ topic: input, partitions: [{ partition: 0, offset }] }],
    })

    const old = await transactional(id)
    expect(await committed(groupId, input)).toBe('-1')

    const first = await old.transaction()
    await first.send({ topic, messages: [{ value: 'committed' }] })
    await first.sendOffsets(position('7'))
    await first.commit()

    const second = await old.transaction()
    await second.send({ topic, messages: [{ value: 'aborted' }] })
    await second.sendOffsets(position('8'))
    await second.abort()

    const pending = await old.transaction()
    await pending.send({ topic, messages: [{ value: 'pending when fenced' }] })
    await pending.sendOffsets(position('9'))

    const owner = await transactional(id)
    await (await owner.transaction()).abort() // InitProducerId runs here, and settles what is pending
    await expect.poll(() => committed(groupId, input), { timeout: 5_000 }).toBe('7')
    await expect(pending.commit()).rejects.toMatchObject({ code: 47 })

    const next = await owner.transaction()
    await next.send({ topic, messages: [{ value: 'by the new owner' }] })
    await next.sendOffsets(position('10'))
    await next.commit()
    // the broker writes the markers of a transaction after it has answered its end
    await expect.poll(() => committed(groupId, input), { timeout: 5_000 }).toBe('10')
    expect(await readUntil(topic, 'by the new owner')).toEqual(['committed', 'by the new owner'])
  })
})
