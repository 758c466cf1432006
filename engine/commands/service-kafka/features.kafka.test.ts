import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { announced } from '../../edge/kafka/control-records.ts'
import { GroupControl } from '../../edge/kafka/group-control.ts'
import { RulesTopic } from '../../edge/kafka/rules-topic.ts'
import type { FeatureRecord, RuleSource } from '../../model/block.ts'
import { decodeEntry } from '../../model/block-codec.ts'
import type { AlertRecord } from '../../model/output.ts'
import { textHash } from '../../model/rule-text.ts'
import { exchangeTopic } from '../../plan/exchange.ts'
import { readyChild, startChild } from './child.ts'
import { deal, sendDeals } from './deals.ts'
import { configFor, differences, Inspector, plainKafka, quiet } from './harness.ts'

const broker = await testBroker()

/** A feature by item, a rule by buyer that reads it as its events are read and as it is evaluated, a list between both. */
const RULES: readonly RuleSource[] = [
  {
    path: 'market.yaml',
    text: `feature: item_market
version: 1
title: What an item sells for
on: order.created
by: item_id
window: 1h
measure: { orders: { count: events }, price: { avg: amount } }
every: 1s
---
rule: dear
version: 1
title: A buyer pays far more than others do
on: order.created
by: [buyer_id]
window: 1h
evaluate: arrival
let: { times: "event.amount / features.item_market[event.item_id].price" }
where: times >= 3 && features.item_market[event.item_id].orders >= 2
measure: { orders: { count: events }, most: { max: times } }
when: orders >= 1
severity: medium
alert: { about: buyer_id, explain: "{most|.1} of {features.item_market[event.item_id].orders}" }
---
rule: seen_dear
version: 1
title: An item that such a buyer orders
on: order.created
by: [item_id]
window: 20s
measure: { orders: { count: events }, dear: { count: events, where: event.buyer_id in lists.dear_buyers } }
when: dear >= 1 && features.item_market[key.item_id].orders >= 2
severity: low
alert: { cooldown: 1s, explain: "{dear} of {orders}, {features.item_market[key.item_id].orders}" }
---
list: dear_buyers
kind: watch
of: string
source: { alerts: dear, ttl: 30s }
`,
  },
]

describe.skipIf('skip' in broker)('features on a real broker', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function playing(name: string) {
    const config = configFor(brokers, name)
    const [stream] = config.streams
    await createTopics([...brokers], { [stream.topic]: 2 })
    const producer = plainKafka(brokers).producer(ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    const inspector = new Inspector(config, RULES)
    await inspector.connect()
    ends.push(() => inspector.close())
    const lines: string[] = []
    const start = async (instance = ''): Promise<ChildProcess> => {
      const child = startChild(brokers, name, (line) => lines.push(`${instance} ${line}`), { rules: RULES, instance })
      ends.push(() => rmSync(`${config.data}${instance}`, { recursive: true, force: true }))
      ends.push(() => child.kill('SIGKILL'))
      await readyChild(child)
      return child
    }
    const kill = async (child: ChildProcess): Promise<void> => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    let sent = 0
    const send = async (
      ...rows: readonly { item: string; buyer: string; amount: number; shop_id?: string; device_id?: string }[]
    ): Promise<void> => {
      const deals = rows.map(({ item, buyer, ...row }) => {
        const n = sent++
        return { ...deal(n, Date.now(), 2), type: 'order.created', item_id: item, buyer_id: buyer, ...row }
      })
      await sendDeals(producer, stream, deals)
    }
    /** What was handed last of an item to each partition of an exchange. */
    const handed = async (exchange: string, item: string): Promise<(FeatureRecord['values'] | undefined)[]> => {
      const partitions = await inspector.records(exchangeTopic(name, exchange))
      return partitions.map((records) => {
        const said = records.flatMap(({ value }) => {
          const entry = decodeEntry(value!, config.streams)
          return entry.kind === 'broadcast' ? entry.records : []
        })
        return said.filter((r): r is FeatureRecord => 'feature' in r && r.key === item).at(-1)?.values
      })
    }
    const dear = async (): Promise<string[]> => {
      const alerts = (await inspector.outputs()).filter(
        (o): o is AlertRecord => o.kind === 'alert' && o.rule === 'dear',
      )
      return alerts
        .filter(({ status }) => status === 'open')
        .map(({ key, explain }) => `${key.buyer_id}: ${explain}`)
        .sort()
    }
    /** What stands on the topics, those of controls too, is what the exchanges give: nothing is lost, nothing is there twice. */
    const asTheLog = async (): Promise<void> => {
      const { outputs, announcements } = await inspector.reference()
      expect(differences(await inspector.outputs(), outputs), lines.join('\n')).toEqual([])
      const wanted = announcements.map((a) => announced(name, a))
      for (const topic of new Set(wanted.map((message) => message.topic))) {
        const found = (await inspector.records(topic)).flat()
        const text = (key: unknown, value: unknown) => `${key} ${value}`
        expect(found.map(({ key, value }) => text(key, value)).sort()).toEqual(
          wanted
            .filter((m) => m.topic === topic)
            .map(({ key, value }) => text(key, value))
            .sort(),
        )
      }
    }
    return { config, inspector, stream, producer, start, kill, send, handed, dear, asTheLog, lines }
  }

  test('a rule of another key reads the right values, over a kill and a rebuild without snapshot', async () => {
    const { config, inspector, start, kill, send, handed, dear, asTheLog, lines } = await playing(
      uniqueName('features'),
    )
    let child = await start()
    await send({ item: 'I0', buyer: 'B9', amount: 90 }) // nothing is known of it yet
    const items = ['I1', 'I2', 'I3']
    await send(...items.flatMap((item) => [1, 2, 3].map((n) => ({ item, buyer: `B${n}`, amount: 10 }))))
    const isSaid = (item: string, values: unknown) =>
      expect.poll(() => handed('by-buyer_id', item), { timeout: 20_000 }).toEqual([values, values, values, values])
    for (const item of items) await isSaid(item, [3, 10])
    await send({ item: 'I1', buyer: 'B4', amount: 50 }, { item: 'I2', buyer: 'B5', amount: 29 })
    await expect.poll(dear, { timeout: 20_000 }).toEqual(['B4: 5.0 of 3'])
    await isSaid('I1', [4, 20])

    await kill(child)
    await send({ item: 'I1', buyer: 'B6', amount: 70 })
    child = await start()
    await expect.poll(dear, { timeout: 20_000 }).toEqual(['B4: 5.0 of 3', 'B6: 3.5 of 4'])
    await inspector.drained(20_000)

    await kill(child)
    rmSync(config.data, { recursive: true, force: true })
    await send({ item: 'I3', buyer: 'B7', amount: 40 })
    await start()
    const all = ['B4: 5.0 of 3', 'B6: 3.5 of 4', 'B7: 4.0 of 3']
    await expect.poll(dear, { timeout: 20_000 }).toEqual(all)
    expect(lines.join('\n')).toMatch(/task ready .*"position":\d+,"snapshot":null/)
    await isSaid('I1', [5, 30])
    await inspector.drained(20_000)
    expect(await dear()).toEqual(all)
    await asTheLog()
  }, 180_000)

  test('a rule that comes later, in an exchange that is new, finds what is known of features and lists', async () => {
    const name = uniqueName('later')
    const { config, inspector, start, send, handed } = await playing(name)
    await start()
    await send(...[1, 2, 3].map((n) => ({ item: 'I1', buyer: `B${n}`, amount: 10 })))
    await expect.poll(() => handed('by-buyer_id', 'I1'), { timeout: 20_000 }).toEqual(Array(4).fill([3, 10]))
    const rules = new RulesTopic(config.log, quiet)
    await rules.connect()
    ends.push(() => rules.close())
    const [{ id: list }] = inspector.set.lists
    const added = { kind: 'list', list, add: ['S1'], remove: [], ttlMs: null, atMs: Date.now() } as const
    const options = { connection: config.log, streams: config.streams, outputs: config.outputs, log: quiet }
    await GroupControl.with(options, (control) => control.change(inspector.set, added))

    const later = `rule: device_dear
version: 1
title: A device pays far more than others do, at a shop that is watched
on: order.created
by: [device_id]
window: 1h
evaluate: arrival
where: event.shop_id in lists.dear_buyers && event.amount >= 3 * features.item_market[event.item_id].price
measure: { orders: { count: events } }
when: orders >= 1
severity: medium
`
    const files = [...RULES, { path: 'later.yaml', text: later }]
    await rules.put({ files, configured: textHash(RULES), atMs: Date.now() })
    const answer = async () => (await rules.state()).answer
    await expect.poll(answer, { timeout: 30_000 }).toEqual({ hash: textHash(files), refused: null })
    const [first] = await inspector.records(exchangeTopic(name, 'by-device_id'))
    const kinds = first.map(({ value }) => decodeEntry(value!, config.streams).kind)
    expect(kinds.slice(0, 4)).toEqual(['rules', 'broadcast', 'broadcast', 'rules'])
    await send(
      { item: 'I1', buyer: 'B7', amount: 50, shop_id: 'S1', device_id: 'D1' },
      { item: 'I1', buyer: 'B8', amount: 50, shop_id: 'S2', device_id: 'D2' },
      { item: 'I1', buyer: 'B9', amount: 20, shop_id: 'S1', device_id: 'D3' },
    )
    const opened = async () =>
      (await inspector.outputs()).flatMap((o) => (o.kind === 'alert' && o.status === 'open' ? [o] : []))
    const found = async () => (await opened()).filter((o) => o.rule === 'device_dear').map((o) => o.key.device_id)
    await expect.poll(found, { timeout: 20_000 }).toEqual(['D1'])
  }, 120_000)

  /** 4,000 orders within 10 s or so; `between` is called after every 50 of them. */
  async function flow(
    { producer, stream }: Pick<Awaited<ReturnType<typeof playing>>, 'producer' | 'stream'>,
    between: (sent: number) => Promise<void>,
  ): Promise<void> {
    for (let n = 0; n < 4_000; n += 50) {
      const deals = Array.from({ length: 50 }, (_, i) => {
        const one = deal(n + i, Date.now(), 2)
        return {
          ...one,
          item_id: `I${one.shop_id.slice(1)}`,
          amount: (n + i) % 40 === 0 ? one.amount * 20 : one.amount,
        }
      })
      await sendDeals(producer, stream, deals)
      await sleep(100)
      await between(n + 50)
    }
  }

  async function ended({ inspector }: { inspector: Inspector }, children: readonly ChildProcess[]): Promise<void> {
    await inspector.drained(60_000)
    await sleep(2_000) // what was announced last is read too
    for (const child of children) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    const alerts = (await inspector.outputs()).flatMap((o) => (o.kind === 'alert' ? [o.rule] : []))
    expect(alerts.filter((rule) => rule === 'dear').length).toBeGreaterThan(10)
    expect(alerts.filter((rule) => rule === 'seen_dear').length).toBeGreaterThan(10)
  }

  test('killed while events flow, each value and each alert is there once', async () => {
    const it = await playing(uniqueName('storm'))
    let child = await it.start()
    await flow(it, async (sent) => {
      if (sent % 1_000 !== 900) return
      await it.kill(child)
      if (sent > 2_000) rmSync(it.config.data, { recursive: true, force: true })
      child = await it.start()
    })
    await ended(it, [child])
    await it.asTheLog()
  }, 180_000)

  test('two instances, one killed and a third one come, share the work: each value and each alert is there once', async () => {
    const it = await playing(uniqueName('two'))
    const children = [await it.start('a'), await it.start('b')]
    await flow(it, async (sent) => {
      if (sent === 1_500) await it.kill(children[0])
      if (sent === 2_500) children[0] = await it.start('c')
    })
    await ended(it, children)
    for (const instance of ['a', 'b', 'c'])
      expect(
        it.lines.filter((line) => line.startsWith(instance) && line.includes(' task ready ')).length,
      ).toBeGreaterThan(0)
    await it.asTheLog()
  }, 180_000)
})
