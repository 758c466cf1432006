import type { Kafka } from 'kafkajs'
import { expect, test } from 'vitest'
import { Counters } from '../../../model/counters.ts'
import { exchangeTopic } from '../../../plan/exchange.ts'
import { STREAMS } from '../../../plan/testing.ts'
import type { Encoder } from '../ports.ts'
import { EXCHANGES } from '../router/testing.ts'
import { FakeConsumer } from '../testing.ts'
import type { OwnedPartition } from './owned-partition.ts'
import { Tasks } from './tasks.ts'
import { Disk, DiskKeep, turn } from './testing.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const [x, y] = EXCHANGES.map(({ exchange }) => exchangeTopic('g', exchange.id))

async function tasksOf() {
  const consumer = new FakeConsumer()
  const cluster = { brokerPool: {}, connect: () => new Promise(() => {}), disconnect: async () => {} }
  const kafka = {
    admin: () => ({ connect: async () => {}, disconnect: async () => {} }),
    consumer: () => consumer,
    [Symbol('private:Kafka:createCluster')]: () => cluster,
  } as unknown as Kafka
  const tasks = new Tasks({
    ...{ kafka, producerKafka: kafka, group: 'g', streams: STREAMS, exchanges: EXCHANGES, log: quiet },
    outputs: {
      alerts: { topic: 'alerts', partitions: 1 },
      shadow: { topic: 'shadow', partitions: 1 },
      rankings: { topic: 'rankings', partitions: 1 },
    },
    ...{ encoder: {} as Encoder, sessionTimeoutMs: 10_000, retentionMs: 0, counters: new Counters() },
    keepOf: () => new DiskKeep(new Disk()),
  })
  const seen: string[] = []
  const partitions: OwnedPartition[] = []
  tasks.owned$.subscribe({
    next: (owned) => {
      const number = partitions.push(owned)
      owned.joined$.subscribe({
        next: () => seen.push(`${number} joined`),
        complete: () => seen.push(`${number} ends`),
      })
      owned.revoked$.subscribe(() => seen.push(`${number} revoked`))
    },
    error: (error: Error) => seen.push(error.message),
    complete: () => seen.push('all end'),
  })
  await tasks.open()
  const said = () => seen.splice(0)
  return { tasks, consumer, partitions, said }
}

test('what is given is told once; after another join, what stays looks again and what is gone is let go', async () => {
  const { tasks, consumer, partitions, said } = await tasksOf()
  expect([tasks.joined, tasks.trouble]).toEqual([false, 'the tasks have not joined their group yet'])
  consumer.join({ [x]: [0], [y]: [1] })
  expect([...tasks.owned.keys(), ...said()]).toEqual([`${x}/0`, `${y}/1`, '1 joined', '2 joined'])
  expect(tasks.trouble).toBe('restoring state: 2 of 2 tasks')
  consumer.join({ [x]: [0, 1] })
  expect([...tasks.owned.keys(), ...said()]).toEqual([`${x}/0`, `${x}/1`, '1 joined', '2 revoked', '3 joined'])
  await turn()
  expect(partitions.map(({ state }) => state)).toEqual(['created', 'closed', 'created'])
})

test('given back before the owner of before has let go: the new one waits for it', async () => {
  const { consumer, partitions } = await tasksOf()
  consumer.join({ [x]: [0] })
  consumer.join({})
  consumer.join({ [x]: [0] })
  const [before, now] = partitions
  const restoring = now.restore().catch(() => before.state)
  expect([before.state, now.state]).toEqual(['closing', 'created'])
  expect(await restoring).toBe('closed')
})

test('stop: nothing new begins, and all complete', async () => {
  const { tasks, consumer, said } = await tasksOf()
  consumer.join({ [x]: [0] })
  said()
  tasks.stop()
  consumer.join({ [x]: [0, 1] })
  expect([...said(), tasks.joined]).toEqual(['1 ends', 'all end', false])
})

test('a group that cannot be held is told; closing leaves it, and closes all that is owned', async () => {
  const { tasks, consumer, partitions, said } = await tasksOf()
  consumer.join({ [x]: [0, 1] })
  said()
  consumer.crash(new Error('session lost'))
  expect(said()).toEqual(['session lost'])
  await tasks.close()
  expect([partitions.map(({ state }) => state), consumer.calls.at(-1)]).toEqual([['closed', 'closed'], 'disconnect'])
})
