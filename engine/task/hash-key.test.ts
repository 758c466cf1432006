import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { processKey } from '../kit/keyed-hash.ts'
import type { LogEntry, LogRecord } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import { step } from './step.ts'
import { Task } from './task.ts'
import { snapshotOf } from './testing.ts'

const { streams } = defaultConfig()
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000

const RULES: LogEntry = {
  kind: 'rules',
  files: [
    {
      path: 'pair.yaml',
      text: `rule: pair
version: 1
title: a pair
on: order.created
by: [buyer_id, shop_id]
window: 30s
measure: { orders: { count: events }, items: { distinct: order_id }, spread: { percentile: quantity, p: 50 } }
when: orders >= 3 && items > 1 && spread > 0
severity: low
`,
    },
    {
      path: 'often.yaml',
      text: `rule: often
version: 1
title: the same again
on: order.created
by: [buyer_id]
window: { tumbling: 1m }
measure: { best: { top: shop_id, k: 2 }, orders: { count: events } }
when: orders > 3 && size(best) > 1
severity: high
alert: { suspects: { of: shop_id, k: 2 } }
`,
    },
  ],
}

const order = fc.record({ gap: fc.nat(4_000), buyer: fc.nat(5), shop: fc.nat(4), id: fc.nat(80) })

function recordsOf(orders: readonly { gap: number; buyer: number; shop: number; id: number }[]): LogRecord[] {
  let timeMs = T0
  const entries = orders.map(({ gap, buyer, shop, id }, offset) => {
    timeMs += gap
    const row = { offset, timeMs, type: 'order.created', event_id: `E${id}`, order_id: `O${id % 20}` }
    const others = { buyer_id: `B${buyer}`, shop_id: `S${shop}`, quantity: 1 + (id % 7) }
    return blockFromRows(transactions, { topic: 'trade', partition: 0 }, [{ ...row, ...others }])
  })
  return [RULES, ...entries].map((entry, position) => ({ position, entry }))
}

/** Everything that it makes and keeps, by record; at `cut` it is saved, and goes on in a process with another key. */
function played(records: readonly LogRecord[], keys: readonly [number, number][], cut = -1): unknown[] {
  const fresh = (key: number): Task => {
    processKey.set(keys[key])
    return new Task({ streams, counters: new Counters(), finite: false })
  }
  let task = fresh(0)
  return records.map((record, i) => {
    if (i === cut) {
      const saved = snapshotOf(task)
      task = fresh(1)
      task.restore(saved)
    }
    const { outputs, changes } = step(task, [record])
    expect(task.refusal).toBe(null)
    return [outputs, [...changes]]
  })
}

test('what a task makes and keeps does not depend on the key of its hash tables, nor on that of the process that takes it up', () => {
  const key = fc.tuple(fc.integer(), fc.integer())
  let made = 0
  fc.assert(
    fc.property(fc.array(order, { minLength: 40, maxLength: 120 }), key, key, fc.nat(40), (orders, one, other, cut) => {
      const records = recordsOf(orders)
      const expected = played(records, [one, one])
      made += expected.filter((entry) => (entry as [unknown[]])[0].length > 0).length
      expect(played(records, [other, other])).toEqual(expected)
      expect(played(records, [one, other], cut)).toEqual(played(records, [one, one], cut))
    }),
    { numRuns: 20 },
  )
  expect(made).toBeGreaterThan(20)
})
