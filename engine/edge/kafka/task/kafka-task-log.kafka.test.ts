import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../../scripts/kafka/topics.ts'
import type { Mark } from '../../../model/block.ts'
import { encodeEntry } from '../../../model/block-codec.ts'
import { Counters } from '../../../model/counters.ts'
import type { AlertRecord } from '../../../model/output.ts'
import type { Commit, SetAside } from '../../../model/ports.ts'
import { listsTopic } from '../../../plan/control-topics.ts'
import { createClient } from '../client.ts'
import { isFenced, isTooLarge } from '../errors.ts'
import { PartitionReader } from '../partition-reader.ts'
import { KafkaTaskLog, type TaskLogShared } from './kafka-task-log.ts'
import { TaskView } from './task-view.ts'

const broker = await testBroker()
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

describe.skipIf('skip' in broker)('a task log on Kafka', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  const mark = (upToMs: number): Mark => ({
    kind: 'mark',
    sourceTopic: 's',
    sourcePartition: 0,
    upToMs,
    sources: ['s/0'],
  })

  /** Exchange and state topics with one partition; the exchange holds marks up to 1000, 2000, … 10000. */
  async function prepare() {
    const name = uniqueName('log')
    const [topic, stateTopic, out] = [`${name}.exchange`, `${name}.state`, `${name}.out`]
    await createTopics([...brokers], { [topic]: 1, [stateTopic]: 1, [out]: 1 })
    const kafka = createClient({ brokers, group: name, ssl: false, sasl: null }, quiet)
    const admin = kafka.admin()
    const producer = kafka.producer(ONCE)
    const reader = new PartitionReader(kafka)
    await Promise.all([admin.connect(), producer.connect()])
    ends.push(
      () => admin.disconnect(),
      () => producer.disconnect(),
      () => reader.close(),
    )
    const messages = Array.from({ length: 10 }, (_, i) => 1_000 * (i + 1)).map((ms) => ({
      value: Buffer.from(encodeEntry(mark(ms), [])),
      timestamp: String(ms),
    }))
    await producer.send({ topic, messages })
    const output = { topic: out, partitions: 1 }
    const aside: SetAside[] = []
    const shared: TaskLogShared = {
      producerKafka: kafka,
      admin,
      reader,
      group: name,
      groupId: `${name}-task`,
      streams: [],
      outputs: { alerts: output, shadow: output, rankings: output },
      encoder: { encodeAlert: () => Buffer.from('alert'), encodeRanking: () => Buffer.from('ranking') },
      counters: new Counters(),
      setAside: (record) => void aside.push(record),
    }
    const open = () => {
      const log = new KafkaTaskLog({ topic, stateTopic, partition: 0, taskIndex: 0 }, shared, async () => {})
      ends.push(() => log.close())
      return log
    }
    return { open, shared, reader, admin, stateTopic, topic, out, aside, lists: listsTopic(name) }
  }

  const commitOf = (position: number, changes: Record<string, string | null>): Commit => ({
    position,
    outputs: [],
    changes: new Map(Object.entries(changes)),
  })

  /** A commit answers before its markers are written: until then the end that is told is the one before it. */
  const endOf = async (admin: Admin, topic: string, least: number): Promise<number> => {
    let end = -1
    await vi.waitFor(
      async () => {
        const [{ high }] = await admin.fetchTopicOffsets(topic)
        end = Number(high)
        expect(end).toBeGreaterThanOrEqual(least)
      },
      { timeout: 10_000 },
    )
    return end
  }

  test('a commit may announce more than a topic takes at once; all of it is there, once', async () => {
    const { open, reader, admin, lists } = await prepare()
    await createTopics([...brokers], { [lists]: 1 })
    const log = open()
    await log.fence()
    const count = 40_000
    const announcements = Array.from({ length: count }, (_, i) => ({
      ...{ kind: 'list' as const, list: 'l', item: `${i}`.padEnd(40, 'x') },
      ...{ untilMs: null, atMs: 1 },
    }))
    await log.commit({ ...commitOf(3, { task: '{}' }), announcements })
    const keys: string[] = []
    for await (const records of reader.read(lists, 0, 0, await endOf(admin, lists, count)))
      keys.push(...records.map((r) => String(r.key)))
    expect(keys).toHaveLength(count)
    expect([keys[0], keys[count - 1]]).toEqual([0, count - 1].map((i) => `l/"${`${i}`.padEnd(40, 'x')}"`))
  })

  test('what a topic does not take is left out, and the rest of its commit is there once', async () => {
    const { shared, reader, admin, topic, stateTopic, out, aside } = await prepare()
    for (const name of [out, stateTopic]) {
      const configEntries = [{ name: 'max.message.bytes', value: '20000' }]
      await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name, configEntries }] })
    }
    const sizes = [10, 30_000, 15_000, 15_000, 20_001, 10]
    const encoder = { ...shared.encoder, encodeAlert: (alert: AlertRecord) => Buffer.alloc(alert.folded) }
    const log = new KafkaTaskLog(
      { topic, stateTopic, partition: 0, taskIndex: 0 },
      { ...shared, encoder },
      async () => {},
    )
    ends.push(() => log.close())
    const outputs = sizes.map((folded) => ({ kind: 'alert', rule: 'r', mode: 'live', key: { k: 1 }, folded }) as never)
    const commit = { ...commitOf(4, { task: '{}', 'alert/r@1/{}': 'x'.repeat(50_000) }), outputs }
    let attempts = 0
    for (let done = false; !done && attempts < 10; attempts++) {
      await log.fence()
      expect(await log.position()).toBe(-1)
      done = await log.commit(commit).then(
        () => true,
        (error) => !isTooLarge(error),
      )
    }
    const kept = sizes.filter((size) => size < 20_000)
    const written: number[] = []
    for await (const records of reader.read(out, 0, 0, await endOf(admin, out, kept.length)))
      written.push(...records.map((r) => r.value!.length))
    expect(written).toEqual(kept)
    expect(aside.map(({ rule, bytes, position }) => [rule, bytes, position])).toEqual([
      ['r', 30_007, 4],
      ['r', 20_008, 4],
      ['r@1', 50_012, 4],
    ])
    await log.fence()
    expect(await log.committed()).toEqual({ position: 4, kept: new Map([['task', '{}']]) })
  })

  test('what the commits kept comes back, with the position; the past begins where stream time was', async () => {
    const { open } = await prepare()
    const first = open()
    await first.fence()
    expect(await first.committed()).toEqual({ position: -1, kept: new Map() })
    await first.commit(commitOf(3, { task: '{"n":1}', 'alert/a': 'open', 'alert/b': 'open' }))
    await first.commit(commitOf(5, { task: '{"n":2}', 'alert/a': null }))
    const second = open()
    await second.fence()
    const kept = new Map([
      ['task', '{"n":2}'],
      ['alert/b', 'open'],
    ])
    expect(await second.committed()).toEqual({ position: 5, kept })
    expect(second.id).toBe(first.id)
    const read = async (fromMs: number, through: number) => {
      const positions: number[] = []
      for await (const records of second.past(fromMs, through)) positions.push(...records.map((r) => r.position))
      return positions
    }
    expect(await read(3_500, 7)).toEqual([3, 4, 5, 6, 7])
    expect(await read(Number.POSITIVE_INFINITY, 7)).toEqual([])
    expect(await read(-5, 1)).toEqual([0, 1])
  })

  test('a zombie is fenced: its commit fails, nothing of it is seen, and the new owner goes on', async () => {
    const { open, reader, admin, stateTopic } = await prepare()
    const zombie = open()
    await zombie.fence()
    await zombie.commit(commitOf(1, { task: 'old' }))
    const owner = open()
    await owner.fence()
    expect(await owner.position()).toBe(1)
    const failure = await zombie.commit(commitOf(9, { task: 'zombie' })).then(
      () => null,
      (error: unknown) => error,
    )
    expect(isFenced(failure)).toBe(true)
    await owner.commit(commitOf(4, { task: 'new' }))

    // the zombie asks again: that fences the rightful owner, who learns it at its next commit and is right again then
    await zombie.fence()
    expect(await zombie.committed()).toEqual({ position: 4, kept: new Map([['task', 'new']]) })
    await expect(owner.commit(commitOf(6, { task: 'newer' }))).rejects.toThrow()
    await owner.fence()
    expect(await owner.position()).toBe(4)
    await owner.commit(commitOf(6, { task: 'newer' }))

    const [{ high }] = await admin.fetchTopicOffsets(stateTopic)
    const values: string[] = []
    for await (const records of reader.read(stateTopic, 0, 0, Number(high)))
      values.push(...records.map(({ value }) => String(value)))
    expect(values).toEqual(['old', 'new', 'newer'])
  })

  test('a trimmed log is a gap for whoever has not read so far', async () => {
    const { open, admin, topic } = await prepare()
    const log = open()
    await log.fence()
    await log.commit(commitOf(7, { task: 'x' }))
    await log.fence()
    await log.trim(4_500, 7)
    expect(Number((await admin.fetchTopicOffsets(topic))[0].low)).toBe(4)
    await log.trim(99_000, 7)
    expect(Number((await admin.fetchTopicOffsets(topic))[0].low)).toBe(7)
    expect(await log.position()).toBe(7)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '10' }] })
    await expect(log.position()).rejects.toThrow('the next record to read is 8, the log holds 10 to 9')
  })

  test('a view takes position and kept state of one commit, while commits go on', async () => {
    const { open, shared, topic, stateTopic } = await prepare()
    const log = open()
    await log.fence()
    let isOver = false
    const committing = (async () => {
      for (let n = 0; !isOver; n++) {
        await log.commit(commitOf(n % 10, { at: String(n % 10), [`key${n % 7}`]: String(n) }))
        await sleep((n * 37) % 120)
      }
    })()
    const view = new TaskView({ topic, stateTopic, partition: 0 }, shared, async () => {})
    for (let i = 0; i < 20; i++) {
      const { position, kept } = await view.committed()
      expect(kept.get('at')).toBe(position < 0 ? undefined : String(position))
    }
    isOver = true
    await committing
    const read = []
    for await (const records of view.past(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)) read.push(...records)
    expect(read.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const behind = []
    for await (const records of view.after(7)) behind.push(...records)
    expect(behind.map(({ position }) => position)).toEqual([8, 9])
  }, 30_000)
})
