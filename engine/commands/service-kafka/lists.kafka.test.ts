import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import type { ListRecord, RuleSource } from '../../model/block.ts'
import { decodeEntry } from '../../model/block-codec.ts'
import { listsTopic } from '../../plan/control-topics.ts'
import { exchangeTopic } from '../../plan/exchange.ts'
import { partitionOfValue } from '../../plan/partition.ts'
import { addLists } from '../lists.ts'
import { runVerb } from '../testing.ts'
import { readyChild, startChild } from './child.ts'
import { sendDeals } from './deals.ts'
import { configFor, differences, Inspector, plainKafka } from './harness.ts'

const broker = await testBroker()
const EXCHANGE_PARTITIONS = 4

const watching = (id: string, by: string): string => `rule: ${id}
version: 1
title: An order of what is on a list
on: order.created
by: [${by}]
window: 1m
evaluate: arrival
measure: { orders: { count: events } }
when: key.${by} in lists.watched
severity: low
`
const WATCHED: readonly RuleSource[] = [
  {
    path: 'watched.yaml',
    text: [
      watching('watched_shop', 'shop_id'),
      watching('watched_buyer', 'buyer_id'),
      'list: watched\nkind: watch\nof: string\nitems: [S7]\n',
    ].join('---\n'),
  },
]

/** Feeder and reader have other keys: neither's task sees what the other one's does. */
const FED: readonly RuleSource[] = [
  {
    path: 'fed.yaml',
    text: `rule: burst
version: 1
title: Three orders at a shop
on: order.created
by: [shop_id]
window: 1h
measure: { orders: { count: events } }
when: orders >= 3
severity: high
---
rule: buys_there
version: 1
title: A buyer orders where there was a burst
on: order.created
by: [buyer_id]
window: 1h
evaluate: arrival
where: event.shop_id in lists.bursting
measure: { orders: { count: events } }
when: orders >= 1
severity: low
---
list: bursting
kind: watch
of: string
source: { alerts: burst, ttl: 24h }
---
list: known
kind: allow
of: string
source: { topic: known }
`,
  },
]

describe.skipIf('skip' in broker)('lists on a real broker', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function playing(name: string, rules: readonly RuleSource[]) {
    const config = configFor(brokers, name)
    const [stream] = config.streams
    await createTopics([...brokers], { [stream.topic]: 2 })
    const producer = plainKafka(brokers).producer(ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    const inspector = new Inspector(config, rules)
    await inspector.connect()
    ends.push(() => inspector.close())
    const folder = mkdtempSync(join(tmpdir(), 'lapwing-lists-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'lapwing.yaml')
    writeFileSync(file, `log: { kind: kafka, brokers: ['${brokers.join("', '")}'], group: ${name} }\n`)
    const lines: string[] = []
    const start = async (): Promise<ChildProcess> => {
      const child = startChild(brokers, name, (line) => lines.push(line), { rules })
      ends.push(() => child.kill('SIGKILL'))
      await readyChild(child)
      return child
    }
    const kill = async (child: ChildProcess): Promise<void> => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    let sent = 0
    /** One order for each pair, and whom the alerts are about that they make. */
    const order = async (...pairs: readonly (readonly [shop: string, buyer: string])[]): Promise<string[]> => {
      const opened = async () =>
        (await inspector.outputs()).flatMap((o) => (o.kind === 'alert' && o.status === 'open' ? [o] : []))
      const before = new Set((await opened()).map((alert) => alert.alert_id))
      const timeMs = Date.now()
      const deals = pairs.map(([shop_id, buyer_id]) => {
        const n = sent++
        const rest = { type: 'order.created', event_time: timeMs, amount: 1, partition: n % 2 }
        return { event_id: `e${n}`, order_id: `O${n}`, shop_id, buyer_id, ...rest }
      })
      await sendDeals(producer, stream, deals)
      await inspector.drained(30_000)
      const made = (await opened()).filter((alert) => !before.has(alert.alert_id))
      return made.map(({ rule, key }) => `${rule} ${Object.values(key)}`).sort()
    }
    const lists = (...args: string[]) => runVerb(addLists, 'lists', ...args, '-c', file)
    /** The list records in each partition of an exchange. */
    const handed = async (exchange: string): Promise<ListRecord[][]> => {
      const partitions = await inspector.records(exchangeTopic(name, exchange))
      return partitions.map((records) =>
        records.flatMap(({ value }) => {
          const entry = decodeEntry(value!, config.streams)
          return entry.kind === 'broadcast' ? (entry.records as ListRecord[]) : []
        }),
      )
    }
    /** What stands on the topics is what the exchanges give. */
    const asTheLog = async () => {
      const { outputs } = await inspector.reference()
      expect(differences(await inspector.outputs(), outputs), lines.join('\n')).toEqual([])
    }
    return { config, inspector, start, kill, order, lists, handed, asTheLog, lines }
  }

  test('a change is in force in all partitions that read the list, over a kill and a rebuild without snapshot', async () => {
    const name = uniqueName('lists')
    const { config, inspector, start, kill, order, lists, handed, asTheLog, lines } = await playing(name, WATCHED)
    const all = Array.from({ length: 8 }, (_, i) => [`S${i}`, `B${i}`] as const)
    const [shops, buyers] = [0, 1].map((which) => all.slice(0, 4).map((pair) => pair[which]))
    for (const values of [shops, buyers])
      expect(new Set(values.map((v) => partitionOfValue(v, EXCHANGE_PARTITIONS))).size).toBeGreaterThan(1)
    const alerts = (of: readonly string[]) =>
      of.map((item) => `${item.startsWith('S') ? 'watched_shop' : 'watched_buyer'} ${item}`).sort()

    let child = await start()
    expect(await order(...all)).toEqual(alerts(['S7']))
    const added = await lists('add', 'watched', ...shops, ...buyers, '--wait', '30')
    expect([added.err, added.code]).toEqual([expect.stringContaining('8 items added to watched: in force'), 0])
    expect(await order(...all)).toEqual(alerts([...shops, ...buyers, 'S7']))

    await kill(child)
    const removed = await lists('remove', 'watched', 'S0', 'S7', '--wait', '1')
    expect(removed.err).toMatch(/no engine|has not come to it yet/)
    child = await start()
    const left = alerts([...shops.slice(1), ...buyers])
    expect(await order(...all)).toEqual(left)
    expect((await lists('show', 'watched')).out.trim().split('\n').sort()).toEqual(
      [...buyers, ...shops.slice(1)].sort(),
    )

    await kill(child)
    rmSync(config.data, { recursive: true, force: true })
    // all that was handed on comes again
    const topic = listsTopic(name)
    const partitions = [{ partition: 0, offset: '0' }]
    await expect
      .poll(
        () =>
          inspector.admin.setOffsets({ groupId: `${name}-router`, topic, partitions }).then(
            () => true,
            () => false,
          ),
        {
          timeout: 30_000,
        },
      )
      .toBe(true)
    child = await start()
    expect(await order(...all)).toEqual(left)
    expect(lines.join('\n')).toMatch(/task ready .*"position":\d+,"snapshot":null/)
    for (const exchange of ['by-shop_id', 'by-buyer_id']) {
      const partitions = await handed(exchange)
      expect(partitions).toHaveLength(EXCHANGE_PARTITIONS)
      for (const records of partitions) {
        expect([...new Set(records.map(({ offset }) => offset))]).toHaveLength(10)
        expect(records.length).toBeGreaterThan(19)
      }
    }
    await asTheLog()
  }, 180_000)

  test('alerts of one exchange feed a list that another reads, once for each, whoever is killed when', async () => {
    const name = uniqueName('fed')
    const rules = FED.map(({ path, text }) => ({ path, text: text.replace('topic: known', `topic: ${name}.known`) }))
    const { inspector, start, kill, order, lists, handed, asTheLog } = await playing(name, rules)
    let child = await start()
    expect(await order(['S0', 'B0'], ['S0', 'B1'], ['S1', 'B0'])).toEqual([])
    expect(await order(['S0', 'B2'])).toEqual(['burst S0'])
    const isHanded = async () =>
      (await handed('by-buyer_id')).every((records) => records.some(({ item }) => item === 'S0'))
    await expect.poll(isHanded, { timeout: 20_000 }).toBe(true)
    expect(await order(['S0', 'B3'], ['S1', 'B4'])).toEqual(['buys_there B3'])
    await kill(child)
    child = await start()
    expect(await order(['S0', 'B5'], ['S2', 'B6'])).toEqual(['buys_there B5'])
    expect(await order(['S1', 'B7'])).toEqual(['burst S1'])
    await kill(child)
    child = await start()
    await expect.poll(async () => (await lists('show', 'bursting')).out, { timeout: 20_000 }).toBe('S0\nS1\n')
    await inspector.drained(20_000)
    expect(await order(['S1', 'B8'])).toEqual(['buys_there B8'])
    const fed = (await inspector.records(listsTopic(name))).flat().filter(({ value }) => value !== null)
    const records = (await inspector.outputs()).filter((o) => o.kind === 'alert' && o.rule === 'burst')
    expect(fed).toHaveLength(records.length)

    const known = await lists('add', 'known', 'B9', '--wait', '30')
    expect(known.err).toContain('1 item added to known: in force')
    expect((await lists('show')).out).toBe(
      `bursting: watch, 2 items, from alerts of burst\nknown: allow, 1 items, from topic ${name}.known\n`,
    )
    await asTheLog()
  }, 180_000)
})
