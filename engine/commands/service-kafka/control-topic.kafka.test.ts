import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { Counters } from '../../model/counters.ts'
import { textHash } from '../../model/rule-text.ts'
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
    const producer = plainKafka(brokers).producer(ONCE)
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

  test('of instances with different files, the last to start or to reload has its own in force, until the next change', async () => {
    const { push, start } = await grouped(uniqueName('fight'))
    const differ = ({ said }: ReturnType<typeof start>) =>
      said.filter(({ message }) => message.includes('other rule files')).map(({ fields }) => fields)
    const taken = ({ said }: ReturnType<typeof start>) =>
      said.filter(({ message }) => message === 'a changed rule set is in force').length
    const both = async (version: number) => {
      await Promise.all([one.runs(version), two.runs(version)])
      await sleep(3_000) // by then an instance that fights would have begun anew
      await Promise.all([one.runs(version), two.runs(version)])
    }
    const one = start(1)
    await one.runs(1)
    const two = start(2)
    await both(2)
    const [hash1, hash2] = [1, 2].map((version) => textHash(filesAt(version)).slice(0, 12))
    expect(differ(one)).toEqual([{ configuredHere: hash1, configuredLast: hash2 }])
    expect([differ(two), taken(one), taken(two)]).toEqual([[], 1, 1])

    expect((await push(3)).out).toContain('in force')
    await both(3)
    one.service.rules.offer(filesAt(4)) // as at a SIGHUP
    await both(4)
    expect(differ(two)).toHaveLength(1)
    expect([differ(one).length, taken(one), taken(two)]).toEqual([1, 3, 3])
    const trouble = () => one.service.rules.status().trouble
    one.service.rules.offer(filesAt(4).map(({ path, text }) => ({ path, text: text.replace('low', 'high') })))
    expect(trouble()).toContain('must be raised')
    one.service.rules.offer(filesAt(4)) // the fault is taken back
    await expect.poll(trouble, { timeout: 5_000 }).toBeNull()
    await one.service.stop()
    const again = start(4)
    await again.runs(4)
    expect((await push(5)).out).toContain('in force')
    await again.service.stop()
    const third = start(4)
    await third.runs(5)
    await two.runs(5)
    expect(differ(third)).toEqual([])
  }, 180_000)

  test('a set that was pushed before the first start of all is in force until the configured files change', async () => {
    const { push, start } = await grouped(uniqueName('before'))
    expect((await push(2)).out).toContain('its next start will take them')
    for (const [configured, wanted] of [
      [1, 2],
      [1, 2],
      [3, 3],
    ] as const) {
      const instance = start(configured)
      await instance.runs(wanted)
      await instance.service.stop()
    }
  }, 90_000)
})
