import { afterEach, describe, expect, test } from 'vitest'
import { testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { createClient } from './client.ts'
import { type Assignment, Membership } from './membership.ts'
import { committedOffsets } from './offsets.ts'

const broker = await testBroker()
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

describe.skipIf('skip' in broker)('a member that reads nothing', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('it is given partitions, proves that it has them, commits, and shares them with another until that leaves', async () => {
    const [topic, groupId] = [uniqueName('members'), uniqueName('group')]
    await createTopics([...brokers], { [topic]: 2 })
    const admin = createClient({ brokers, group: groupId, ssl: false, sasl: null }, quiet).admin()
    await admin.connect()
    ends.push(() => admin.disconnect())
    await committedOffsets(admin, groupId, topic) // waits until the group's coordinator is loaded
    const member = async () => {
      const kafka = createClient({ brokers, group: groupId, ssl: false, sasl: null }, quiet)
      const membership = new Membership({ kafka, groupId, topics: [topic], sessionTimeoutMs: 10_000 })
      ends.push(() => membership.leave())
      const joins: Assignment[] = []
      membership.assigned$.subscribe((assignment) => joins.push(assignment))
      await membership.join()
      return { membership, given: () => [...(joins.at(-1)?.[topic] ?? [])].sort() }
    }
    const one = await member()
    await expect.poll(one.given, { timeout: 20_000 }).toEqual([0, 1])
    await one.membership.proven()
    await one.membership.commit([{ topic, partition: 0, offset: '0' }])
    const pending = one.membership.proven().then(
      () => 'proven',
      ({ code }) => code,
    )
    expect(await pending).toBe('proven')

    const two = await member()
    await expect.poll(() => [...one.given(), ...two.given()].sort(), { timeout: 20_000 }).toEqual([0, 1])
    await Promise.all([one.membership.proven(), two.membership.proven()])
    expect([one.given().length, two.given().length]).toEqual([1, 1])
    await two.membership.leave()
    await expect(two.membership.proven()).rejects.toMatchObject({ code: 'FENCED' })
    await expect.poll(one.given, { timeout: 20_000 }).toEqual([0, 1])
  })
})
