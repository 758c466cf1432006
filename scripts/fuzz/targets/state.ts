import { orderStream } from '../../../engine/edge/registry/formats/testing.ts'
import { blockFromRows } from '../../../engine/model/column.ts'
import { Counters } from '../../../engine/model/counters.ts'
import type { SnapshotSource } from '../../../engine/model/ports.ts'
import { compileRuleSet } from '../../../engine/rules/index.ts'
import { step } from '../../../engine/task/step.ts'
import { Task } from '../../../engine/task/task.ts'
import { snapshotOf } from '../../../engine/task/testing.ts'
import { NOON_MS } from './topics.ts'

const RULE = `rule: burst
version: 1
title: burst
on: order.created
by: [buyer_id]
window: 1m
measure: { orders: { count: events }, sum: { sum: amount } }
when: orders >= 3
severity: high
alert: { cooldown: 10s, explain: "{orders}", evidence: { events: 3, fields: [order_id, note] } }
`
const stream = orderStream('avro')
const ROWS = 60
/** Nobody looks into the pages of a memory before a task does. */
const PAGE_BYTES = 64

/** All of a task that has read some orders; its pages are cut short. */
export function smallSnapshot(): SnapshotSource {
  const compiled = compileRuleSet([{ path: 'r.yaml', text: RULE }], { streams: [stream] })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  const task = new Task({ streams: [stream], counters: new Counters(), finite: true })
  task.install(compiled.set)
  const rows = Array.from({ length: ROWS }, (_, i) => ({
    ...{ offset: i, timeMs: NOON_MS + i * 1_000, type: 'order.created', order_id: `O${i}`, buyer_id: `B${i % 5}` },
    ...{ amount: `${i}.50`, note: i % 3 === 0 ? null : `n${i % 4}` },
  }))
  step(task, [{ position: 0, entry: blockFromRows(stream, { topic: stream.topic, partition: 0 }, rows) }])
  const { head, pieces } = snapshotOf(task)
  const left = [...pieces].map(({ key, bytes }) => ({ key, bytes: key < 2 ** 49 ? bytes.slice(0, PAGE_BYTES) : bytes }))
  return { full: true, head, has: () => true, copy: () => (left.length > 0 ? left.splice(0) : null), giveUp: () => {} }
}
