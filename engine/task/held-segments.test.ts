import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { Prng } from '../kit/prng.ts'
import type { Block } from '../model/block.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import { Counters } from '../model/counters.ts'
import { compileRuleSet } from '../rules/index.ts'
import { BYTES, CHUNKS, MemorySegments } from '../state/testing.ts'
import type { HeldSegments } from './core.ts'
import { Task } from './task.ts'
import { Shelf, snapshotOf } from './testing.ts'

const { streams } = defaultConfig()
const stream = streams.find((s) => s.name === 'transactions')!

/** Some 60,000 orders over an hour, one in ten up to two minutes late; twenty buyers, one of them in bursts. */
function* traffic(): Generator<Block> {
  const random = new Prng(7)
  const field = (name: string): number => stream.fields.findIndex((f) => f.name === name)
  const columns = ['event_id', 'order_id', 'buyer_id', 'shop_id', 'currency', 'amount'].map(field)
  const [event, order, buyer, shop, currency, amount] = columns as [number, number, number, number, number, number]
  for (let n = 0; n < 60_000; ) {
    const builder = new BlockBuilder(stream, 'trade', 0)
    for (let i = 0; i < 200; i++, n++) {
      const late = random.int(10) === 0 ? random.int(120_000) : 0
      builder.begin(n, 1_767_225_600_000 + n * 60 - late, 'order.created')
      builder.string(event, `E${n}`)
      builder.string(order, `O${n}`)
      builder.string(buyer, `B${n % 1_000 < 30 ? 0 : random.int(20)}`)
      builder.string(shop, `S${random.int(50)}`)
      if (random.int(3) > 0) builder.string(currency, 'CNY')
      builder.decimalFrom(amount, random.int(100_000) / 100)
    }
    yield builder.build()
  }
}

const rules = (window: string) => [
  {
    path: 'rules.yaml',
    text: `rule: burst
version: 1
title: burst
on: order.created
by: [buyer_id]
window: ${window}
measure:
  orders: { count: events }
  recent: { count: events, window: 1m }
  shops: { distinct: shop_id }
  most: { max: amount }
  total: { sum: amount }
when: recent >= 60 && recent * 20 > orders
severity: high
alert:
  cooldown: 10s
  suspects: { of: shop_id, k: 2 }
  explain: "{orders} {recent} {shops} {most} {total}"
  evidence: { events: 300, fields: [order_id, amount, currency] }
---
rule: settled
version: 1
title: settled
on: order.created
by: [shop_id]
window: 5m
settle: 30s
measure: { buyers: { distinct: buyer_id }, orders: { count: events } }
when: orders >= 110
severity: low
alert: { cooldown: 10s, evidence: { events: 3, fields: [order_id] } }
`,
  },
]

/** Nothing stays in memory but what must. */
const newSegments = () => ({ rows: new MemorySegments(CHUNKS, 0, 1), index: new MemorySegments(BYTES, 0) })

const inFiles = (): HeldSegments => ({ ...newSegments(), close: () => {} })

function newTask(window: string, held?: HeldSegments): Task {
  const compiled = compileRuleSet(rules(window), { streams })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  const counters = new Counters()
  const task = new Task({ streams, counters, finite: true, ...(held ? { held: () => held } : {}) })
  task.install(compiled.set)
  return task
}

function play(window: string, held: boolean, cutAt = -1) {
  const outputs: unknown[] = []
  let { rows, index } = newSegments()
  const fresh = (): Task => newTask(window, held ? { rows, index, close: () => {} } : undefined)
  let task = fresh()
  const sink = { output: (o: unknown) => outputs.push(o), change: () => {} }
  let position = 0
  for (const entry of traffic()) {
    if (position === cutAt) {
      const snapshot = snapshotOf(task)
      ;({ rows, index } = newSegments())
      task = fresh()
      task.restore(snapshot)
    }
    task.process({ position: position++, entry }, sink)
  }
  const chunksHeld = task.gauges.heldEvents / 4096
  task.finish('drained', sink)
  return { outputs, rows, index, chunksHeld }
}

test('with its past in files, a task says the same, and holds and reads no more of it than it must', () => {
  const inMemory = play('40m', false)
  const inFiles = play('40m', true)
  expect(inFiles.outputs.length).toBeGreaterThan(50)
  expect(inFiles.outputs).toEqual(inMemory.outputs)
  expect(inFiles.rows.reads).toBeGreaterThan(5)
  expect(inFiles.index.reads).toBeGreaterThan(5)
  expect(inFiles.chunksHeld).toBeLessThan(12)
})

test('a snapshot has the past that is in files, too', () => {
  const whole = play('40m', true)
  const cut = play('40m', true, 250)
  expect(cut.outputs).toEqual(whole.outputs)
  expect(cut.index.reads).toBeGreaterThan(5)
})

test('snapshots of what changed, copied while the past goes to files and leaves them, restore their moments', () => {
  const entries = [...traffic()]
  const run = (task: Task, from: number, to: number): unknown[] => {
    const outputs: unknown[] = []
    const sink = { output: (o: unknown) => outputs.push(o), change: () => {} }
    for (let at = from; at < to; at++) task.process({ position: at, entry: entries[at] }, sink)
    return outputs
  }
  const whole = newTask('5m')
  const task = newTask('5m', inFiles())
  const shelf = new Shelf()
  let at = 0
  for (const start of [100, 130, 160, 190]) {
    run(whole, at, start)
    run(task, at, start)
    shelf.begin(task.beginSnapshot(start === 100))
    for (at = start; at < start + 25; at++) {
      run(task, at, at + 1)
      shelf.copyNext(1 << 12)
    }
    let steps = 1
    while (!shelf.copyNext(1 << 12)) steps++
    const twin = newTask('5m', inFiles())
    twin.restore(shelf.saved)
    expect(run(twin, start, at)).toEqual(run(whole, start, at))
    expect(steps).toBeGreaterThan(30) // a step packs a column, not a chunk
  }
})

test('bytes an event in files', () => {
  const { rows, index } = play('10h', true)
  const events = rows.held.size * 4096
  expect(rows.writtenBytes / events).toBeLessThan(60)
  expect(index.writtenBytes / events).toBeLessThan(6)
})
