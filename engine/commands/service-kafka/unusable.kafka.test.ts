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
import { runVerb, startLapwing } from '../testing.ts'
import { configFor, quiet } from './harness.ts'

const broker = await testBroker()

const ruleReading = (list: string, topic: string): string => `rule: known_buyer
version: ${list === '' ? 1 : 2}
title: A buyer who is on a list
on: order.created
by: [buyer_id]
window: 1m
measure: { orders: { count: events } }
when: orders >= 1${list === '' ? '' : ` && key.buyer_id in lists.${list}`}
severity: low
${list === '' ? '' : `---\nlist: ${list}\nkind: deny\nof: string\nsource: { topic: ${topic} }\n`}`

describe.skipIf('skip' in broker)('topics that no list can be read from', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-unusable-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('a start ends with the fault; a push is refused, and what ran goes on', async () => {
    const name = uniqueName('unusable')
    const config = configFor(brokers, name)
    ends.push(() => rmSync(config.data, { recursive: true, force: true }))
    const [wide, loose] = [`${name}.wide`, `${name}.loose`]
    await createTopics([...brokers], { [config.streams[0]!.topic]: 1, [wide]: 4, [loose]: 1 })
    const files = (list: string, topic: string) => [{ path: 'r.yaml', text: ruleReading(list, topic) }]
    const service = (list: string, topic: string) =>
      kafkaService(config, { ruleFiles: files(list, topic), counters: new Counters(), log: quiet })
    const fault = (message: string) => ({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) })
    await expect(service('known', wide).start()).rejects.toMatchObject(
      fault(`${wide} must have one partition, it has 4`),
    )
    await expect(service('known', loose).start()).rejects.toMatchObject(
      fault(`${loose} must be compacted, its cleanup.policy is delete`),
    )

    const running = service('', '')
    ends.push(() => running.stop())
    void running.start()
    await expect.poll(() => running.ready().detail, { timeout: 30_000 }).toBe('consuming')
    const file = join(folder, 'lapwing.yaml')
    const log = `log: { kind: kafka, brokers: ['${brokers.join("', '")}'], group: ${name} }`
    const streams = `streams: { transactions: { topic: ${config.streams[0]!.topic} }, behavior: null }`
    writeFileSync(file, `${log}\n${streams}\noutputs: ${JSON.stringify(config.outputs)}\n`)
    expect((await runVerb(addDoctor, 'doctor', '-c', file)).out).toContain('4 of 4 outputs')
    const pushed = join(folder, 'r.yaml')
    writeFileSync(pushed, ruleReading('known', wide))
    const push = await runVerb(addRules, 'rules', 'push', pushed, '-c', file, '--wait', '30')
    expect([push.code, push.out]).toEqual([1, expect.stringContaining(`${wide} must have one partition, it has 4`)])
    await expect.poll(() => running.ready().ok, { timeout: 30_000 }).toBe(true)
    expect(running.ready().detail).toContain('the one before is in force')
    const added = await runVerb(addLists, 'lists', 'add', 'known', 'B1', '-c', file)
    expect([added.code, added.err]).toEqual([2, expect.stringContaining(`${wide} must have one partition`)])

    const started = startLapwing(folder, 'run', '--rules', pushed, '--port', '0')
    const ended = await started.ended
    expect([ended.code, ended.err.trim().split('\n').at(-1)]).toEqual([2, expect.stringContaining(wide)])
  }, 120_000)
})
