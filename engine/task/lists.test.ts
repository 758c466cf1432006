import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { Prng } from '../kit/prng.ts'
import type { LogEntry, LogRecord } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { AlertRecord, Output } from '../model/output.ts'
import { rebuild, step } from './step.ts'
import { Task } from './task.ts'
import { snapshotOf } from './testing.ts'

const { streams } = defaultConfig()
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000

const rules = (title: string, version: number, more = ''): LogEntry => ({
  kind: 'rules',
  files: [
    { path: 'shops.txt', text: 'S1\nS2\n', data: true },
    {
      path: 'rules.yaml',
      text: `rule: burst
version: ${version}
title: ${title}
on: order.created
by: [shop_id]
window: 1m
where: "!(event.buyer_id in lists.trusted)"
measure: { orders: { count: events } }
when: orders >= 3
severity: high
alert: { cooldown: 10s }
---
rule: quiet
version: 1
title: Orders at shops that did not burst lately
on: order.created
by: [shop_id]
window: 2m
measure: { orders: { count: events } }
when: orders >= 2 && !(key.shop_id in lists.bursting)
severity: low
alert: { cooldown: 5s }
---
list: trusted
kind: allow
of: string
source: { topic: trusted }
---
list: bursting
kind: watch
of: string
source: { alerts: burst, ttl: 90s }
${more}`,
    },
  ],
})
const list = (add: string[], remove: string[] = [], ttlMs: number | null = null): LogEntry => ({
  kind: 'list',
  list: 'trusted',
  add,
  remove,
  ttlMs,
  atMs: 0,
})

let offset = 0
const orders = (...rows: readonly { at: number; shop?: string; buyer?: string }[]): LogEntry =>
  blockFromRows(
    transactions,
    { topic: 'trade', partition: 0 },
    rows.map(({ at, shop = 'S1', buyer = 'B1' }) => ({
      offset: offset++,
      timeMs: T0 + at * 1_000,
      type: 'order.created',
      shop_id: shop,
      buyer_id: buyer,
      event_id: `E${offset}`,
    })),
  )
const mark = (at: number): LogEntry => ({
  kind: 'mark',
  sourceTopic: 'trade',
  sourcePartition: 0,
  upToMs: T0 + at * 1_000,
  sources: ['trade/0'],
})

/** Outputs record by record; at `cut` the task is dropped and made anew, from its log or from a snapshot. */
function fresh(): Task {
  return new Task({ streams, counters: new Counters(), finite: false })
}

async function run(entries: readonly LogEntry[], cut = -1, how: 'log' | 'snapshot' = 'log'): Promise<Output[][]> {
  const records: LogRecord[] = entries.map((entry, i) => ({ position: 10 * i, entry }))
  const kept = new Map<string, string>()
  let task = fresh()
  const made: Output[][] = []
  for (const [i, record] of records.entries()) {
    if (i === cut && i > 0 && how === 'snapshot') {
      const saved = snapshotOf(task)
      task = fresh()
      task.restore(saved)
    } else if (i === cut) {
      task = fresh()
      await rebuild(task, {
        committed: async () => ({ position: i === 0 ? -1 : records[i - 1]!.position, kept }),
        past: async function* (_, through) {
          yield records.filter((r) => r.position <= through)
        },
      })
    }
    const { outputs, changes } = step(task, [record])
    for (const [key, value] of changes) {
      if (value === null) kept.delete(key)
      else kept.set(key, value)
    }
    made.push([...outputs])
  }
  return made
}

const opened = (made: readonly Output[][]) =>
  made
    .flat()
    .flatMap((o) => (o.kind === 'alert' && o.status === 'open' ? [`${o.rule} ${(o.event_time - T0) / 1e3}`] : []))

test('a change counts for what is read behind it, and a ttl ends with stream time', async () => {
  // B1's orders count until the change at 10 s, and again from 30 s on, when its 20 s are over
  const made = await run([
    rules('a', 1),
    orders({ at: 0 }, { at: 10 }),
    list(['B1'], [], 20_000),
    orders({ at: 15 }, { at: 29.999 }),
    orders({ at: 30 }),
  ])
  expect(opened(made)).toEqual(['quiet 10', 'burst 30'])
})

test('alerts feed a list, right after the record that made them, for the time that it says', async () => {
  // the burst at 2 s puts S1 on the list until 92 s: "quiet" ends at the next order, and holds again from then on
  const made = await run([
    rules('a', 1),
    orders({ at: 0 }),
    orders({ at: 1 }, { at: 2 }),
    orders({ at: 80 }),
    orders({ at: 91.999 }),
    orders({ at: 92 }),
  ])
  expect(opened(made)).toEqual(['quiet 1', 'burst 2', 'burst 92', 'quiet 92'])
  const quiet = made.flat().filter((o): o is AlertRecord => o.kind === 'alert' && o.rule === 'quiet')
  expect(quiet.map((a) => [a.status, (a.event_time - T0) / 1e3])).toContainEqual(['closed', 80])
})

test('what goes on the list is what the alert is about: the last of "by" if nothing is said', async () => {
  const about = (alert: string): LogEntry => {
    const entry = rules('a', 1) as LogEntry & { kind: 'rules' }
    const text = entry.files.find((f) => !f.data)!.text.replace('by: [shop_id]', 'by: [shop_id, buyer_id]')
    return { ...entry, files: [{ path: 'rules.yaml', text: text.replace('{ cooldown: 10s }', alert) }] }
  }
  const events = [orders({ at: 0 }), orders({ at: 1 }, { at: 2 }), orders({ at: 60 }), orders({ at: 61 })]
  const closed = async (alert: string) =>
    (await run([about(alert), ...events]))
      .flat()
      .some((o) => o.kind === 'alert' && o.status === 'closed' && o.rule === 'quiet')
  expect(await closed('{ about: shop_id }')).toBe(true)
  expect(await closed('{ cooldown: 10s }')).toBe(false) // B1 is no shop
})

test('a list that the rules no longer have is forgotten; one of a file may be changed', async () => {
  const items = '---\nlist: shops\nkind: deny\nof: string\nitems: [S1, S2]\n'
  const task = fresh()
  const read = (entry: LogEntry, position: number) => step(task, [{ position, entry }]).changes
  read(rules('a', 1, items), 0)
  const shops = (add: string[], remove: string[]): LogEntry => ({
    kind: 'list',
    list: 'shops',
    add,
    remove,
    ttlMs: null,
    atMs: 0,
  })
  const changes = read(shops(['S3', 'S2'], ['S1']), 1)
  expect(task.listItems('shops')).toEqual(['S2', 'S3'])
  expect([...changes.keys()].filter((key) => key.startsWith('list/'))).toEqual(['list/shops/"S1"', 'list/shops/"S3"'])
  expect([...read(rules('b', 2), 2)].filter(([key]) => key.startsWith('list/'))).toEqual([
    ['list/shops/"S1"', null],
    ['list/shops/"S3"', null],
  ])
  expect(task.listItems('shops')).toBeNull()
})

test('put in force, a list from a file begins as the file is, one from a topic keeps its changes', () => {
  const shops = '---\nlist: shops\nkind: deny\nof: string\nsource: { file: shops.txt }\n'
  const task = fresh()
  const read = (entry: LogEntry, position: number) => step(task, [{ position, entry }]).changes
  read(rules('a', 1, shops), 0)
  read({ kind: 'list', list: 'shops', add: ['S3'], remove: ['S1'], ttlMs: null, atMs: 0 }, 1)
  read(list(['B1']), 2)
  expect([task.listItems('shops'), task.listItems('trusted')]).toEqual([['S2', 'S3'], ['B1']])
  const changes = read(rules('b', 2, shops), 3)
  expect([task.listItems('shops'), task.listItems('trusted')]).toEqual([['S1', 'S2'], ['B1']])
  expect([...changes].filter(([key]) => key.startsWith('list/'))).toEqual([
    ['list/shops/"S1"', null],
    ['list/shops/"S3"', null],
  ])
})

test('cut anywhere and built again from the log, lists are as they were at each record', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const prng = new Prng(seed)
    let at = 0
    const entries: LogEntry[] = [rules('a', 1)]
    for (let i = 0; i < 40; i++) {
      at += prng.int(12)
      const kind = prng.int(10)
      const buyer = `B${prng.int(3)}`
      if (kind === 0) entries.push(list([buyer], [], prng.int(2) === 0 ? null : 40_000))
      else if (kind === 1) entries.push(list([], [buyer]))
      else if (kind === 2) entries.push(mark(at))
      else if (kind === 3) entries.push(rules(`t${i}`, 2 + i))
      else entries.push(orders({ at, buyer, shop: `S${prng.int(2)}` }, { at: at + 1, buyer: `B${prng.int(3)}` }))
    }
    const whole = await run(entries)
    expect(whole.flat().length).toBeGreaterThan(5)
    for (let cut = 0; cut < entries.length; cut += 3) {
      expect(await run(entries, cut), `seed ${seed}, cut at ${cut}`).toEqual(whole)
      expect(await run(entries, cut, 'snapshot'), `seed ${seed}, snapshot at ${cut}`).toEqual(whole)
    }
  }
}, 60_000)
