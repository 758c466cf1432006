import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { Prng } from '../kit/prng.ts'
import type { FeatureRecord, LogEntry, RuleSource } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { Announcement, Output } from '../model/output.ts'
import { Task } from './task.ts'
import { runLog } from './testing.ts'

/** What is late is soon too late, and ids are not remembered: a rebuild reads no more than windows and features need. */
const streams = defaultConfig().streams.map((s) => ({ ...s, latenessMs: 10_000, dedupeMs: 0 }))
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000
const fresh = () => new Task({ streams, counters: new Counters(), finite: false })
const measuring = () => new Task({ streams, counters: new Counters(), finite: false, measures: true })

const feature = (version = 1) => `feature: market
version: ${version}
title: What an item goes for
on: item.traded
by: item_id
window: 2m
measure:
  trades: { count: events }
  median: { percentile: unit_price, p: 50 }
  shops: { top: shop_id, k: 2 }
  last: { last: shop_id }
every: 1m
`
/** By buyer: says what it reads of an item as it is evaluated, and as its events were read. */
const reader = (version = 1, read = 'features.market[event.item_id].trades') => `rule: reader
version: ${version}
title: Reads the market
on: order.created
by: [buyer_id]
window: 1m
let: { read: "${read}" }
unless: event.shop_id in lists.none || event.quantity > 5 ${read.startsWith('f') ? '|| event.shop_id == features.market[event.item_id].last' : ''}
measure:
  orders: { count: events }
  most: { max: read }
  all: { sum: read }
when: orders > 0
severity: low
alert: { explain: "{most} {all}" }
---
list: none
kind: allow
of: string
items: []
`
const rules = (here: string[], elsewhere: string[] = []): LogEntry => {
  const file = (texts: string[], runs: RuleSource['runs']): RuleSource[] =>
    texts.length === 0 ? [] : [{ path: 'rules.yaml', text: texts.join('---\n'), runs: runs! }]
  return { kind: 'rules', files: [...file(here, 'here'), ...file(elsewhere, 'elsewhere')] }
}

let offset = 0
interface Row {
  readonly at: number
  readonly item?: string
  readonly price?: number
  readonly shop?: string
  readonly buyer?: string
}
const rowsOf =
  (type: string) =>
  (...rows: readonly Row[]): LogEntry =>
    blockFromRows(
      transactions,
      { topic: 'trade', partition: 0 },
      rows.map(({ at, item = 'I1', price = 10, shop = 'S1', buyer = 'B1' }) => ({
        ...{ offset: offset++, timeMs: T0 + at * 1_000, type, event_id: `E${offset}` },
        ...{ item_id: item, unit_price: price, shop_id: shop, buyer_id: buyer, quantity: 2 },
      })),
    )
const trades = rowsOf('item.traded')
const orders = rowsOf('order.created')
const mark = (at: number): LogEntry => ({
  ...{ kind: 'mark', sourceTopic: 'trade', sourcePartition: 0, sources: ['trade/0'] },
  upToMs: T0 + at * 1_000,
})
const says = (offset: number, key: string, values: FeatureRecord['values'], version = 1): FeatureRecord => {
  return { offset, feature: 'market', version, key, values }
}
const broadcast = (...records: FeatureRecord[]): LogEntry => ({ kind: 'broadcast', topic: 'g.market', records })

/** Percentiles are 1 % right. */
const ten = expect.closeTo(10, 0)
const told = (announcements: readonly Announcement[]) =>
  announcements.map((a) => (a.kind === 'feature' ? [a.key, a.values] : []))
const said = (outputs: readonly Output[]) =>
  outputs.flatMap((o) => (o.kind === 'alert' && o.status === 'open' ? [o.explain] : []))

test('what a feature publishes is announced where it is not what was said before', async () => {
  const { announcements, outputs } = await runLog(fresh, [
    rules([feature()]),
    trades({ at: 10 }, { at: 20, item: 'I2', shop: 'S2' }),
    mark(65),
    trades({ at: 70, price: 20 }),
    mark(125), // I1 again; I2 is as it was
    mark(190), // I2 left at 140; of I1, the first trade at 130
    mark(245),
  ])
  expect(outputs).toEqual([])
  expect(told(announcements)).toEqual([
    ['I2', [1, ten, ['S2'], 'S2']],
    ['I1', [1, ten, ['S1'], 'S1']],
    ['I1', [2, ten, ['S1'], 'S1']],
    ['I2', null],
    ['I1', [1, expect.closeTo(20, 0), ['S1'], 'S1']],
    ['I1', null],
  ])
})

test('a changed feature announces what the events held make it say, an unchanged one nothing', async () => {
  const setup = [rules([feature()]), trades({ at: 10 }), mark(65)]
  const after = async (...texts: string[]) => (await runLog(fresh, [...setup, rules(texts)])).announcements.slice(1)
  expect(await after(feature(), reader())).toEqual([])
  expect(await after(feature(2))).toEqual([
    { kind: 'feature', feature: 'market', version: 2, key: 'I1', values: [1, ten, ['S1'], 'S1'] },
  ])
})

test('a rule reads what records of the control topic say, its own task’s feature included; lets keep it', async () => {
  const log = [
    trades({ at: 1 }),
    mark(65),
    orders({ at: 70, buyer: 'B1' }),
    broadcast(says(0, 'I1', [3, 10, ['S1'], 'S9'])),
    orders({ at: 71, buyer: 'B2' }),
    broadcast(says(1, 'I1', [5, 10, ['S1'], 'S9']), says(0, 'I1', [3, 10, ['S1'], 'S9'])),
    orders({ at: 72, buyer: 'B2' }, { at: 72, buyer: 'B3' }, { at: 73, buyer: 'B4', item: 'I2' }),
    broadcast(says(2, 'I1', null), says(3, 'I1', [9, 1, [], null], 2)), // another version is not its own
    orders({ at: 74, buyer: 'B5' }),
  ]
  const expected = ['unknown 0', '3 3', '5 5', 'unknown 0', 'unknown 0']
  for (const first of [rules([reader()], [feature()]), rules([feature(), reader()])]) {
    const { outputs } = await runLog(fresh, [first, ...log])
    expect(said(outputs)).toEqual(expected)
  }
})

test('a rule that comes to read a feature is warm: events held are asked again behind what the topic holds', async () => {
  const without = rules([reader(1, '7')], [feature()])
  const set = rules([reader(2)], [feature()])
  const contents = broadcast(says(0, 'I1', [3, 1, [], null]))
  const log = [without, orders({ at: 1 }), set, contents, set, broadcast(says(1, 'I1', [5, 1, [], null]))]
  const entries = [...log, orders({ at: 2 }), mark(3), set, orders({ at: 4 })]
  const whole = await runLog(measuring, entries)
  const read = whole.outputs.flatMap((o) => (o.kind === 'measures' ? [o.measures.all] : []))
  expect(read).toEqual([7, 8, 15]) // 3 and 5; put in force again, all three 5
  for (let cut = 1; cut < entries.length; cut++) expect(await runLog(measuring, entries, cut)).toEqual(whole)
})

test('a control topic that was made again is read from its beginning, in a rebuild too', async () => {
  const of = (id: string, record: FeatureRecord): LogEntry => {
    return { kind: 'broadcast', topic: `g.market#${id.repeat(32)}`, records: [record] }
  }
  const [old, first] = [says(5, 'I1', [1, 1, [], null]), says(0, 'I1', [2, 1, [], null])]
  const log = [rules([reader()], [feature()]), mark(0), of('a', old), orders({ at: 1 }), of('b', first)]
  const entries = [...log, orders({ at: 2 }), of('b', first), mark(3), orders({ at: 4 })]
  const whole = await runLog(measuring, entries)
  const read = whole.outputs.flatMap((o) => (o.kind === 'measures' ? [o.measures.all] : []))
  expect(read).toEqual([1, 3, 5])
  for (let cut = 1; cut < entries.length; cut++) expect(await runLog(measuring, entries, cut)).toEqual(whole)
})

test('a rebuild that begins with a record that came again does not take it for news', async () => {
  const [one, two] = [says(0, 'I1', [1, 1, [], null]), says(1, 'I1', [2, 1, [], null])]
  const long = [100, 200, 300].map((at) => mark(at))
  const log = [rules([reader()], [feature()]), mark(0), broadcast(one), broadcast(two), ...long, broadcast(one)]
  const entries = [...log, orders({ at: 301 }), broadcast(one, two), orders({ at: 302 })]
  const whole = await runLog(measuring, entries)
  const read = whole.outputs.flatMap((o) => (o.kind === 'measures' ? [o.measures.all] : []))
  expect(read).toEqual([2, 4])
  for (let cut = 1; cut < entries.length; cut++) expect(await runLog(measuring, entries, cut)).toEqual(whole)
})

test('a key that is not known any more is kept for as long as a rebuild may ask for it, and no longer', async () => {
  // an epoch is 70 s, and begins at 0: what was so at its end is asked for in the epoch after the next
  const entries = [
    rules([reader()], [feature()]),
    mark(0),
    broadcast(says(0, 'I1', [4, 1, [], null])),
    mark(20),
    orders({ at: 130 }), // reads 4
    broadcast(says(1, 'I1', null)),
    mark(141),
    broadcast(says(2, 'I2', [3, 1, [], null])),
    orders({ at: 150, item: 'I2' }),
  ]
  const whole = await runLog(measuring, entries)
  expect(whole.outputs.flatMap((o) => (o.kind === 'measures' ? [o.measures.all] : []))).toEqual([4, 7])
  for (let cut = 1; cut < entries.length; cut++) expect(await runLog(measuring, entries, cut)).toEqual(whole)
  const task = measuring()
  const kept = new Map<string, string | null>()
  const later = [...entries, mark(280), broadcast(says(3, 'I2', [2, 1, [], null]))]
  const sink = { output: () => {}, change: (c: { key: string; value: string | null }) => kept.set(c.key, c.value) }
  for (const [position, entry] of later.entries()) {
    task.process({ position, entry }, sink)
    task.flush(sink)
  }
  expect([kept.get('feature/market.1/"I1"'), kept.get('feature/market.1')]).toEqual([null, expect.anything()])
})

test('restarts change nothing, from the log and from a snapshot, whatever comes again and whatever is read', {
  timeout: 120_000,
}, async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = new Prng(seed)
    // with the feature's own window in the task, a rebuild reads far more than the reader needs
    const set = (text: string) => (seed === 1 ? rules([feature(), text]) : rules([text], [feature()]))
    const records: FeatureRecord[] = []
    const entries: LogEntry[] = [set(reader())]
    let at = 3_000
    let version = 1
    for (let i = 0; i < 110; i++) {
      at += random.int(12)
      const item = `I${random.int(4)}`
      const row = { item, shop: `S${random.int(3)}`, buyer: `B${random.int(3)}`, price: 1 + random.int(50) }
      const kind = random.int(12)
      if (kind < 4) {
        const shop = `S${random.int(3)}`
        records.push(says(records.length, item, random.int(4) === 0 ? null : [random.int(9), 1, [shop], shop]))
        entries.push(broadcast(...records.slice(-1 - (random.int(3) === 0 ? random.int(30) : 0))))
        if (random.int(3) === 0) entries.push(broadcast(...records.slice(-30, -3)))
      } else if (kind === 4 && random.int(3) === 0) {
        version++
        const isRead = random.int(3) > 0
        entries.push(set(isRead ? reader(version) : reader(version, '7')))
        // what a router puts behind a rule set
        if (isRead) entries.push(broadcast(...records), set(reader(version)))
      } else if (kind === 5) entries.push(mark(at))
      else if (kind < 8) entries.push(trades({ at, ...row }))
      else entries.push(orders({ at, ...row }, { at: at - random.int(9), ...row, item: `I${random.int(4)}` }))
    }
    const whole = await runLog(measuring, entries)
    expect(whole.outputs.filter((o) => o.kind === 'measures' && o.measures.most !== null).length).toBeGreaterThan(20)
    expect(whole.announcements.length > 5).toBe(seed === 1)
    for (let cut = 1; cut < entries.length; cut += 2)
      for (const how of cut % 8 === 1 ? (['log', 'snapshot'] as const) : (['log'] as const))
        expect(await runLog(measuring, entries, cut, how), `seed ${seed}, ${how} ${cut}`).toEqual(whole)
    const seen = new Set<number>()
    const once = entries.map((entry) => {
      if (entry.kind === 'rules') seen.clear()
      if (entry.kind !== 'broadcast') return entry
      const news = entry.records.filter((r) => r.offset > Math.max(-1, ...seen))
      for (const { offset } of news) seen.add(offset)
      return { ...entry, records: news }
    })
    expect(await runLog(measuring, once)).toEqual(whole)
  }
})
