import { expect, test } from 'vitest'
import { defaultConfig } from '../config.ts'
import { Prng } from '../kit/prng.ts'
import type { LogEntry, LogRecord } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { AlertRecord, MeasuresRecord, Output } from '../model/output.ts'
import { rebuild, step } from './step.ts'
import { Task } from './task.ts'
import { snapshotOf } from './testing.ts'

/** What is late is soon too late, and ids are not remembered: a rebuild reads no more than windows and features need. */
const streams = defaultConfig().streams.map((s) => ({ ...s, latenessMs: 10_000, dedupeMs: 0 }))
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000

const feature = `feature: market
version: 1
title: What an item goes for
on: item.traded
by: item_id
window: 2m
measure:
  trades: { count: events }
  median: { percentile: unit_price, p: 50 }
  shops: { top: shop_id, k: 2 }
  last: { last: shop_id }
every: 1m
`
/** Says what it reads of the feature as it is evaluated, and as the event was read. */
const reader = (version = 1, when = 'trades > 0 && features.market[key.item_id].trades >= 0') => `rule: reader
version: ${version}
title: Reads the market
on: order.created
by: [item_id]
window: 10s
let:
  read: features.market[event.item_id].trades
measure:
  trades: { count: events }
  as_read: { max: read }
when: ${when}
severity: low
alert:
  explain: "{features.market[key.item_id].trades} {features.market[key.item_id].median|.0} {features.market[key.item_id].shops} {features.market[key.item_id].last}"
`
const rules = (...texts: string[]): LogEntry => ({
  kind: 'rules',
  files: [{ path: 'rules.yaml', text: texts.join('---\n') }],
})

let offset = 0
interface Row {
  readonly at: number
  readonly item?: string
  readonly price?: number
  readonly shop?: string
}
const rowsOf =
  (type: string) =>
  (...rows: readonly Row[]): LogEntry =>
    blockFromRows(
      transactions,
      { topic: 'trade', partition: 0 },
      rows.map(({ at, item = 'I1', price = 10, shop = 'S1' }) => ({
        ...{ offset: offset++, timeMs: T0 + at * 1_000, type, event_id: `E${offset}` },
        ...{ item_id: item, unit_price: price, shop_id: shop, quantity: 2 },
      })),
    )
const trades = rowsOf('item.traded')
const orders = rowsOf('order.created')
const mark = (at: number): LogEntry => ({
  kind: 'mark',
  sourceTopic: 'trade',
  sourcePartition: 0,
  upToMs: T0 + at * 1_000,
  sources: ['trade/0'],
})

function fresh(measures = false): Task {
  return new Task({ streams, counters: new Counters(), finite: false, measures })
}

/** Outputs record by record; before record `cut` the task is dropped and made anew. */
async function run(entries: readonly LogEntry[], cut = -1, how: 'log' | 'snapshot' = 'log'): Promise<Output[][]> {
  const records: LogRecord[] = entries.map((entry, i) => ({ position: 10 * i, entry }))
  const kept = new Map<string, string>()
  let task = fresh()
  const made: Output[][] = []
  const timesMs: number[] = []
  for (const [i, record] of records.entries()) {
    if (i === cut && how === 'snapshot') {
      const saved = snapshotOf(task)
      task = fresh()
      task.restore(saved)
    } else if (i === cut) {
      task = fresh()
      await rebuild(task, {
        committed: async () => ({ position: records[i - 1]!.position, kept }),
        // no more than the task asks for
        past: async function* (fromMs, through) {
          const first = Math.max(
            0,
            timesMs.findIndex((ms) => ms >= fromMs),
          )
          yield records.slice(first).filter((r) => r.position <= through)
        },
      })
    }
    const { outputs, changes } = step(task, [record])
    for (const [key, value] of changes) {
      if (value === null) kept.delete(key)
      else kept.set(key, value)
    }
    timesMs.push(task.streamMs)
    made.push([...outputs])
  }
  return made
}

const said = (outputs: readonly Output[]) =>
  outputs.filter((o): o is AlertRecord => o.kind === 'alert' && o.status === 'open').map((o) => o.explain)

test('it says what was so at the last multiple of every; of what it does not know it says null', async () => {
  // time     0     30   59.9     60          61   119   120       180      240  241
  // trades   10    20                             60
  // said                null     2 at 60                2 (0 left)         gone
  const made = await run([
    rules(feature, reader()),
    trades({ at: 0.001, price: 10 }, { at: 30, price: 20, shop: 'S2' }),
    orders({ at: 59.9 }), // nothing published: abstains
    orders({ at: 60 }),
    orders({ at: 61, item: 'I2' }), // a key that it does not know
    trades({ at: 119, price: 60, shop: 'S2' }),
    orders({ at: 119.9 }), // still as of 60
    orders({ at: 130 }), // all three, as of 120
    orders({ at: 185 }), // at 120.001 and 150 two have left: as of 180
    orders({ at: 239.9 }),
    orders({ at: 241 }), // the last one has left at 239: gone as of 240
  ])
  expect(made.slice(2).map(said)).toEqual([
    [],
    ['2 10 S1, S2 S2'],
    [],
    [],
    ['2 10 S1, S2 S2'],
    ['3 20 S2, S1 S2'],
    ['1 60 S2 S2'],
    ['1 60 S2 S2'],
    [],
  ])
})

test('what leaves at a multiple has left before it, what arrives at it comes after; keys are what the expression gives', async () => {
  // time     60      61    120   130    180
  // trades   one                        it leaves
  const made = await run([
    rules(feature, reader()),
    trades({ at: 60 }),
    orders({ at: 61 }),
    orders({ at: 130 }),
    orders({ at: 179.9 }),
    orders({ at: 180 }),
  ])
  expect(made.slice(2).map(said)).toEqual([[], ['1 10 S1 S1'], ['1 10 S1 S1'], []])
  const byNumber = rules(
    feature.replace('by: item_id', 'by: quantity').replace('item.traded', 'order.created'),
    reader().replaceAll('key.item_id', '2').replace('event.item_id', 'event.quantity'),
  )
  expect(said((await run([byNumber, orders({ at: 10 }), orders({ at: 70 })])).flat())).toEqual(['1 10 S1 S1'])
  // 50 enters at 60, before that is published; 51 at 61
  const settled = rules(feature, reader().replace('window: 10s', 'window: 10s\nsettle: 10s'))
  for (const [at, expected] of [
    [50, []],
    [51, ['1 10 S1 S1']],
  ] as const)
    expect(said((await run([settled, trades({ at: 10 }), orders({ at }), mark(61)])).flat())).toEqual(expected)
})

test('a publication by itself evaluates nobody, and lets keep what was said as their event was read', async () => {
  const task = fresh(true)
  const made: MeasuresRecord[] = []
  const sink = {
    output: (o: Output) => o.kind === 'measures' && made.push(o),
    change: () => {},
  }
  const entries = [
    rules(feature, reader(1, 'as_read != 7 && features.market[key.item_id].trades != 7').replace('10s', '5m')),
    trades({ at: 10 }),
    orders({ at: 70 }), // 1 as of 60
    trades({ at: 80 }, { at: 81 }),
    mark(125), // 3 as of 120
    orders({ at: 190 }), // 10 and 80, 81 have: 2 as of 180
  ]
  entries.forEach((entry, i) => {
    task.process({ position: i, entry }, sink)
  })
  expect(made.map((m) => [m.event_time - T0, m.measures.as_read])).toEqual([
    [70_000, 1],
    [190_000, 2],
  ])
  const isMany = reader(1, 'features.market[key.item_id].trades >= 3').replace('10s', '5m')
  const before = [rules(feature, isMany), orders({ at: 70 }), trades({ at: 80 }, { at: 81 }, { at: 82 }), mark(125)]
  expect((await run([...before, orders({ at: 130 })])).map(said)).toEqual([[], [], [], [], ['3 10 S1 S1']])
})

test('a changed rule set leaves what an unchanged feature has published; a changed one begins with what is held', async () => {
  const setup = [rules(feature, reader()), trades({ at: 10 }, { at: 20 }), mark(65), trades({ at: 58 })] // late: not as of 60
  const unchanged = await run([...setup, rules(feature, reader(2)), orders({ at: 70 })])
  expect(said(unchanged.flat())).toEqual(['2 10 S1 S1'])
  const anew = feature.replace('version: 1', 'version: 2')
  const changed = await run([...setup, rules(anew, reader(2)), orders({ at: 70 })])
  expect(said(changed.flat())).toEqual(['3 10 S1 S1'])
  const next = await run([...setup, rules(feature, reader(2)), orders({ at: 121 })])
  expect(said(next.flat())).toEqual(['3 10 S1 S1'])
})

test('restarts change nothing, from the log and from a snapshot', { timeout: 60_000 }, async () => {
  const random = new Prng(7)
  const far = `rule: far
version: 1
title: Far from what is usual of the shop's items
on: item.traded
by: [shop_id]
window: 3m
let: { price: "event.unit_price / features.market[event.item_id].median" }
where: features.market[event.item_id].trades > 1 && !(event.shop_id in features.market[event.item_id].shops)
measure: { n: { count: events }, most: { max: price } }
when: n >= 2
severity: low
alert: { explain: "{n} {most|.3} {features.usual[key.shop_id].n}" }
`
  const usual = `feature: usual
version: 1
title: Trades at more than the median
on: item.traded
by: shop_id
window: { tumbling: 1m, zone: UTC }
where: event.unit_price > features.market[event.item_id].median
measure: { n: { count: events } }
every: 10s
`
  const entries: LogEntry[] = [rules(feature, usual, reader(), far)]
  let at = 3_000
  for (let i = 0; i < 70; i++) {
    at += random.int(16)
    const row = { item: `I${random.int(3)}`, shop: `S${random.int(4)}`, price: 1 + random.int(50) }
    if (i === 35) entries.push(rules(feature, usual, reader(2), far))
    else if (random.int(5) === 0) entries.push(mark(at))
    else if (random.int(3) === 0) entries.push(orders({ at, ...row }))
    else entries.push(trades({ at: at - (random.int(4) === 0 ? random.int(10) : 0), ...row }))
  }
  const whole = await run(entries)
  const opened = whole.flat().flatMap((o) => (o.kind === 'alert' ? [o.rule] : []))
  expect(opened.filter((rule) => rule === 'far').length).toBeGreaterThan(3)
  expect(opened.filter((rule) => rule === 'reader').length).toBeGreaterThan(8)
  for (let cut = 1; cut < entries.length; cut += 2)
    for (const how of ['log', 'snapshot'] as const) expect(await run(entries, cut, how), `${how} ${cut}`).toEqual(whole)
})
