import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { freePorts } from '../../../scripts/kafka/ports.ts'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { EventEncoder } from '../../edge/registry/record-encoder.ts'
import { startLapwing } from '../testing.ts'
import { type Deal, deal, RULES } from './deals.ts'
import { configFor, plainKafka } from './harness.ts'

const broker = await testBroker()
const PARTITIONS = 3
const EVENT_EVERY_MS = 50
const STEPS = 4_000
/** Whole seconds, and not long ago: a broker deletes what is older than its retention. */
const START_MS = Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000
/** Of 200 s of events, the 100 s in the middle. */
const [FROM_MS, TO_MS] = [START_MS + 50_000, START_MS + 150_000]
const RANGE = ['--from', new Date(FROM_MS).toISOString(), '--to', String(TO_MS)]

/** Outputs without what says where an event was read: a file's lines stand elsewhere than the topic's records. */
function withoutPlaces(out: string): unknown[] {
  const places = ['alert_id', 'topic', 'partition', 'offset']
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line, (name, value) => (places.includes(name) ? undefined : value)))
}

describe.skipIf('skip' in broker)('a backtest of what the source topics hold', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  function folderFor(topic: string, group: string, port?: number): string {
    const folder = mkdtempSync(join(tmpdir(), 'lapwing-range-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, 'rules'))
    for (const { path, text } of RULES) writeFileSync(join(folder, 'rules', path), text)
    const log = { kind: 'kafka', brokers: port === undefined ? brokers : [`127.0.0.1:${port}`], group }
    writeFileSync(join(folder, 'lapwing.yaml'), JSON.stringify({ log, streams: { transactions: { topic } } }))
    return folder
  }

  test('gives the alerts that the same events give from a file, leaves no trace, and ends', async () => {
    const name = uniqueName('range')
    const [stream] = configFor(brokers, name).streams
    const topic = stream!.topic
    const deals = Array.from({ length: STEPS }, (_, n): Deal => {
      const timeMs = START_MS + n * EVENT_EVERY_MS
      return { ...deal(n, timeMs, PARTITIONS), event_time: timeMs }
    })
    await createTopics([...brokers], { [topic]: PARTITIONS })
    const kafka = plainKafka(brokers)
    const [producer, admin] = [kafka.producer(ONCE), kafka.admin()]
    await producer.connect()
    await admin.connect()
    ends.push(
      () => producer.disconnect(),
      () => admin.disconnect(),
    )
    const encoder = new EventEncoder(stream!)
    const stamped = (value: Buffer, partition: number, timeMs: number) => ({
      partition,
      value,
      timestamp: String(timeMs + 200),
    })
    const messages = deals.map(({ partition, ...row }) =>
      stamped(encoder.encodeEvent({ quantity: 1, ...row }), partition, row.event_time),
    )
    // three that are no events, of which one is older than anything that is read
    messages.splice(10, 0, stamped(Buffer.from('none'), 0, START_MS))
    messages.splice(2_000, 0, stamped(Buffer.from('none'), 0, FROM_MS + 50_000))
    messages.splice(2_001, 0, stamped(Buffer.from('{}'), 2, FROM_MS + 50_000))
    await producer.send({ topic, messages, acks: -1 })

    const folder = folderFor(topic, name)
    const rows = deals.map(({ partition: _, ...row }) => JSON.stringify({ quantity: 1, ...row }))
    writeFileSync(join(folder, 'deals.jsonl'), rows.join('\n'))
    const trace = async () => ({
      offsets: await admin.fetchTopicOffsets(topic),
      topics: (await admin.listTopics()).filter((one) => one.includes(name)),
      groups: (await admin.listGroups()).groups.filter(({ groupId }) => groupId.includes(name)),
    })
    const before = await trace()
    const lapwing = (...args: string[]) => startLapwing(folder, 'backtest', 'rules', ...RANGE, ...args).ended
    const fromFile = await lapwing('--input', 'deals.jsonl')
    const fromTopic = await lapwing()
    expect([fromFile.code, fromTopic.code, fromTopic.err]).toEqual([0, 0, expect.stringMatching(/^2,000 events in/m)])
    expect(fromFile.out.split('\n').length).toBeGreaterThan(30)
    expect(withoutPlaces(fromTopic.out)).toEqual(withoutPlaces(fromFile.out))
    expect(fromTopic.err).toMatch(/malformed 2,/)
    expect(fromTopic.err).toMatch(new RegExp(`${topic}/0:\\d+: passed over: BAD_MAGIC`))
    expect(fromTopic.err).toMatch(/late 0,/)
    expect(Number(/: ([\d,]+) records in 3 part/.exec(fromTopic.err)![1]!.replace(',', ''))).toBeLessThan(STEPS)

    const sweep = await lapwing('--set', 'limit=2,3', '--sort', '--json')
    expect([sweep.code, sweep.out.trim().split('\n').length]).toEqual([0, 2])
    const strict = await lapwing('--strict')
    expect([strict.code, strict.err]).toEqual([2, expect.stringMatching(/^lapwing: .*: BAD_MAGIC/m)])
    expect(await trace()).toEqual(before)
  }, 120_000)

  test('a topic that is missing, and a broker that does not answer, are a line and exit code 2', async () => {
    const [port] = await freePorts(1)
    const lost = uniqueName('lost')
    const run = (folder: string) => startLapwing(folder, 'backtest', 'rules', ...RANGE).ended
    const missing = await run(folderFor(lost, 'lost'))
    expect([missing.code, missing.out, missing.err.trim()]).toEqual([
      2,
      '',
      `lapwing: no such topic at ${brokers.join(', ')}: ${lost}`,
    ])
    const away = await run(folderFor(lost, 'lost', port))
    expect([away.code, away.out, away.err.trim().split('\n')]).toEqual([
      2,
      '',
      [expect.stringMatching(`^lapwing: no broker answers at 127.0.0.1:${port}: .*ECONNREFUSED`)],
    ])
  }, 60_000)
})
