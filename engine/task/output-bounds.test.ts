import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { OutputEncoder } from '../edge/registry/record-encoder.ts'
import { markAll } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { AlertRecord, Output, RankingRecord } from '../model/output.ts'
import { cutText } from '../model/output-bounds.ts'
import { compileRuleSet } from '../rules/index.ts'
import { alertFromJson, alertToJson } from './alert.ts'
import { Suspects } from './suspects.ts'
import { Task } from './task.ts'

const { streams } = defaultConfig()
const [transactions, behavior] = streams
const T0 = 1_767_225_600_000
const MIB = 1 << 20

function play(text: string, stream: (typeof streams)[number], rows: readonly object[]) {
  const compiled = compileRuleSet([{ path: 'rules.yaml', text }], { streams })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  const counters = new Counters()
  const task = new Task({ streams, counters, finite: false })
  task.install(compiled.set)
  const outputs: Output[] = []
  const changes = new Map<string, string | null>()
  const sink = {
    output: (o: Output) => outputs.push(o),
    change: ({ key, value }: { key: string; value: string | null }) => changes.set(key, value),
  }
  for (const [i, row] of rows.entries()) {
    const place = { offset: i, timeMs: T0 + i, event_id: `E${i}` }
    const block = blockFromRows(stream!, { topic: 't', partition: 0 }, [{ ...place, ...row } as never])
    task.process({ position: i, entry: block }, sink)
  }
  task.process({ position: rows.length, entry: markAll(T0 + 120_000) }, sink)
  task.flush(sink)
  return { outputs, changes, counters }
}

const rule = `rule: r
version: 1
title: t
on: order.created
by: [shop_id]
window: 1h
params: { limit: 50 }
measure: { n: { count: events }, best: { top: buyer_id, k: 10 } }
when: n > params.limit
severity: low
alert: { explain: "{best} {n}", evidence: { events: 1000, fields: [order_id, buyer_id] }, suspects: { of: buyer_id, k: 50 } }
`
const orders = (idChars: number, count = 60) =>
  Array.from({ length: count }, (_, i) => ({
    type: 'order.created',
    shop_id: 'S1',
    order_id: `O${i}${'x'.repeat(idChars)}`,
    buyer_id: `B${i}${'y'.repeat(idChars)}`,
  }))

test.each([25_000, 300_000])('an alert and what is kept of it are bounded, with ids of %i characters', (idChars) => {
  const { outputs, changes, counters } = play(rule, transactions, orders(idChars))
  const [alert] = outputs as AlertRecord[]
  expect(alert).toMatchObject({ status: 'open', truncated: true, evidence: { total: 51, truncated: true } })
  expect(new OutputEncoder().encodeAlert(alert!).length).toBeLessThan(400 << 10)
  expect(JSON.stringify(alert).length).toBeLessThan(400 << 10)
  for (const value of changes.values()) expect(value?.length ?? 0).toBeLessThan(850 << 10)
  expect(counters.counter('outputs_cut_total', { rule: 'r' }).value).toBe(1)
  if (idChars > 100_000) return
  const events = alert!.evidence!.events
  expect(events.map((e) => e.event_id)).toEqual(['E46', 'E47', 'E48', 'E49', 'E50'])
  expect(counters.counter('values_refused_total', { rule: 'r' }).value).toBeGreaterThan(0)
})

test('an alert of ordinary size says nothing of it, with all its evidence', () => {
  const { outputs, counters } = play(rule.replace('limit: 50', 'limit: 999'), transactions, orders(12, 1_000))
  const [alert] = outputs as AlertRecord[]
  expect(alert!.evidence!.events.length).toBe(1_000)
  expect(alert).not.toHaveProperty('truncated')
  expect(counters.total('outputs_cut_total')).toBe(0)
})

test('what was cut is known of an alert that was taken up again', () => {
  const { changes } = play(rule, transactions, orders(25_000))
  const [json] = [...changes].find(([key]) => key.startsWith('alert/'))!.slice(1)
  const again = alertFromJson(json!)
  expect([again.isTruncated, again.suspectsCut]).toEqual([true, true])
  expect(again.suspects!.count(`new${'y'.repeat(25_000)}`)).toBe(false)
  expect(alertToJson(alertFromJson(json!))).toBe(json)
})

test('a ranking ends where its record is full: what is cut off is not ranked', () => {
  const lines = Array.from({ length: 16 }, (_, i) => `l${i}: { sparkline: 1000, step: 1m }`).join(', ')
  const text = `ranking: hot
version: 1
title: hot
on: [item.viewed]
rank: item_id
window: { sliding: 2m, step: 1m }
score: { weights: { item.viewed: 1 } }
limit: 10000
ties: [item_id asc]
columns: { ${lines} }
`
  const rows = Array.from({ length: 2_000 }, (_, i) => ({ type: 'item.viewed', item_id: `I${i}`, user_id: 'U' }))
  const { outputs, changes, counters } = play(text, behavior, rows)
  const [first] = outputs as RankingRecord[]
  expect(first!.truncated).toBe(true)
  expect(first!.items.length).toBeGreaterThan(0)
  expect(new OutputEncoder().encodeRanking(first!).length).toBeLessThan(MIB / 2)
  const [kept] = [...changes].filter(([key]) => key.startsWith('ranking/'))
  expect(JSON.parse(kept![1]!).places.length).toBe(first!.items.length)
  expect(counters.counter('outputs_cut_total', { rule: 'hot' }).value).toBe(outputs.length)
})

test('suspects are counted while there is room, known ones always', () => {
  const suspects = new Suspects()
  const long = (name: string) => name.padEnd(1_000, 'x')
  let taken = 0
  while (suspects.count(long(`B${taken}`))) taken++
  expect(taken).toBe(Math.floor((512 << 10) / 1_014))
  expect([suspects.count(long('B0')), suspects.get(long('B0')), suspects.isCut]).toEqual([true, 2, true])
})

test('a text is cut between characters', () => {
  expect(cutText('ab😀c', 3)).toBe('ab…')
  expect(cutText('ab😀c', 4)).toBe('ab😀…')
  expect(cutText('ab😀c', 5)).toBe('ab😀c')
})
