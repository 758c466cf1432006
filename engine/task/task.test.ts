import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import type { LogEntry, LogRecord, RulesControl } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { AlertRecord, Output, StateChange } from '../model/output.ts'
import { Task } from './task.ts'

const { streams } = defaultConfig()
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000

const burst = (limit: number, window = '1m', version = 1): LogEntry => ({
  kind: 'rules',
  files: [
    {
      path: 'burst.yaml',
      text: `rule: burst
version: ${version}
title: many orders
on: order.created
by: [buyer_id]
window: ${window}
measure: { orders: { count: events } }
when: orders >= ${limit}
severity: high
alert: { cooldown: 10s, suspects: { of: shop_id, k: 2 } }
`,
    },
  ],
})

let offset = 0
function orders(...atMs: number[]): LogEntry {
  const rows = atMs.map((ms) => ({
    offset: offset++,
    timeMs: T0 + ms,
    type: 'order.created',
    buyer_id: 'B1',
    shop_id: `S${ms % 3}`,
    event_id: `E${offset}`,
  }))
  return blockFromRows(transactions, { topic: 'trade', partition: 0 }, rows)
}

function run(entries: readonly LogEntry[], cut = -1, finish = false) {
  const outputs: Output[] = []
  const kept = new Map<string, string>()
  const counters = new Counters()
  const sink = {
    output: (o: Output) => outputs.push(o),
    change: ({ key, value }: StateChange) => {
      if (value === null) kept.delete(key)
      else kept.set(key, value)
    },
  }
  const records: LogRecord[] = entries.map((entry, position) => ({ position, entry }))
  const fresh = (): Task => new Task({ streams, counters, finite: false })
  let task = fresh()
  records.forEach((record, i) => {
    if (i === cut) {
      task = fresh()
      task.beginReplay(kept)
      for (const past of records.slice(0, i)) task.replay(past)
      task.endReplay(kept)
    }
    task.process(record, sink)
    task.flush(sink)
  })
  if (finish) task.finish('drained', sink)
  return { outputs, counters, task }
}

const alerts = (outputs: readonly Output[]): AlertRecord[] => outputs.filter((o) => o.kind === 'alert')

test("the rule set is a record in the log: events before it are nobody's", () => {
  offset = 0
  const { outputs } = run([orders(0, 1, 2), burst(2), orders(3), orders(4)])
  // orders before the rules were not held: the second one after them is the second that counts
  expect(alerts(outputs).map((a) => [a.status, a.event_time - T0, a.measures.orders])).toEqual([['open', 4, 2]])
})

test('a changed rule starts warm, from the events held, and says how much of its window it knows', () => {
  offset = 0
  const { outputs } = run([burst(99), orders(0, 10_000, 20_000), burst(4, '2m', 2), orders(30_000)])
  const [alert] = alerts(outputs)
  expect(alert).toMatchObject({ status: 'open', version: 2, measures: { orders: 4 } })
  expect(alert.coverage).toBeCloseTo(30_000 / 120_000)
})

test('an unchanged rule keeps its open alert when the set changes around it', () => {
  offset = 0
  const other: LogEntry = {
    kind: 'rules',
    files: [
      ...(burst(2) as RulesControl).files,
      {
        path: 'other.yaml',
        text: 'rule: other\nversion: 1\ntitle: t\non: order.created\nby: [shop_id]\nwindow: 1m\nmeasure: { n: { count: events } }\nwhen: n > 99\nseverity: low\n',
      },
    ],
  }
  const { outputs } = run([burst(2), orders(0, 1), other, orders(2), orders(120_000)])
  const own = alerts(outputs).filter((a) => a.rule === 'burst')
  expect(new Set(own.map((a) => a.alert_id)).size).toBe(1)
  expect(own.map((a) => [a.status, a.folded])).toEqual([
    ['open', 0],
    ['closed', 1],
  ])
})

test('a broken set is refused and counted; the old one stays in force', () => {
  offset = 0
  const broken: LogEntry = { kind: 'rules', files: [{ path: 'x.yaml', text: 'rule: x' }] }
  const { outputs, counters, task } = run([burst(2), broken, orders(0, 1)])
  expect(task.ruleFiles).toEqual((burst(2) as RulesControl).files)
  expect(counters.total('rule_sets_refused_total')).toBe(1)
  expect(alerts(outputs)).toHaveLength(1)
})

test('a task built again from the log goes on as the undisturbed one, also over changes of the rule set', () => {
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ gap: fc.nat(20_000), late: fc.nat(30_000), n: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        limit: fc.integer({ min: 1, max: 4 }),
        window: fc.constantFrom('10s', '1m', '2m'),
        version: fc.integer({ min: 1, max: 3 }),
      }),
    },
  )
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 25, size: 'max' }), fc.nat(24), (steps, cut) => {
      offset = 0
      let now = 0
      const entries = [
        burst(2),
        ...steps.map((s) => {
          if ('limit' in s) return burst(s.limit, s.window, s.version)
          now += s.gap
          return orders(...Array.from({ length: s.n }, (_, i) => Math.max(0, now - (i % 2) * s.late)))
        }),
      ]
      const whole = run(entries, -1, true)
      expect(run(entries, Math.min(cut, entries.length - 1), true).outputs).toEqual(whole.outputs)
    }),
    { numRuns: 50 },
  )
})

/** A rule that compares shops with what they used to be, beside one that changes. */
const usual = (minPoints: number, limit: number): LogEntry => ({
  kind: 'rules',
  files: [
    ...(burst(limit, '10s') as RulesControl).files,
    {
      path: 'usual.yaml',
      text: `rule: usual_orders
version: ${minPoints}
title: more orders than usual
on: order.created
by: [shop_id]
window: 10s
measure:
  orders: { count: events }
  usual: { baseline: orders, over: 60s, step: 10s, min_points: ${minPoints} }
when: orders > usual.mean
severity: low
`,
    },
  ],
})

test('a baseline goes on when the set changes around its rule, and begins anew with a new version', () => {
  const points = (second: LogEntry): unknown => {
    offset = 0
    const quiet = Array.from({ length: 9 }, (_, i) => orders(i * 9_000))
    return alerts(run([usual(3, 99), ...quiet, second, orders(81_003, 81_006, 81_009)]).outputs)
      .filter((a) => a.rule === 'usual_orders')
      .map((a) => a.measures['usual.points'])
      .at(-1)
  }
  expect(points(usual(3, 98))).toBe(6)
  // of before the last ten seconds nothing is held
  expect(points(usual(1, 99))).toBe(1)
})

test('a task built again has the same baselines, also over changes of the rule set', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ gap: fc.nat(20_000), n: fc.integer({ min: 1, max: 4 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({ minPoints: fc.integer({ min: 1, max: 2 }), limit: fc.integer({ min: 1, max: 99 }) }),
    },
  )
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 30, size: 'max' }), fc.nat(29), (steps, cut) => {
      offset = 0
      let now = 0
      const entries = [
        usual(1, 2),
        ...steps.map((s) => {
          if ('limit' in s) return usual(s.minPoints, s.limit)
          now += s.gap
          return orders(...Array.from({ length: s.n }, (_, i) => now + 3 * i))
        }),
      ]
      const whole = run(entries, -1, true)
      expect(run(entries, Math.min(cut, entries.length - 1), true).outputs).toEqual(whole.outputs)
    }),
    { numRuns: 20 },
  )
})
