import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { Prng } from '../kit/prng.ts'
import type { Broadcast, ListRecord, LogEntry } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import { Task } from './task.ts'
import { runLog } from './testing.ts'

/** What is late is soon too late, and ids are not remembered: a rebuild reads no more than windows need. */
const streams = defaultConfig().streams.map((s) => ({ ...s, latenessMs: 10_000, dedupeMs: 0 }))
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000
const fresh = () => new Task({ streams, counters: new Counters(), finite: false })

/** A part of a rule set that others share: `burst` feeds a list that `quiet` reads. */
const rules = (title = 'a', version = 1, more = ''): LogEntry => ({
  kind: 'rules',
  files: [
    {
      path: 'rules.yaml',
      runs: 'here',
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
items: []
---
list: bursting
kind: watch
of: string
source: { alerts: burst, ttl: 90s }
${more}`,
    },
  ],
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

const said = (offset: number, list: string, item: string, change: Partial<ListRecord> = {}): ListRecord => {
  return { offset, list, item, on: true, ttlMs: null, untilMs: null, atMs: T0, ...change }
}
const broadcast = (...records: ListRecord[]): Broadcast => ({ kind: 'broadcast', topic: 'g.lists', records })
const opened = async (...entries: LogEntry[]) =>
  (await runLog(fresh, entries)).outputs.flatMap((o) =>
    o.kind === 'alert' && o.status === 'open' ? [`${o.rule} ${(o.event_time - T0) / 1e3}`] : [],
  )

test('an alert is announced, and is on the list that it feeds when it comes back as a record', async () => {
  const burst = [orders({ at: 0, shop: 'S2' }), orders({ at: 1 }, { at: 2 }, { at: 3 })]
  const { announcements } = await runLog(fresh, [rules(), ...burst])
  expect(announcements).toEqual([
    { kind: 'list', list: 'bursting', item: 'S1', untilMs: T0 + 93_000, atMs: T0 + 3_000 },
  ])
  // S1: quiet from its second order on, until it is on the list; again when the alert's 90 s are over
  const later = [orders({ at: 80 }), orders({ at: 92 }), orders({ at: 93 })]
  const onList = broadcast(said(0, 'bursting', 'S1', { untilMs: T0 + 93_000 }))
  expect(await opened(rules(), ...burst, onList, ...later)).toEqual(['quiet 2', 'burst 3', 'burst 93', 'quiet 93'])
  expect(await opened(rules(), ...burst, ...later)).toEqual(['quiet 2', 'burst 3', 'burst 93'])
})

test('a record that comes again changes nothing; its ttl counts from when it was first read', async () => {
  const add = said(5, 'trusted', 'B1', { ttlMs: 20_000 })
  const take = said(6, 'trusted', 'B1', { on: false })
  const first = orders({ at: 10, shop: 'S9' })
  const events = [orders({ at: 10 }), orders({ at: 11 }), orders({ at: 29 })]
  const after = [orders({ at: 30 }), orders({ at: 31 }), orders({ at: 32 })]
  // the 20 s begin at the clock of the first reading, 10 s
  const log = (...more: LogEntry[]) => opened(rules(), first, broadcast(add), ...more)
  expect((await log(...events, broadcast(add), ...after)).filter((o) => o.startsWith('burst'))).toEqual(['burst 32'])
  const again = [broadcast(take), broadcast(add, take), broadcast(add)]
  expect((await log(...again, ...events)).filter((o) => o.startsWith('burst'))).toEqual(['burst 29'])
})

test('a list that comes back to the rules takes its records anew', () => {
  const task = fresh()
  const items = '---\nlist: shops\nkind: deny\nof: string\nitems: [S1]\n'
  const sink = { output: () => {}, change: () => {} }
  const read = (entry: LogEntry, position: number) => task.process({ position, entry }, sink)
  const change = broadcast(said(3, 'shops', 'S2'), said(4, 'shops', 'S1', { on: false }))
  read(rules('a', 1, items), 0)
  read(change, 1)
  expect(task.listItems('shops')).toEqual(['S2'])
  read(rules('b', 2), 2)
  read(change, 3)
  read(rules('c', 3, items), 4)
  expect(task.listItems('shops')).toEqual(['S1'])
  read(change, 5)
  expect(task.listItems('shops')).toEqual(['S2'])
})

test('cut anywhere and built again, with records that come again, lists are as they were at each record', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const prng = new Prng(seed)
    const records: ListRecord[] = []
    const entries: LogEntry[] = [rules()]
    let at = 0
    for (let i = 0; i < 40; i++) {
      at += prng.int(12)
      const buyer = `B${prng.int(3)}`
      const kind = prng.int(8)
      if (kind < 2) {
        const ttlMs = prng.int(2) === 0 ? null : 40_000
        records.push(said(records.length, 'trusted', buyer, { on: kind === 0, ttlMs, atMs: T0 + at * 1_000 }))
        entries.push(broadcast(...records.slice(-1 - prng.int(3))))
      } else if (kind === 2) entries.push(rules(`t${i}`, 2 + i))
      else entries.push(orders({ at, buyer, shop: `S${prng.int(2)}` }, { at: at + 1, buyer: `B${prng.int(3)}` }))
    }
    const whole = await runLog(fresh, entries)
    expect(whole.outputs.length).toBeGreaterThan(5)
    for (let cut = 1; cut < entries.length; cut += 3) {
      expect(await runLog(fresh, entries, cut), `seed ${seed}, cut at ${cut}`).toEqual(whole)
      expect(await runLog(fresh, entries, cut, 'snapshot'), `seed ${seed}, snapshot at ${cut}`).toEqual(whole)
    }
    // without the repetitions
    const seen = new Set<number>()
    const once = entries.map((entry) => {
      if (entry.kind !== 'broadcast') return entry
      const fresh = (entry.records as ListRecord[]).filter((r) => !seen.has(r.offset))
      for (const { offset } of fresh) seen.add(offset)
      return { ...entry, records: fresh }
    })
    expect(await runLog(fresh, once)).toEqual(whole)
  }
}, 60_000)
