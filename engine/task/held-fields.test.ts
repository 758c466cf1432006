import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { Output } from '../model/output.ts'
import { compileRuleSet } from '../rules/index.ts'
import { Task } from './task.ts'

const { streams } = defaultConfig()
const stream = streams.find((s) => s.name === 'transactions')!
const rule = `rule: r
version: 1
title: T
on: order.created
let: { total: event.unit_price * event.quantity }
where: event.channel == "app"
by: [shop_id]
window: 1h
measure: { n: { count: events }, buyers: { distinct: buyer_id }, paid: { sum: amount }, most: { max: total } }
when: n >= 2
severity: low
alert: { explain: "{n} of {buyers}: {paid}, {most}", evidence: { events: 5, fields: [order_id, ip] } }
`
const compiled = compileRuleSet([{ path: 'r.yaml', text: rule }], { streams })
if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
const { set } = compiled

const block = blockFromRows(
  stream,
  { topic: stream.topic, partition: 0 },
  Array.from({ length: 5 }, (_, i) => ({
    offset: i,
    timeMs: i * 1_000,
    type: 'order.created',
    event_id: `E${i}`,
    order_id: `O${i}`,
    buyer_id: `B${i % 2}`,
    shop_id: 'S',
    ip: `10.0.0.${i}`,
    channel: 'app',
    unit_price: i,
    quantity: 2,
    amount: 2 * i,
  })),
)

function played(heldFields: 'all' | 'read') {
  const task = new Task({ streams, counters: new Counters(), finite: true, heldFields })
  task.install(set)
  const outputs: Output[] = []
  const sink = { output: (output: Output) => void outputs.push(output), change: () => {} }
  task.process({ position: 0, entry: block }, sink)
  task.finish('drained', sink)
  return { task, outputs }
}

test('events without the fields that no rule reads say the same', () => {
  const [all, read] = [played('all'), played('read')]
  expect(read.outputs).toEqual(all.outputs)
  expect(read.outputs.length).toBeGreaterThan(0)
  // shop, buyer, channel; event, order, ip; unit_price, quantity, the let; amount
  const shape = read.task.core.layout.shape
  expect(shape).toMatchObject({ codes: 3, texts: 3, numbers: 2, decimals: 2 })
  expect(all.task.core.layout.shape.texts).toBeGreaterThan(shape.texts)
})

test('no other rule set may come then', () => {
  expect(() => played('read').task.install(set)).toThrow()
})
