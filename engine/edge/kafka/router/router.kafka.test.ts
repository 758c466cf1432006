import { lastValueFrom } from 'rxjs'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../../scripts/kafka/test-broker.ts'
import { blocksIn } from '../../../model/batch.ts'
import { decodeEntry } from '../../../model/block-codec.ts'
import { Counters } from '../../../model/counters.ts'
import { routing } from '../../../pipeline.ts'
import { exchangeTopic } from '../../../plan/exchange.ts'
import { planExchanges } from '../../../plan/plan.ts'
import { fileOf, ruleText, STREAMS, setOf } from '../../../plan/testing.ts'
import { createClient } from '../client.ts'
import { committedOffsets } from '../offsets.ts'
import { PartitionReader } from '../partition-reader.ts'
import type { Decoder } from '../ports.ts'
import { prepareTopics } from '../topics.ts'
import { Router } from './router.ts'

const broker = await testBroker()
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** Values are the order's id, behind anything; `bad` is none. The time is the offset. */
const decoder: Decoder = {
  prepare: () => null,
  decode(bytes, start, end, builder, offset) {
    const text = Buffer.from(bytes!.subarray(start, end)).toString()
    if (text === 'bad') return { reason: 'MALFORMED', detail: 'it says so' }
    builder.begin(offset, offset, 'order.created')
    builder.string(
      STREAMS[0].fields.findIndex(({ name }) => name === 'order_id'),
      text,
    )
    return null
  },
}

describe.skipIf('skip' in broker)('a router', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('brings every record to its exchange, in order, and another goes on where it stopped; large ones in one partition too', async () => {
    const group = uniqueName('routers')
    const stream = { ...STREAMS[0], topic: uniqueName('orders') }
    const ruleFiles = [fileOf(ruleText('a', '[buyer_id]'))]
    const planned = planExchanges(setOf(...ruleFiles), STREAMS)
    const connection = { brokers, group, ssl: false, sasl: null } as const
    const kafka = createClient(connection, quiet)
    const [admin, producer] = [kafka.admin(), kafka.producer(ONCE)]
    await Promise.all([admin.connect(), producer.connect()])
    ends.push(
      () => admin.disconnect(),
      () => producer.disconnect(),
    )
    await admin.createTopics({ topics: [{ topic: stream.topic, numPartitions: 1 }] })
    const outputs = { alerts: `${group}.a`, shadow: `${group}.s`, rankings: `${group}.r`, dlq: `${group}.dlq` }
    const wanted = { group, exchanges: planned, partitions: 2, sources: [stream.topic], outputs }
    const counts = await prepareTopics(admin, { ...wanted, createOutputs: true, known: new Set() }, quiet)
    await committedOffsets(admin, `${group}-router`, stream.topic) // waits until the group's coordinator is loaded
    const [{ id }] = planned
    const topic = exchangeTopic(group, id)

    const run = async (work: () => Promise<void>) => {
      const stop = new AbortController()
      const counters = new Counters()
      const router = new Router({
        ...{ kafka: createClient(connection, quiet), group, streams: [stream], ruleFiles, counters, log: quiet },
        exchanges: planned.map((exchange) => ({ exchange, partitions: 2 })),
        ...{ sourcePartitions: counts, dlqTopic: outputs.dlq, decoderOf: () => decoder, clock: Date.now },
        ...{
          skew: { maxSkewMs: 5_000, maxWaitMs: 1_000 },
          markIntervalMs: 100,
          idleGraceMs: 0,
          sessionTimeoutMs: 10_000,
        },
      })
      const done = lastValueFrom(routing(router, stop.signal), { defaultValue: null })
      done.catch(() => {})
      try {
        await Promise.race([done, router.open().then(work)])
        stop.abort()
        await done
      } finally {
        stop.abort()
        await router.close()
      }
    }
    const reader = new PartitionReader(kafka)
    ends.push(() => reader.close())
    const routed = async () => {
      const [{ high }] = (await admin.fetchTopicOffsets(topic)).filter(({ partition }) => partition === 0)
      const found: number[] = []
      for await (const records of reader.read(topic, 0, 0, Number(high)))
        for (const { value } of records)
          for (const { offsets } of blocksIn(decodeEntry(value!, [stream]))) found.push(...offsets)
      return found
    }
    const upTo = (end: number) => Array.from({ length: end }, (_, i) => i)
    const send = (values: string[]) =>
      producer.send({ topic: stream.topic, messages: values.map((value) => ({ value })) })

    await run(async () => {
      await send(['1', '2', '3'])
      await expect.poll(routed, { timeout: 20_000 }).toEqual(upTo(3))
    })
    const large = 'x'.repeat(90_000)
    for (let i = 0; i < 20; i++) await send(Array.from({ length: 10 }, (_, k) => `${large}${i}.${k}`))
    await send(['bad', 'last'])
    await run(async () => {
      await expect.poll(async () => (await routed()).length, { timeout: 30_000 }).toBe(204)
    })
    expect(await routed()).toEqual(upTo(205).filter((offset) => offset !== 203))
    const [{ high }] = await admin.fetchTopicOffsets(outputs.dlq)
    expect(high).toBe('1')
    const [{ partitions }] = await admin.fetchOffsets({ groupId: `${group}-router`, topics: [stream.topic] })
    expect(partitions.map(({ offset }) => offset)).toEqual(['205'])
  })
})
