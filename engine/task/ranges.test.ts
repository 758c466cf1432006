import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { batchOf, sliceBlock } from '../model/batch.ts'
import type { Block } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { Output } from '../model/output.ts'
import { compileRuleSet } from '../rules/index.ts'
import { Task } from './task.ts'

const { streams } = defaultConfig()
const compiled = compileRuleSet(
  [
    {
      path: 'viewed.yaml',
      text: `rule: viewed
version: 1
title: an item is looked at and ordered
on: item.viewed
by: [item_id]
window: 20s
measure: { views: { count: events }, users: { distinct: user_id } }
when: views >= 3
severity: low
`,
    },
    {
      path: 'ordered.yaml',
      text: `rule: ordered
version: 1
title: orders of a shop
on: order.created
by: [shop_id]
window: 20s
measure: { orders: { count: events } }
when: orders >= 2
severity: low
`,
    },
  ],
  { streams },
)
if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
const { set } = compiled

const event = fc.record({
  ms: fc.integer({ min: -150_000, max: 9_000 }), // before or behind the newest so far: some are too late
  id: fc.nat(80),
  key: fc.nat(3),
  kind: fc.constantFrom('item.viewed', 'order.created', 'order.refunded'),
})

/** A block a stream. */
function blocksOf(events: readonly (typeof event extends fc.Arbitrary<infer T> ? T : never)[]): Block[] {
  let newestMs = 1_767_225_600_000
  const rows = events.map(({ ms, id, key, kind }, i) => {
    const timeMs = newestMs + ms
    newestMs = Math.max(newestMs, timeMs)
    const keys = { item_id: `I${key}`, user_id: `U${id % 5}`, shop_id: `S${key}` }
    return { offset: i, timeMs, type: kind, event_id: `E${id}`, ...keys }
  })
  return streams.map((stream) => {
    const fields = new Set(['offset', 'timeMs', 'type', ...stream.fields.map((f) => f.name)])
    const own = rows.filter(({ type }) => type.startsWith('item') === (stream.name === 'behavior'))
    const known = own.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => fields.has(name))))
    return blockFromRows(stream, { topic: stream.topic, partition: 0 }, known as typeof rows)
  })
}

function run(read: (task: Task, sink: { output(o: Output): void; change(): void }) => void) {
  const counters = new Counters()
  const task = new Task({ streams, counters, finite: true, measures: true })
  task.install(set)
  const outputs: Output[] = []
  const sink = { output: (output: Output) => void outputs.push(output), change: () => {} }
  read(task, sink)
  task.finish('drained', sink)
  return { outputs, counts: [...counters.all()].map(({ name, value }) => [name, value]) }
}

test('a batch is read as the blocks that its runs are', () => {
  const events = fc.array(event, { minLength: 20, maxLength: 200, size: 'max' })
  fc.assert(
    fc.property(events, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), (events, lengths) => {
      const blocks = blocksOf(events)
      const runs: number[] = []
      const parts: Block[] = []
      const next = blocks.map(() => 0)
      for (let i = 0; blocks.some((block, b) => next[b]! < block.length); i++) {
        const b = i % blocks.length
        const to = Math.min(blocks[b]!.length, next[b]! + lengths[i % lengths.length]!)
        runs.push(b, to - next[b]!)
        parts.push(sliceBlock(blocks[b]!, next[b]!, to))
        next[b] = to
      }
      const asBatch = run((task, sink) =>
        task.process({ position: 0, entry: { ...batchOf(blocks), runs: Uint32Array.from(runs) } }, sink),
      )
      const asBlocks = run((task, sink) => {
        for (const [position, entry] of parts.entries()) task.process({ position, entry }, sink)
      })
      expect(asBatch).toEqual(asBlocks)
    }),
    { numRuns: 100 },
  )
})

test('rows far behind the first thousand of a block are read, too', () => {
  const rows = Array.from({ length: 4_096 }, (_, i) => {
    return {
      offset: i,
      timeMs: 1_767_225_600_000 + i,
      type: 'item.viewed',
      event_id: `E${i}`,
      item_id: 'I',
      user_id: 'U',
    }
  })
  const stream = streams.find((s) => s.name === 'behavior')!
  const block = blockFromRows(stream, { topic: stream.topic, partition: 0 }, rows)
  const { outputs } = run((task, sink) => {
    const runs = Uint32Array.from({ length: 2 * block.length }, (_, i) => i % 2)
    task.process({ position: 0, entry: { ...batchOf([block]), runs } }, sink)
  })
  const measured = outputs.flatMap((o) => (o.kind === 'measures' ? [o.measures.views] : []))
  expect(measured).toEqual(rows.map((_, i) => i + 1))
})
