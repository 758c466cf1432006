import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { Counters } from '../../model/counters.ts'
import { addDoctor } from '../doctor.ts'
import { addLists } from '../lists.ts'
import { addRules } from '../rules-push.ts'
import { kafkaService } from '../service-kafka.ts'
import { runVerb } from '../testing.ts'
import { configFor, plainKafka } from './harness.ts'

const broker = await testBroker()

const ruleAt = (version: number): string => `rule: known_buyer
version: ${version}
title: A buyer who orders often
on: order.created
by: [buyer_id]
window: 1m
measure: { orders: { count: events } }
when: orders >= ${version}
severity: low
---
list: known
kind: watch
of: string
items: [B1]
`
const filesAt = (version: number) => [{ path: 'r.yaml', text: ruleAt(version) }]

describe.skipIf('skip' in broker)('the control topic of a group', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  /** A group without engines, its verbs, and a producer. */
  async function grouped(name: string) {
    const config = configFor(brokers, name)
    const folder = mkdtempSync(join(tmpdir(), 'lapwing-control-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    await createTopics([...brokers], { [config.streams[0]!.topic]: 1 })
    const producer = plainKafka(brokers).producer()
    await producer.connect()
    ends.push(() => producer.disconnect())
    const file = join(folder, 'lapwing.yaml')
    const log = `log: { kind: kafka, brokers: ['${brokers.join("', '")}'], group: ${name} }`
    const streams = `streams: { transactions: { topic: ${config.streams[0]!.topic} }, behavior: null }`
    writeFileSync(file, `${log}\n${streams}\noutputs: ${JSON.stringify(config.outputs)}\n`)
    const push = (version: number) => {
      const path = join(folder, `r${version}.yaml`)
      writeFileSync(path, ruleAt(version))
      return runVerb(addRules, 'rules', 'push', path, '-c', file, '--wait', '30')
    }
    let instances = 0
    const start = (version: number) => {
      const data = `${config.data}-${instances++}`
      const said: { fields: Record<string, unknown>; message: string }[] = []
      const note = (fields: object, message: string) =>
        void said.push({ fields: fields as Record<string, unknown>, message })
      const logger = { debug() {}, info: note, warn: note, error: note }
      const counters = new Counters()
      const rest = { ruleFiles: filesAt(version), counters, log: logger, sessionTimeoutMs: 3_000 }
      const service = kafkaService({ ...config, data }, rest)
      ends.push(
        () => rmSync(data, { recursive: true, force: true }),
        () => service.stop(),
      )
      let failure: unknown = null
      service.start().catch((error) => {
        failure = error
      })
      const runs = async (wanted: number) => {
        const state = () => [failure, service.ready().detail, service.rules.set.rules[0]!.version]
        await expect.poll(state, { timeout: 30_000 }).toEqual([null, 'consuming', wanted])
      }
      return { service, counters, said, runs }
    }
    return { file, producer, control: `${name}.control`, push, start }
  }

  test('a record that is none of ours is passed over, counted, and said once; engines and verbs go on', async () => {
    const { file, producer, control, push, start } = await grouped(uniqueName('stray'))
    const first = start(1)
    await first.runs(1)
    expect((await push(2)).out).toContain('in force')
    const rest = '"configured":null,"atMs":0'
    await producer.send({
      topic: control,
      messages: [
        { key: 'hello', value: 'world' },
        { key: Buffer.from([0xff, 0]), value: Buffer.from([0, 1, 2]) },
        { key: 'answer', value: '5' },
        { key: 'rules', value: `{"files":5,${rest}}` },
        { key: 'rules', value: `{"files":[null],${rest}}` },
        { key: 'rules', value: 'no JSON' },
      ],
    })
    const count = ({ counters }: typeof first) => counters.counter('control_records_refused_total', { topic: control })
    const told = ({ said }: typeof first) =>
      said.filter(({ message }) => message.includes('none of ours')).map(({ fields }) => fields)
    await expect.poll(() => count(first).value, { timeout: 10_000 }).toBe(6)
    await first.runs(2)
    await first.service.stop()

    const second = start(1)
    await second.runs(2)
    expect((await runVerb(addDoctor, 'doctor', '-c', file)).out).toMatch(
      /FAIL {2}broker .*\.control has 6 records that are none of ours, the last at offset \d+ \(rules: not JSON\)/,
    )
    const again = await push(2)
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('in force')])
    expect((await runVerb(addDoctor, 'doctor', '-c', file)).out).toMatch(/ok {4}broker .*\n.* 6 records/)
    expect((await push(3)).out).toContain('in force')
    expect((await runVerb(addLists, 'lists', 'show', 'known', '-c', file)).out).toBe('B1\n')
    await second.runs(3)
    expect([count(first).value, count(second).value]).toEqual([6, 6])
    expect(told(second)).toEqual(told(first))
    expect(told(first).map(({ topic, reason }) => `${topic === control}: ${reason}`)).toEqual([
      'true: unknown key "hello"',
      expect.stringContaining('true: unknown key "\ufffd'),
      expect.stringContaining('true: answer: '),
      expect.stringContaining('true: rules.files: '),
      expect.stringContaining('true: rules.files.0: '),
      'true: rules: not JSON',
    ])
  }, 120_000)
})
