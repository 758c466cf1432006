import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type KafkaCluster, startKafka } from '../../../scripts/kafka/cluster.ts'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { Counters } from '../../model/counters.ts'
import type { Logger } from '../../model/telemetry.ts'
import { exchangeTopic } from '../../plan/exchange.ts'
import { kafkaService } from '../service-kafka.ts'
import { addSkip } from '../skip.ts'
import { runVerb } from '../testing.ts'
import { deal, RULES, sendDeals } from './deals.ts'
import { configFor, Inspector, plainKafka } from './harness.ts'

const broker = await testBroker()

/** The newest segment of a partition, below `folder`. */
function segmentOf(folder: string, partition: string): string {
  const files = readdirSync(folder, { recursive: true }).map(String)
  const segments = files.filter((file) => file.includes(`${partition}/`) && file.endsWith('.log'))
  return join(folder, segments.sort().at(-1)!)
}

/** Damages the batch that holds `offset`, near its end. */
function damage(file: string, offset: number): void {
  const bytes = readFileSync(file)
  for (let at = 0; at < bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    const last = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23)
    if (last >= offset) {
      const handle = openSync(file, 'r+')
      writeSync(handle, Buffer.from([bytes[end - 3] ^ 0x55]), 0, 1, end - 3)
      closeSync(handle)
      return
    }
    at = end
  }
}

describe.skipIf('skip' in broker)('what cannot be read', () => {
  let cluster: KafkaCluster
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-skip-'))
  beforeAll(async () => {
    cluster = await startKafka()
  }, 90_000)
  afterAll(async () => {
    await cluster.stop()
    rmSync(folder, { recursive: true })
  })

  test('stops its partition alone, says a way out, and is passed over when it is asked for, in every log', async () => {
    const { brokers } = cluster
    const config = configFor(brokers, uniqueName('skip'))
    const [stream] = config.streams
    const inspector = new Inspector(config, RULES)
    const producer = plainKafka(brokers).producer(ONCE)
    await createTopics([...brokers], { [stream.topic]: 2 })
    await Promise.all([inspector.connect(), producer.connect()])
    const file = join(folder, 'lapwing.yaml')
    const log = `log: { kind: kafka, brokers: ['${brokers.join("', '")}'], group: ${config.log.group} }`
    const streams = `streams: { transactions: { topic: ${stream.topic} }, behavior: null }`
    writeFileSync(file, `${log}\n${streams}\noutputs: ${JSON.stringify(config.outputs)}\n`)
    const lines: object[] = []
    const say = (fields: object) => void lines.push(fields)
    const counters = new Counters()
    const start = () => {
      const service = kafkaService(config, {
        ruleFiles: RULES,
        counters,
        log: { debug() {}, info() {}, warn: say, error: say } as Logger,
      })
      service.start()
      return service
    }
    const wayOut = async (topic: string) => {
      const found = () =>
        lines.findLast((l) => 'wayOut' in l && 'topic' in l && l.topic === topic) as { wayOut: string }
      await expect.poll(found, { timeout: 20_000 }).toBeDefined()
      return found().wayOut.replace('lapwing skip ', '')
    }
    const skip = (place: string) => runVerb(addSkip, 'skip', place, '-c', file)
    const startMs = Date.now() - 30_000
    const send = (from: number, partition: number) =>
      sendDeals(
        producer,
        stream,
        Array.from({ length: 50 }, (_, n) => ({ ...deal(from + n, startMs + (from + n) * 20, 1), partition })),
      )
    const events = async () => (await inspector.reference()).events.get('by-buyer_id')?.length

    for (const from of [0, 50, 100]) await send(from, 0)
    await send(150, 1)
    damage(segmentOf(cluster.dir, `${stream.topic}-0`), 60)
    let service = start()
    const source = await wayOut(stream.topic)
    expect(source).toBe(`${stream.topic}/0@50`)
    await expect.poll(events, { timeout: 20_000 }).toBe(100)
    expect(service.ready()).toMatchObject({ ok: false, detail: expect.stringContaining('checksum') })
    expect(await skip(`${stream.topic}/0@10`)).toMatchObject({ code: 2, err: expect.stringContaining('can be read') })
    expect(await skip(source)).toMatchObject({ code: 0, out: expect.stringContaining('offsets 50 to 99') })
    await expect.poll(events, { timeout: 20_000 }).toBe(150)
    expect(counters.total('records_skipped_total')).toBe(50)
    expect((await inspector.records(config.outputs.dlq)).flat()).toHaveLength(1)
    await inspector.drained(20_000)
    await expect.poll(() => service.ready().ok).toBe(true)

    // an exchange: a record that is none, then damage in its past
    const exchange = exchangeTopic(config.log.group, 'all')
    await producer.send({ topic: exchange, messages: [{ value: 'nonsense', partition: 0 }] })
    const record = await wayOut(exchange)
    await send(200, 1)
    await expect.poll(events, { timeout: 20_000 }).toBe(200)
    expect(service.ready().detail).toContain(`${exchange}/0`)
    expect(await skip(record)).toMatchObject({ code: 0 })
    const offset = Number(record.split('@')[1])
    await expect
      .poll(async () => (await inspector.positions('all')).get(0), { timeout: 20_000 })
      .toBeGreaterThan(offset + 1)
    await service.stop()
    rmSync(config.data, { recursive: true })
    damage(segmentOf(cluster.dir, `${exchange}-0`), (await inspector.positions('all')).get(0)! - 2)
    lines.length = 0
    service = start()
    const past = await wayOut(exchange)
    expect(await skip(past)).toMatchObject({ code: 0 })
    await expect.poll(() => service.ready().ok, { timeout: 20_000 }).toBe(true)
    await service.stop()
    await Promise.all([producer.disconnect(), inspector.close()])
  }, 180_000)
})
