import { describe, expect, test } from 'vitest'
import { testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createClient } from './client.ts'
import { prepareTopics, routerTopic } from './topics.ts'

const broker = await testBroker()

describe.skipIf('skip' in broker)("the engine's own topics", () => {
  test('one that was deleted while the engine ran is made anew, and that is said', async () => {
    const brokers = 'brokers' in broker ? [...broker.brokers] : []
    const group = uniqueName('topics')
    const lines: string[] = []
    const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`)
    const log = { debug() {}, info() {}, warn() {}, error: note }
    const connection = { kind: 'kafka', brokers, group, ssl: false, sasl: null } as const
    const admin = createClient(connection, log, 1).admin()
    await admin.connect()
    try {
      const outputs = { alerts: `${group}.a`, shadow: `${group}.s`, rankings: `${group}.r`, dlq: `${group}.d` }
      const wanted = { group, exchanges: [], partitions: 1, sources: [], outputs, createOutputs: true }
      const counts = await prepareTopics(admin, { ...wanted, known: new Set() }, log)
      await prepareTopics(admin, { ...wanted, known: new Set(counts.keys()) }, log)
      expect(lines).toEqual([])
      await admin.deleteTopics({ topics: [routerTopic(group)] })
      await expect.poll(async () => (await admin.listTopics()).includes(routerTopic(group))).toBe(false)
      await prepareTopics(admin, { ...wanted, known: new Set(counts.keys()) }, log)
      expect(lines).toEqual([expect.stringContaining(`made anew`)])
      expect(lines[0]).toContain(routerTopic(group))
    } finally {
      await admin.disconnect()
    }
  }, 60_000)
})
