import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { markAll } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import { DEFAULT_LIMITS, type Limits } from '../model/limits.ts'
import type { Output } from '../model/output.ts'
import { compileRuleSet } from '../rules/index.ts'
import { Task } from './task.ts'
import { snapshotOf } from './testing.ts'

const { streams } = defaultConfig()
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000

interface Event {
  readonly ms: number
  readonly type?: string
  readonly shop?: string
  readonly buyer?: string
  readonly amount?: number
}

/** Plays the events, one a record; at `cut` the state goes through a snapshot. */
function play(text: string, limits: Partial<Limits>, events: readonly Event[], cut = -1, endMs = 10_000) {
  const compiled = compileRuleSet([{ path: 'rules.yaml', text }], { streams })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  const counters = new Counters()
  const fresh = (): Task => {
    const all = { ...DEFAULT_LIMITS, ...limits }
    const made = new Task({ streams, counters, finite: true, measures: true, limits: all })
    made.install(compiled.set)
    return made
  }
  const outputs: Output[] = []
  const sink = { output: (o: Output) => outputs.push(o), change: () => {} }
  let task = fresh()
  events.forEach(({ ms, type = 'order.created', shop = 'S', buyer = 'B', amount = 1 }, i) => {
    if (i === cut) {
      const saved = snapshotOf(task)
      task = fresh()
      task.restore(saved)
    }
    const row = { offset: i, timeMs: T0 + ms, type, event_id: `E${i}`, order_id: `O${i}` }
    const block = blockFromRows(transactions, { topic: 'trade', partition: 0 }, [
      { ...row, shop_id: shop, buyer_id: buyer, amount },
    ])
    task.process({ position: i, entry: block }, sink)
  })
  task.process({ position: events.length, entry: markAll(T0 + endMs) }, sink)
  const measures = outputs.flatMap((o) => (o.kind === 'measures' ? [o.measures] : []))
  const alerts = outputs.flatMap((o) => (o.kind === 'alert' ? [o] : []))
  return { task, counters, measures, alerts }
}

const rule = (rest: string, on = 'order.created') =>
  `rule: r\nversion: 1\ntitle: t\non: ${on}\nby: [shop_id]\nwindow: 1s\nseverity: low\n${rest}\n`

test('keys: at the maximum an event of a new key is passed over; a key that has gone makes room', () => {
  const text = rule('measure: { n: { count: events } }\nwhen: n > 99')
  const events = ['A', 'B', 'C', 'A', 'C'].map((shop, i) => ({ ms: i, shop }))
  const { measures, counters, task } = play(text, { keys: 2 }, [...events, { ms: 5_000, shop: 'C' }])
  expect(measures.map((m) => m.n)).toEqual([1, 1, 2, 1])
  expect(counters.counter('keys_refused_total', { rule: 'r' }).value).toBe(2)
  expect(task.gauges.liveKeys).toBe(0)
})

test.each([-1, 4])('values: a new one is not counted, and takes nothing out when it leaves (snapshot at %i)', (cut) => {
  const events = [
    { ms: 0, buyer: 'A' },
    { ms: 10, buyer: 'B' },
    { ms: 20, buyer: 'C' }, // no room
    { ms: 1_005, buyer: 'C' }, // A has left
    { ms: 1_015, buyer: 'A' }, // B has left
    { ms: 1_030, buyer: 'A' }, // the C that was not counted has left, the other one is there
    { ms: 5_000, buyer: 'A' },
  ]
  const text = rule('measure: { buyers: { distinct: buyer_id } }\nwhen: buyers > 99')
  const { measures, counters, task } = play(text, { values: 2 }, events, cut)
  expect(measures.map((m) => m.buyers)).toEqual([1, 2, 2, 2, 2, 2, 1])
  expect(counters.counter('values_refused_total', { rule: 'r' }).value).toBe(1)
  expect(task.gauges.liveValues).toBe(0)
})

const RANKED = `measure:
  best: { top: buyer_id, k: 9 }
  share: { share: buyer_id }
  median: { percentile: amount, p: 50 }
when: share > 2`

test.each(['', 'window: { tumbling: 1d }\n'])(
  'values: tallies and percentiles count those they know (%s)',
  (window) => {
    const text = rule(RANKED).replace('window: 1s\n', window || 'window: 1s\n')
    const events = [
      { ms: 0, buyer: 'A', amount: 10 },
      { ms: 100, buyer: 'B', amount: 10_000 },
      { ms: 150, buyer: 'C', amount: 20_000 },
      { ms: 200, buyer: 'A', amount: 10 },
    ]
    const { measures, task, counters } = play(text, { values: 3 }, events)
    expect(measures.map((m) => m.share)).toEqual([1, 0.5, 0.5, 2 / 3])
    expect(measures.at(-1)!.best).toEqual(['A', 'B'])
    expect(Number(measures.at(-1)!.median)).toBeCloseTo(10, 0)
    expect(counters.total('values_refused_total')).toBe(3)
    expect(task.gauges.liveValues).toBe(window ? 3 : 0)
  },
)

test('events a key: suspects and evidence look no further back', () => {
  const text = rule(
    'measure: { n: { count: events } }\nwhen: n >= 5\nalert: { suspects: { of: buyer_id, k: 9 }, evidence: { events: 9, fields: [order_id] } }',
  )
  const events = ['A', 'B', 'C', 'D', 'E', 'E'].map((buyer, i) => ({ ms: i, buyer }))
  const { alerts, counters } = play(text, { eventsPerKey: 2 }, events)
  expect(alerts[0].suspects.map((s) => s.value)).toEqual(['D', 'E'])
  expect(alerts[0].evidence).toMatchObject({ total: 5, truncated: true, events: [{}, {}] })
  expect(alerts.at(-1)!.suspects).toEqual([
    { value: 'E', events: 2 },
    { value: 'D', events: 1 },
  ])
  expect(counters.counter('walks_cut_total', { rule: 'r' }).value).toBe(2)
})

test('open alerts: a new one is not opened until one has closed', () => {
  const text = rule('measure: { n: { count: events } }\nwhen: n >= 1')
  const events = ['A', 'B', 'C'].map((shop, i) => ({ ms: i, shop }))
  const { alerts, counters } = play(text, { openAlerts: 2 }, [...events, { ms: 5_000, shop: 'C' }])
  expect(alerts.filter((a) => a.status === 'open').map((a) => a.key.shop_id)).toEqual(['A', 'B', 'C'])
  expect(counters.counter('alerts_refused_total', { rule: 'r' }).value).toBe(1)
})

test('timers: a new one is not set, and its violation does not stand', () => {
  const text = `rule: s
version: 1
title: t
by: [shop_id]
sequence:
  steps: { ordered: order.created, paid: payment.captured }
  forget_after: 1h
violations:
  - { name: unpaid, after: ordered, expect: [paid], within: 1s, severity: low }
`
  const events = ['A', 'B', 'C'].map((shop, i) => ({ ms: i, shop }))
  const { alerts, counters, task } = play(text, { timers: 2 }, events)
  expect(alerts.filter((a) => a.status === 'open').map((a) => a.key.shop_id)).toEqual(['A', 'B'])
  expect(counters.counter('timers_refused_total', { rule: 's' }).value).toBe(1)
  expect(task.gauges.rememberedKeys).toBe(3)
})

test('held bytes have the texts of the events, shown ones and those computed with', () => {
  const text = rule(
    'measure: { n: { distinct: buyer_id } }\nwhen: n > 99\nalert: { evidence: { events: 1, fields: [order_id] } }',
  )
  const held = (chars: number) => {
    const events = Array.from({ length: 500 }, (_, i) => ({ ms: i, buyer: `B${i}`.padEnd(chars, 'x') }))
    const { task } = play(text, {}, events, -1, 500)
    return task.gauges.heldBytes
  }
  expect(held(1_000) - held(10)).toBeGreaterThan(500 * 900)
})
