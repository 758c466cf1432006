import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { Output } from '../model/output.ts'
import { compileRuleSet } from '../rules/index.ts'
import { Task } from './task.ts'

const { streams } = defaultConfig()
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000

const RULES = `rule: few
version: 1
title: t
on: order.created
by: [shop_id]
window: 10s
measure: { n: { count: events, window: { tumbling: 1m, zone: UTC } } }
when: n <= 1
severity: low
---
rule: steps
version: 1
title: t
by: [order_id]
settle: 2m
sequence: { steps: { created: order.created, paid: payment.captured } }
matches:
  - { name: m, order: [created, paid], within: 1m, severity: low, explain: x }
`

/**
 *  0s        59s   60s    69s      120s          179s    180s
 *            order  end    leaves   end           enters  (end)
 *                                                 the sequence: the last thing that happens
 */
test('a finite input is followed until its events have entered what settles', () => {
  const compiled = compileRuleSet([{ path: 'rules.yaml', text: RULES }], { streams })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  const task = new Task({ streams, counters: new Counters(), finite: true })
  task.install(compiled.set)
  const outputs: Output[] = []
  const sink = { output: (o: Output) => void outputs.push(o), change: () => {} }
  const order = { offset: 0, timeMs: T0 + 59_000, type: 'order.created', event_id: 'E', order_id: 'O', shop_id: 'S' }
  const entry = blockFromRows(transactions, { topic: 'trade', partition: 0 }, [order])
  task.process({ position: 0, entry }, sink)
  task.finish('drained', sink)
  const closed = outputs.flatMap((o) => (o.kind === 'alert' && o.status === 'closed' ? [o] : []))
  expect(closed.map((a) => [a.rule, a.last_seen - T0, a.event_time - T0])).toEqual([['few', 120_000, 179_000]])
})
