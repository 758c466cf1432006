import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import type { LogEntry } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { Output } from '../model/output.ts'
import { Task } from './task.ts'
import { snapshotOf } from './testing.ts'

const { streams } = defaultConfig()
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000

const rules = (version: number): LogEntry => ({
  kind: 'rules',
  files: [
    {
      path: 'burst.yaml',
      text: `rule: burst
version: ${version}
title: many orders
on: order.created
by: [buyer_id]
window: 1m
measure: { orders: { count: events } }
when: orders >= 3
severity: high
alert: { cooldown: 10m, suspects: { of: shop_id, k: 2 } }
`,
    },
  ],
})

test('after a change of rules and a restart, an alert in its cooldown counts all its suspects', () => {
  let offset = 0
  const orders = (n: number, ms: number, shop: string, buyer = (_: number) => 'B'): LogEntry => {
    const rows = Array.from({ length: n }, (_, k) => ({
      offset: offset++,
      timeMs: T0 + ms + k,
      type: 'order.created',
      event_id: `E${offset}`,
      buyer_id: buyer(k),
      shop_id: shop,
    }))
    return blockFromRows(transactions, { topic: 'trade', partition: 0 }, rows)
  }
  // more events than one chunk, let go before the rules change: rows are numbered anew then
  const past = Array.from({ length: 5 }, (_, i) => orders(2_000, i * 300_000, 'S0', (k) => `X${k}`))
  const opened = [rules(2), orders(3, 4_000_000, 'S1'), orders(1, 4_100_000, 'S2')]
  const later = [orders(3, 4_110_000, 'S3'), orders(1, 7_000_000, 'S9', () => 'Z')]
  const fresh = () => new Task({ streams, counters: new Counters(), finite: false })
  let position = 0
  const play = (task: Task, entries: readonly LogEntry[]): Output[] => {
    const outputs: Output[] = []
    const sink = { output: (o: Output) => void outputs.push(o), change: () => {} }
    for (const entry of entries) {
      task.process({ position: position++, entry }, sink)
      task.flush(sink)
    }
    return outputs
  }
  const task = fresh()
  play(task, [rules(1), ...past, ...opened])
  const restarted = fresh()
  restarted.restore(snapshotOf(task))
  const expected = play(task, later)
  expect(expected.map((o) => o.kind === 'alert' && o.suspects)).toContainEqual([
    { value: 'S1', events: 3 },
    { value: 'S3', events: 3 },
  ])
  expect(play(restarted, later)).toEqual(expected)
})
