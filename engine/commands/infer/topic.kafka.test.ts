import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { loadConfig } from '../../config.ts'
import { addInfer } from '../infer.ts'
import { plainKafka } from '../service-kafka/harness.ts'
import { runVerb } from '../testing.ts'

const broker = await testBroker()
const folder = mkdtempSync(join(tmpdir(), 'lapwing-infer-topic-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.skipIf('skip' in broker)('lapwing infer --topic', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  async function inferred(...records: unknown[]) {
    const topic = uniqueName('infer')
    const kafka = plainKafka(brokers)
    const [admin, producer] = [kafka.admin(), kafka.producer(ONCE)]
    await Promise.all([admin.connect(), producer.connect()])
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
    const messages = records.map((record) => ({
      value: typeof record === 'string' ? record : JSON.stringify(record),
    }))
    await producer.send({ topic, messages })
    await Promise.all([admin.disconnect(), producer.disconnect()])
    const config = join(folder, topic, 'lapwing.yaml')
    const ended = await runVerb(addInfer, 'infer', '--topic', topic, '--brokers', brokers.join(','), '-o', config)
    return { ...ended, topic, config }
  }

  test('JSON records: the configuration reads the topic', async () => {
    const order = { 订单号: '0001', 金额: '¥1,234.50', 下单时间: 1_767_600_000_000, 状态: '已付款' }
    const { code, err, topic, config } = await inferred(order, { ...order, 订单号: '0002' }, 'no JSON')
    expect([code, err]).toEqual([0, expect.stringContaining('4 columns of 2 rows, the newest of each partition')])
    const { log, streams } = loadConfig({ path: config })
    expect(log).toMatchObject({ kind: 'kafka', brokers })
    expect(streams[0]).toMatchObject({
      topic,
      format: 'json',
      timeField: 'event_time',
      idField: 'order_id',
      types: ['order.paid'],
      mapping: { columns: { 订单号: 'order_id' }, numbers: { strip: '¥￥' } },
    })
    expect(readFileSync(config, 'utf8')).toContain(', beside 1 that are no JSON objects')
  })

  test('changes of a table, other bytes, no such topic', async () => {
    const change = { before: null, after: { id: 1 }, op: 'c', ts_ms: 1_767_600_000_000 }
    expect(await inferred(change)).toMatchObject({ code: 2, err: expect.stringContaining('"format: debezium"') })
    expect(await inferred('\0\0\0\0\u0001abc')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/JSON objects are wanted, and none of 1 records is one: not JSON/),
    })
    const args = ['--topic', 'no.such.topic', '--brokers', brokers.join(',')]
    expect((await runVerb(addInfer, 'infer', ...args)).err).toContain('no such topic')
  })
})
