import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { createClient } from './client.ts'
import { SourceReader, type Stretch } from './source-reader.ts'

const broker = await testBroker()
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

describe.skipIf('skip' in broker)('what a topic holds from a time on', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('begins at the first record of that time; records deleted meanwhile are an error that says so', async () => {
    const topic = uniqueName('stretch')
    await createTopics([...brokers], { [topic]: 3 })
    const connection = { brokers, group: 'reader', ssl: false, sasl: null } as const
    const kafka = createClient(connection, quiet)
    const [producer, admin] = [kafka.producer(ONCE), kafka.admin()]
    await producer.connect()
    await admin.connect()
    const startMs = Date.now() - 60_000
    const record = (n: number, partition: number) => ({
      partition,
      value: `${partition}-${n}`,
      timestamp: String(startMs + n),
    })
    // out of order in partition 1; nothing in partition 2
    const messages = [0, 10, 20, 30].map((n) => record(n, 0)).concat([0, 25, 5, 40].map((n) => record(n, 1)))
    await producer.send({ topic, messages, acks: -1 })
    const reader = await SourceReader.open(connection, quiet, [topic])
    ends.push(
      () => producer.disconnect(),
      () => admin.disconnect(),
      () => reader.close(),
    )
    const read = async (stretch: Stretch) => {
      const values: string[] = []
      for await (const piece of reader.read(stretch)) values.push(...piece.map(({ value }) => String(value)))
      return values
    }
    const stretches = await reader.stretches(topic, startMs + 19.5)
    expect(stretches.map(({ partition }) => partition)).toEqual([0, 1])
    expect(await read(stretches[0]!)).toEqual(['0-20', '0-30'])
    expect(await read(stretches[1]!)).toEqual(['1-25', '1-5', '1-40'])
    expect((await reader.stretches(topic, -1)).map(({ from }) => from)).toEqual([0, 0])
    expect(await reader.stretches(topic, startMs + 1_000)).toEqual([])

    await admin.fetchTopicOffsets(topic) // kafkajs deletes only where it knows the topic
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    await expect(read(stretches[0]!)).rejects.toMatchObject({
      code: 'LOG_GAP',
      message: `${topic}/0: its oldest records were deleted while it was read; try again`,
    })
  })
})
