import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import type { LogEntry, LogRecord } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { SnapshotRefused } from '../model/errors.ts'
import type { Output } from '../model/output.ts'
import type { NumberedLog, SavedState, SnapshotStore } from '../model/ports.ts'
import { step, takeUp } from './step.ts'
import { Task } from './task.ts'
import { Shelf, snapshotOf } from './testing.ts'

const { streams } = defaultConfig()
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000

const rules = (limit = 3): LogEntry => ({
  kind: 'rules',
  files: [
    {
      path: 'burst.yaml',
      text: `rule: burst
version: ${limit}
title: many orders
on: order.created
by: [buyer_id]
window: 1m
measure: { orders: { count: events }, shops: { distinct: shop_id, window: 20s }, top: { max: quantity } }
when: orders >= ${limit} && top > 0
severity: high
alert: { cooldown: 10s, suspects: { of: shop_id, k: 2 } }
evidence: { events: 3 }
`,
    },
    {
      path: 'pair.yaml',
      text: `rule: pair
version: 1
title: a pair
on: order.created
by: [buyer_id, shop_id]
window: 30s
settle: 5s
measure: { total: { sum: quantity } }
when: total >= ${limit * 2}
severity: low
`,
    },
  ],
})

const order = fc.record({ gap: fc.nat(9_000), late: fc.nat(20_000), buyer: fc.nat(6), shop: fc.nat(3), n: fc.nat(4) })
const steps = fc.array(order, { minLength: 5, maxLength: 40, size: 'max' })

function recordsOf(orders: readonly { gap: number; late: number; buyer: number; shop: number; n: number }[]) {
  let now = T0
  const entries: LogEntry[] = orders.map(({ gap, late, buyer, shop, n }, i) => {
    now += gap
    const rows = Array.from({ length: n + 1 }, (_, k) => ({
      offset: i * 10 + k,
      timeMs: k % 2 === 1 ? now - late : now,
      type: 'order.created',
      buyer_id: `B${buyer}`,
      shop_id: `S${shop}`,
      quantity: k + 1,
      event_id: `E${(i * 7 + k) % 60}`,
    }))
    return blockFromRows(transactions, { topic: 'trade', partition: 0 }, rows)
  })
  return [rules(), ...entries].map((entry, position): LogRecord => ({ position, entry }))
}

const fresh = (counters = new Counters()): Task => new Task({ streams, counters, finite: false })

test('a snapshot that is copied while the task goes on, full or of what changed, restores the moment it began at', () => {
  fc.assert(
    fc.property(steps, fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 4 }), (orders, gaps) => {
      const records = recordsOf(orders)
      const expected = outputsFrom(fresh(), records)
      const task = fresh()
      const shelf = new Shelf()
      let at = 0
      for (const gap of gaps) {
        const to = Math.min(records.length, at + gap)
        outputsFrom(task, records.slice(at, to))
        shelf.begin(task.beginSnapshot(at === 0))
        at = to
        const rest = expected.slice(expected.findIndex(([position]) => position >= to))
        while (!shelf.copyNext(20_000)) if (at < records.length) outputsFrom(task, records.slice(at, ++at))
        const restored = fresh()
        restored.restore(shelf.saved)
        const outputs = outputsFrom(restored, records.slice(to))
        expect(outputs).toEqual(expected.some(([position]) => position >= to) ? rest : [])
      }
    }),
    { numRuns: 15 },
  )
}, 60_000)

/** Each with the position of the record it was made of. */
function outputsFrom(task: Task, records: readonly LogRecord[]): (readonly [number, Output])[] {
  return records.flatMap((record) => step(task, [record]).outputs.map((output) => [record.position, output] as const))
}

class Log implements NumberedLog {
  readonly id = 'log'
  readonly records: LogRecord[] = []
  readonly kept = new Map<string, string>()
  at = -1
  position = async () => this.at
  committed = async () => ({ position: this.at, kept: this.kept })
  commit = async () => {}
  async *past(_: number, through: number) {
    yield* this.between(-1, through)
  }
  async *between(position: number, through: number) {
    const found = this.records.filter((r) => r.position > position && r.position <= through)
    for (let i = 0; i < found.length; i += 3) yield found.slice(i, i + 3)
  }
}

function run(log: Log, task: Task, records: readonly LogRecord[]): Output[] {
  return records.flatMap((record) => {
    const { outputs, changes, position } = step(task, [record])
    for (const [key, value] of changes) value === null ? log.kept.delete(key) : log.kept.set(key, value)
    log.records.push(record)
    log.at = position
    return [...outputs]
  })
}

const storeOf = (position: number, saved: SavedState): SnapshotStore => ({
  candidates: async () => [{ name: 'snapshot-1', position, read: () => saved }],
})

test('a restart reads again what stands behind the snapshot, quietly; rules may have changed there', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(30), fc.nat(8), fc.boolean(), async (orders, cut, behind, change) => {
      const records = recordsOf(orders)
      if (change)
        records[Math.min(cut + 2, records.length - 1)] = {
          position: Math.min(cut + 2, records.length - 1),
          entry: rules(2),
        }
      const at = Math.min(cut, records.length - 1)
      const committed = Math.min(at + behind, records.length - 1)
      const log = new Log()
      const task = fresh()
      run(log, task, records.slice(0, at + 1))
      const saved = snapshotOf(task)
      run(log, task, records.slice(at + 1, committed + 1))
      const counters = new Counters()
      const shelf = new Shelf()
      const twin = fresh()
      twin.restore(saved)
      shelf.begin(twin.beginSnapshot(true))
      while (!shelf.copyNext(1e9));
      const taken = await takeUp(
        () => fresh(counters),
        log,
        storeOf(at, shelf.saved),
        (refusal) => {
          throw refusal
        },
      )
      expect(taken).toMatchObject({ position: committed, snapshot: 'snapshot-1', records: committed - at })
      expect([...counters.all()].filter((c) => c.value > 0)).toEqual([])
      const rest = records.slice(committed + 1)
      expect(run(log, taken.task, rest)).toEqual(rest.flatMap((record) => [...step(task, [record]).outputs]))
    }),
    { numRuns: 15 },
  )
}, 60_000)

test('a snapshot of another shape, or with records missing behind it, is refused, and the log alone does', async () => {
  const records = recordsOf(Array.from({ length: 12 }, (_, i) => ({ gap: 500, late: 0, buyer: i % 2, shop: 0, n: 1 })))
  const log = new Log()
  const task = fresh()
  run(log, task, records.slice(0, 4))
  const shelf = new Shelf()
  shelf.begin(task.beginSnapshot(true))
  while (!shelf.copyNext(1e9));
  run(log, task, records.slice(4, 9))
  const refusals: string[] = []
  const tell = ({ reason }: SnapshotRefused): void => void refusals.push(reason)
  const rest = records.slice(9).flatMap((record) => [...step(task, [record]).outputs])
  const changed = streams.map((s) => ({ ...s, latenessMs: s.latenessMs + 1 }))
  const other = () => new Task({ streams: changed, counters: new Counters(), finite: false })
  const otherwise = await takeUp(other, log, storeOf(3, shelf.saved), tell)
  expect([otherwise.snapshot, otherwise.records, refusals]).toEqual([null, 9, ['shape']])
  const gone = log.records.splice(5, 1)
  const gap = await takeUp(fresh, log, storeOf(3, shelf.saved), tell)
  expect([gap.snapshot, refusals]).toEqual([null, ['shape', 'log_gap']])
  log.records.splice(5, 0, ...gone)
  const whole = await takeUp(fresh, log, storeOf(3, shelf.saved), tell)
  expect(run(log, whole.task, records.slice(9))).toEqual(rest)
})

test('a snapshot whose parts do not fit together is refused, whatever they hold, and the log alone does', async () => {
  const log = new Log()
  const task = fresh()
  run(log, task, recordsOf(Array.from({ length: 5 }, () => ({ gap: 500, late: 0, buyer: 1, shop: 0, n: 1 }))))
  const { head, pieces } = snapshotOf(task)
  const text = Buffer.from(head).toString()
  const changed = (change: object) => JSON.stringify({ ...JSON.parse(text), ...change })
  const heads = [text.slice(1), 'null', changed({ meta: '{}' }), changed({ meta: 'x' }), changed({ roots: [] })]
  for (const one of [...heads, changed({ chunks: { first: 7, count: 1 } }), changed({ lengths: [[], []] })]) {
    const refusals: string[] = []
    const saved = { head: Buffer.from(one), pieces }
    const taken = await takeUp(fresh, log, storeOf(log.at, saved), ({ reason }) => void refusals.push(reason))
    expect([one.slice(0, 20), taken.snapshot, refusals]).toEqual([
      one.slice(0, 20),
      null,
      [one === 'null' ? 'version' : 'torn'],
    ])
  }
})
