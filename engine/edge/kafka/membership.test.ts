import type { Kafka } from 'kafkajs'
import { beforeEach, expect, test } from 'vitest'
import { Membership } from './membership.ts'
import { FakeConsumer } from './testing.ts'

let consumer: FakeConsumer
let membership: Membership
let seen: unknown[]
beforeEach(() => {
  consumer = new FakeConsumer()
  const kafka = { consumer: () => consumer } as unknown as Kafka
  membership = new Membership({ kafka, groupId: 'g', topics: ['a', 'b'], sessionTimeoutMs: 10_000 })
  seen = []
  membership.assigned$.subscribe({ next: (one) => seen.push(one), error: (error: Error) => seen.push(error.message) })
})

const fenced = { code: 'FENCED' }
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('it reads nothing: all is paused at the first join; each join is told', async () => {
  await membership.join()
  consumer.join({ a: [0] })
  consumer.join({ a: [1], b: [0] })
  expect(consumer.calls).toEqual(['connect', 'subscribe', 'run', 'pause a,b'])
  expect(seen).toEqual([{ a: [0] }, { a: [1], b: [0] }])
})

test('proven by the second heartbeat: the first may have been under way', async () => {
  consumer.join({})
  let isProven = false
  const proven = membership.proven().then(() => {
    isProven = true
  })
  consumer.heartbeat()
  await turn()
  expect(isProven).toBe(false)
  consumer.heartbeat()
  await proven
  expect(consumer.listenerCount('heartbeat')).toBe(1) // however many partitions ask
})

test('not proven where another join comes first, before any, after a crash, or when it has left', async () => {
  await expect(membership.proven()).rejects.toMatchObject(fenced)
  consumer.join({})
  const proven = membership.proven()
  consumer.heartbeat()
  consumer.join({})
  await expect(proven).rejects.toMatchObject(fenced)
  const crashed = membership.proven()
  consumer.crash(new Error('session lost'))
  await expect(crashed).rejects.toMatchObject(fenced)
  const later = await Promise.race([membership.proven().catch((error: { code: string }) => error.code), turn()])
  expect([later, seen.at(-1)]).toEqual(['FENCED', 'session lost'])
})

test('leaving: who waits for proof hears of it, and a join under way ends first', async () => {
  let goOn = (): void => {}
  consumer.gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  void membership.join()
  consumer.join({})
  const proven = expect(Promise.race([membership.proven(), turn()])).rejects.toMatchObject(fenced)
  const left = membership.leave()
  await proven
  expect(consumer.calls).toEqual(['connect', 'pause a,b'])
  goOn()
  await left
  expect(consumer.calls).toEqual(['connect', 'pause a,b', 'disconnect'])
})
