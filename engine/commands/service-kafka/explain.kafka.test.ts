import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import type { RuleSource } from '../../model/block.ts'
import { decodeEntry } from '../../model/block-codec.ts'
import { Counters } from '../../model/counters.ts'
import type { AlertRecord } from '../../model/output.ts'
import { partitionOfValue } from '../../plan/partition.ts'
import { addExplain } from '../explain.ts'
import { kafkaService } from '../service-kafka.ts'
import { runVerb, startLapwing } from '../testing.ts'
import { type Deal, sendDeals } from './deals.ts'
import { configFor, Inspector, plainKafka, quiet } from './harness.ts'

const broker = await testBroker()
const EXCHANGE_PARTITIONS = 3

const rule = (id: string, by: string, rest: string) => `rule: ${id}
version: 1
title: T
owner: test
on: order.created
by: [${by}]
window: 10m
measure:
  orders: { count: events }
  buyers: { distinct: buyer_id }
${rest}
severity: high
`
/** By shop; by a let that is the shop; by buyer; by order, which goes by the buyer that it determines. */
const RULES: readonly RuleSource[] = [
  {
    path: 'shops.yaml',
    text: [
      rule('busy_shop', 'shop_id', 'when: orders >= 4 && orders >= 2 * buyers'),
      rule('shadow_shop', 'the_shop', 'let: { the_shop: event.shop_id }\nmode: shadow\nwhen: orders >= 5'),
    ].join('---\n'),
  },
  {
    path: 'buyers.yaml',
    text: [
      rule('busy_buyer', 'buyer_id', 'when: orders >= 100'),
      rule('order_again', 'order_id', 'when: orders >= 3'),
      `rule: order_twice
version: 1
title: T
owner: test
by: [buyer_id]
sequence: { steps: { ordered: { on: order.created, where: event.amount > 90 } } }
matches: [{ name: dear, order: [ordered], within: 1m, severity: low }]
`,
      `rule: dear
version: 1
title: A buyer pays far more than others do, where there was a burst
owner: test
on: order.created
by: [buyer_id]
window: 10m
evaluate: arrival
where: event.shop_id in lists.bursting && event.amount > 3 * features.market[event.item_id].price
measure: { orders: { count: events } }
when: orders >= 2 && features.market[event.item_id].orders >= 2
severity: low
`,
      'list: bursting\nkind: watch\nof: string\nsource: { alerts: busy_shop, ttl: 1h }\n',
      `feature: market
version: 1
title: What an item sells for
on: order.created
by: item_id
window: 1h
measure: { orders: { count: events }, price: { avg: amount } }
every: 1s
`,
    ].join('---\n'),
  },
]
const SHOPS = ['S0', 'S1', 'S2', 'S3']
const BUYERS = Array.from({ length: 8 }, (_, n) => `B${n}`)

type Clauses = { clauses: { text: string; holds: boolean; value: unknown }[] }

describe.skipIf('skip' in broker)('explain on a real broker', () => {
  const brokers = 'brokers' in broker ? broker.brokers : []
  const name = uniqueName('explain')
  const config = configFor(brokers, name)
  const [stream] = config.streams
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-explain-'))
  const inspector = new Inspector(config, RULES)
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  let alerts: AlertRecord[] = []
  let send: (deals: readonly Deal[]) => Promise<void>
  const startMs = Date.now() - 60_000

  const fileFor = (group: string, topic: string): string => {
    const file = join(folder, `${group}.yaml`)
    writeFileSync(
      file,
      `log: { kind: kafka, brokers: ['${brokers.join("', '")}'], group: ${group} }
streams: { transactions: { topic: ${stream.topic} } }
outputs: { alerts: ${topic}.alerts, shadow: ${topic}.shadow }
rules: [${join(folder, 'none')}]
`,
    )
    return file
  }
  const explain = (...args: string[]) => runVerb(addExplain, 'explain', ...args, '-c', fileFor(name, name))
  const told = async <T>(...args: string[]): Promise<T> => {
    const { code, out, err } = await explain(...args, '--json')
    expect([code, err]).toEqual([0, ''])
    return JSON.parse(out)
  }
  const opened = (id: string) => alerts.filter((a) => a.rule === id && a.status === 'open')

  beforeAll(async () => {
    writeFileSync(join(folder, 'none'), '')
    await createTopics([...brokers], { [stream.topic]: 2 })
    const producer = plainKafka(brokers).producer(ONCE)
    await Promise.all([producer.connect(), inspector.connect()])
    ends.push(
      () => inspector.close(),
      () => producer.disconnect(),
    )
    const options = { ruleFiles: RULES, counters: new Counters(), log: quiet, sessionTimeoutMs: 2_000 }
    const service = kafkaService(config, { ...options, exchangePartitions: EXCHANGE_PARTITIONS })
    ends.push(() => service.stop())
    service.start()
    // each shop: 6 orders of 2 buyers, a second apart; O7 stands three times, for B7 alone
    const deals = Array.from({ length: 24 }, (_, n): Deal => {
      const [shop, buyer] = [n % 4, (n % 4) * 2 + (Math.floor(n / 4) % 2)]
      const event_time = startMs + n * 250
      const rest = { type: 'order.created', event_time, amount: n === 23 ? 95 : 1, partition: buyer % 2 }
      const order_id = buyer === 7 ? 'O7' : `O-${n}`
      return { event_id: `e${n}`, order_id, shop_id: SHOPS[shop], buyer_id: BUYERS[buyer], ...rest }
    })
    send = async (rows) => {
      await sendDeals(producer, stream, rows)
      await inspector.drained(60_000)
      alerts = (await inspector.outputs()).flatMap((o) => (o.kind === 'alert' ? [o] : []))
    }
    await send(deals)
  }, 120_000)
  afterAll(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  test('keys and alerts of every partition, while the engine runs; nothing is left behind', async () => {
    expect(new Set(SHOPS.map((s) => partitionOfValue(s, EXCHANGE_PARTITIONS))).size).toBeGreaterThan(1)
    expect(opened('busy_shop').map((a) => a.key.shop_id).sort()).toEqual(SHOPS) // biome-ignore format: one line
    const trace = async () => ({
      topics: (await inspector.admin.listTopics()).filter((one) => one.includes(name)).sort(),
      groups: (await inspector.admin.listGroups()).groups.map((g) => g.groupId).filter((g) => g.includes(name)).sort(), // biome-ignore format: one line
      outputs: await Promise.all(
        [config.outputs.alerts, config.outputs.shadow].map((t) => inspector.admin.fetchTopicOffsets(t)),
      ),
    })
    const before = await trace()
    for (const alert of opened('busy_shop')) {
      const live = await told<object>('busy_shop', '--key', `shop_id=${alert.key.shop_id}`)
      expect(live).toMatchObject({
        key: alert.key,
        measures: { orders: 6, buyers: 2 },
        clauses: [{ holds: true, value: 6 }, { holds: true, value: 6, threshold: 4 }],
        alert: { alert_id: alert.alert_id, first_seen: alert.first_seen },
      }) // biome-ignore format: one look
      const derived = await told<Clauses & { alert: AlertRecord; steps: AlertRecord[]; note: null }>('--alert', alert.alert_id.slice(0, 16)) // biome-ignore format: one line
      expect(derived.alert).toEqual(alert)
      expect([derived.note, derived.steps.at(-1)!.measures]).toEqual([null, alert.measures])
      expect(derived.clauses.map(({ holds, value }) => [holds, value])).toEqual([[true, 4], [true, 4]]) // biome-ignore format: one line
    }
    const asked = ['explain', 'busy_shop', '--key', 'shop_id=S1', '-c', fileFor(name, name)]
    const asProcess = await startLapwing(folder, ...asked).ended // it ends: no connection is left open
    expect([asProcess.code, asProcess.err, asProcess.out]).toEqual([0, '', expect.stringMatching(/^busy_shop@1 shop_id=S1, at /)]) // biome-ignore format: one line
    expect(await trace()).toEqual(before)
  }, 60_000)

  test('a key whose exchange goes by a let that is a field, in shadow', async () => {
    const [alert] = opened('shadow_shop')
    expect(await told('shadow_shop', '--key', `the_shop=${alert.key.the_shop}`)).toMatchObject({
      measures: { orders: 6, buyers: 2 },
      alert: { alert_id: alert.alert_id },
    })
    expect(await told('--alert', alert.alert_id)).toMatchObject({ note: null, clauses: [{ holds: true, value: 5 }] })
  }, 60_000)

  test('a key whose exchange goes by what it determines is looked for in every partition', async () => {
    expect(inspector.exchanges.map(({ id }) => id)).toEqual(['by-buyer_id', 'by-item_id', 'by-shop_id'])
    expect(await told('order_again', '--key', 'order_id=O7')).toMatchObject({ measures: { orders: 3, buyers: 1 } })
    for (const n of [0, 1, 2, 4, 5])
      expect(await told('order_again', '--key', `order_id=O-${n}`)).toMatchObject({ measures: { orders: 1 } })
    expect(await told('order_again', '--key', 'order_id=O-none')).toMatchObject({
      measures: { orders: 0 },
      alert: null,
    })
    const [alert] = opened('order_again')
    const derived = await told<{ steps: unknown[] }>('--alert', alert.alert_id)
    expect(derived).toMatchObject({ alert, note: null, clauses: [{ holds: true, value: 3 }] })
    expect(derived.steps).toHaveLength(3)
  }, 60_000)

  test('a sequence is played again', async () => {
    const [alert] = opened('order_twice')
    expect(await told('--alert', alert.alert_id)).toMatchObject({ note: null, sequence: { came_again: true, steps: [{ step: 'ordered' }] } }) // biome-ignore format: one line
    const { code, err } = await explain('order_twice', '--key', 'buyer_id=B7')
    expect([code, err]).toEqual([2, expect.stringContaining('order_twice@1 is a sequence')])
  })

  test('lists and features that other tasks tell are as they were when it opened', async () => {
    let sent = 100
    const orders = (item_id: string, ...amounts: number[]) =>
      amounts.map((amount) => {
        const n = sent++
        const rest = { type: 'order.created', event_time: Date.now(), order_id: `P${n}`, shop_id: 'S0', buyer_id: amount > 10 ? 'B50' : `B${n}` } // biome-ignore format: one line
        return { event_id: `p${n}`, ...rest, amount, item_id, partition: 0 }
      })
    const said = async (kind: 'list' | 'feature', key: string) => {
      const partitions = await inspector.records(`${name}.exchange.by-buyer_id`)
      return partitions.every((records) =>
        records.some(({ value }) => {
          const entry = decodeEntry(value!, config.streams)
          const all = entry.kind === 'broadcast' ? entry.records : []
          return all.some((r) => (kind in r && 'item' in r ? r.item === key : 'key' in r && r.key === key))
        }),
      )
    }
    await send(orders('I1', 10, 10, 10))
    await expect.poll(() => said('feature', 'I1'), { timeout: 20_000 }).toBe(true)
    await expect.poll(() => said('list', 'S0'), { timeout: 20_000 }).toBe(true)
    await send(orders('I1', 50))
    await send(orders('I1', 70))
    const [alert] = opened('dear')
    const later = { type: 'order.created', event_time: Date.now(), order_id: 'P', shop_id: 'S0', amount: 900 }
    await send([...orders('I1', 1, 1, 1), { ...later, event_id: 'late', buyer_id: 'B60', partition: 0 }])
    const derived = await told('--alert', alert.alert_id)
    expect(derived).toMatchObject({ alert, note: null, clauses: [{ holds: true, value: 2 }, { holds: true }] })
    expect(alerts.filter((a) => a.alert_id === alert.alert_id).at(-1)!.status).toBe('closed')
    expect(await told('dear', '--key', 'buyer_id=B50')).toMatchObject({
      measures: { orders: 2 },
      clauses: [{ holds: true, value: 2 }, { note: 'known only when an event arrives' }],
      alert: null,
    })
  }, 120_000)

  test('what is not there is said in a line', async () => {
    const said = async (...args: string[]) => {
      const { code, err } = await explain(...args)
      expect(code).toBe(2)
      return err
    }
    expect(await said('--alert', 'nothing')).toBe('lapwing: no alert nothing in the log (old ones are deleted)\n')
    expect(await said('--alert', '')).toMatch(/^lapwing: \d+ alerts begin with /)
    expect(await said('lost', '--key', 'shop_id=S1')).toMatch(
      /the rule is not in force on this log; there are busy_shop@1, /,
    )
    expect(await said('busy_shop', '--key', 'buyer_id=B1')).toContain('--key shop_id=… is wanted')
  })

  test('what the log has let go of is not derived again, and says so', async () => {
    const [alert] = opened('busy_shop')
    const topic = `${name}.exchange.by-shop_id`
    const partitions = [...(await inspector.positions('by-shop_id'))].map(([partition, next]) => ({ partition, offset: String(next) })) // biome-ignore format: one line
    await inspector.admin.fetchTopicOffsets(topic)
    await inspector.admin.deleteTopicRecords({ topic, partitions })
    const note = 'the log no longer reaches back far enough to derive it'
    expect(await told('--alert', alert.alert_id)).toMatchObject({ alert, steps: [], clauses: null, note })
  })

  test('a group in which no engine has ever run', async () => {
    const none = uniqueName('none')
    const asked = async (...args: string[]) => {
      const { code, err } = await runVerb(addExplain, 'explain', ...args, '-c', fileFor(none, none))
      return [code, err]
    }
    const never = expect.stringContaining(`no engine of the group ${none} has ever run (at ${brokers.join(', ')})`)
    expect(await asked('busy_shop', '--key', 'shop_id=S1')).toEqual([2, never])
    const lacking = expect.stringContaining(`there is no topic ${none}.alerts or ${none}.shadow`)
    expect(await asked('--alert', 'a')).toEqual([2, lacking])
    expect((await inspector.admin.listTopics()).filter((topic) => topic.includes(none))).toEqual([])
  })
})
