import { createHash } from 'node:crypto'
import { beforeEach, expect, test, vi } from 'vitest'
import { defaultConfig } from '../config.ts'
import { Prng } from '../kit/prng.ts'
import type { LogEntry, LogRecord } from '../model/block.ts'
import { blockFromRows } from '../model/column.ts'
import { Counters } from '../model/counters.ts'
import type { HeldBytes } from '../state/held-bytes.ts'
import { Memory } from '../state/memory.ts'
import type { SavedFeature } from './feature-board.ts'
import type { SavedSequence } from './sequence/sequences-part.ts'
import type { StatePart } from './state-part.ts'
import type * as StateParts from './state-parts.ts'
import { rebuild, step } from './step.ts'
import { Task } from './task.ts'
import { snapshotOf } from './testing.ts'

/** All parts of the core made last; the task may be given all but the one that is `broken`. */
const made = vi.hoisted(() => ({ parts: [] as readonly StatePart[], broken: '' }))
vi.mock('./state-parts.ts', async (original) => {
  const { stateParts } = await original<typeof StateParts>()
  return {
    stateParts: (owners: Parameters<typeof stateParts>[0]) => {
      made.parts = stateParts(owners)
      return made.parts.filter(({ name }) => name !== made.broken)
    },
  }
})
beforeEach(() => {
  made.broken = ''
})

const streams = defaultConfig().streams.map((s) => ({ ...s, latenessMs: 5_000, dedupeMs: 60_000 }))
const transactions = streams.find((s) => s.name === 'transactions')!
const T0 = 1_767_225_600_000
const fresh = () => new Task({ streams, counters: new Counters(), finite: false })

/** A rule of each kind; what reads lists or features asked something else when most events were read. */
const RULES = `rule: burst
version: 1
title: Orders of a buyer
on: order.created
by: [buyer_id]
window: 1m
settle: 2s
let: { trades: "features.market[event.item_id].trades" }
unless: event.shop_id in lists.trusted
measure:
  orders: { count: events }
  most: { max: trades }
  usual: { baseline: orders, over: 10m, step: 1m }
when: orders >= 3
severity: high
alert: { cooldown: 5m, suspects: { of: shop_id, k: 2 } }
---
rule: paid
version: 1
title: Ordered and not paid
by: [order_id]
sequence:
  steps: { ordered: order.created, paid: payment.captured }
  forget_after: 8m
violations:
  - { name: unpaid, after: ordered, expect: [paid], within: 3m, severity: low, explain: "{key.order_id}" }
alert: { about: order_id, cooldown: 1m }
---
ranking: hot
version: 1
title: Hot
on: [order.created]
rank: item_id
window: { sliding: 2m, step: 1m }
score: { weights: { order.created: 1 } }
limit: 5
ties: [item_id asc]
columns: { change: { rank_change: 2m } }
---
list: trusted
kind: allow
of: string
source: { topic: trusted }
---
feature: pace
version: 1
title: How a shop goes
on: order.created
by: shop_id
window: 2m
unless: event.shop_id in lists.trusted
measure: { orders: { count: events } }
every: 1m
`
const MARKET = `feature: market
version: 1
title: What an item goes for
on: order.created
by: item_id
window: 1m
measure: { trades: { count: events } }
every: 1m
`
const MORE = `---
rule: other
version: 1
title: Another rule
on: order.refunded
by: [buyer_id]
window: 10s
measure: { n: { count: events } }
when: n >= 3
severity: low
`
const rules = (more = ''): LogEntry => ({
  kind: 'rules',
  files: [
    { path: 'here.yaml', text: RULES + more, runs: 'here' },
    { path: 'elsewhere.yaml', text: MARKET, runs: 'elsewhere' },
  ],
})

/** Half an hour, with changes of the list and of the feature that others publish to the end. */
function entries(): LogEntry[] {
  const random = new Prng(7)
  const pick = (name: string, n: number) => `${name}${random.int(n)}`
  let controls = 0
  return Array.from({ length: 400 }, (_, i): LogEntry[] => {
    const timeMs = T0 + i * 5_000
    const order = { buyer_id: pick('B', 12), shop_id: pick('S', 4), item_id: pick('I', 9), quantity: 1 }
    const row = { offset: i, timeMs, type: 'order.created', event_id: `E${i}`, order_id: `O${i}`, ...order }
    const paid = { ...row, type: 'payment.captured', order_id: `O${Math.max(0, i - 9)}` }
    const block = blockFromRows(transactions, { topic: 'trade', partition: 0 }, [i % 3 === 2 ? paid : row])
    if (i % 20 !== 19) return [block]
    const market = { feature: 'market', version: 1, key: pick('I', 9), values: [i] }
    const trusted = { list: 'trusted', item: pick('S', 4), on: i % 40 === 19, ttlMs: null, untilMs: null, atMs: timeMs }
    return [
      block,
      { kind: 'broadcast', topic: 'market', records: [{ offset: controls, ...market }] },
      { kind: 'broadcast', topic: 'trusted', records: [{ offset: controls++, ...trusted }] },
    ]
  }).flat()
}

const records = [rules(), ...entries()].map((entry, position): LogRecord => ({ position, entry }))

/** One that has read all of it, and what its commits kept. */
function usedTask(): { task: Task; kept: Map<string, string> } {
  const task = fresh()
  const kept = new Map<string, string>()
  for (const record of records)
    for (const [key, value] of step(task, [record]).changes) {
      if (value === null) kept.delete(key)
      else kept.set(key, value)
    }
  expect(task.refusal).toBe(null)
  return { task, kept }
}

type Seen = ReturnType<typeof seen>

/** What each part of the core made last says of itself, as hashes: all of it, and what another core would say, too. */
function seen() {
  const hashes = (of: (part: StatePart) => unknown[]) => new Map(made.parts.map((p) => [p.name, hashOf(of(p))]))
  return {
    whole: hashes((part) => [part.meta?.(), part.save?.(), handed(part)]),
    portable: hashes((part) => [part.meta?.(), handed(part)]),
  }
}

function handed(part: StatePart): unknown {
  const all = part.handOver?.(() => true)
  if (part.name === 'sequences')
    return (all as SavedSequence[]).map(({ keys, timers }) => [
      keys,
      timers.map(({ key, ...timer }) => ({ ...timer, key: keys[key]!.values })),
    ])
  if (part.name === 'features')
    // a key without values is one that is about to be let go
    return [...(all as Map<string, SavedFeature>).values()].map((keys) =>
      keys.filter(([, values]) => values[0] !== null),
    )
  return all
}

/** The order in arrays is left out: which slot a key has is no part of what is known of it. */
function hashOf(value: unknown): string {
  const text = JSON.stringify(value, (key, found) => {
    if (key === 'held') return heldHash(found)
    if (found instanceof Memory) return memoryHash(found)
    const list = found instanceof Map ? [...found] : found
    return Array.isArray(list) ? list.map(hashOf).sort() : list
  })
  return createHash('sha256')
    .update(text ?? '')
    .digest('hex')
}

function memoryHash(memory: Memory): string {
  const pass = memory.begin(true)
  const pages = pass.copy(Number.POSITIVE_INFINITY).map(({ bytes }) => bytes)
  pass.copy(1)
  return bytesHash(pages) + JSON.stringify(pass.roots)
}

function heldHash({ hot, release }: HeldBytes): string {
  const bytes = hot.map((piece) => piece.bytes())
  release()
  return bytesHash(bytes)
}

function bytesHash(pieces: readonly Uint8Array[]): string {
  return pieces.reduce((hash, bytes) => hash.update(bytes), createHash('sha256')).digest('hex')
}

/** Names of the parts that are not as they were. */
function different(part: keyof Seen, before: Seen, after: Seen): string[] {
  return [...before[part].keys()].filter((name) => before[part].get(name) !== after[part].get(name))
}

test('each part of a task that has read something is not as it is in a fresh one', () => {
  const task = fresh()
  step(task, records.slice(0, 1))
  const before = seen()
  usedTask()
  expect(different('whole', before, seen())).toEqual(made.parts.map(({ name }) => name))
})

const ways: Record<string, () => Promise<string[]>> = {
  'a snapshot': async () => {
    const { task } = usedTask()
    seen() // baselines catch up as they are asked
    const before = seen()
    const saved = snapshotOf(task)
    fresh().restore(saved)
    return different('whole', before, seen())
  },
  'the changelog': async () => {
    const { kept } = usedTask()
    const before = seen()
    const past = async function* (): AsyncGenerator<LogRecord[]> {
      yield records.slice(1)
    }
    await rebuild(fresh(), { committed: async () => ({ position: records.length - 1, kept }), past })
    return different('portable', before, seen())
  },
  'a change of rules': async () => {
    const { task } = usedTask()
    const before = seen()
    step(task, [{ position: records.length, entry: rules(MORE) }])
    expect(task.refusal).toBe(null)
    return different('portable', before, seen()).filter((name) => name !== 'history')
  },
}

test.each(Object.entries(ways))('after %s all parts are as they were', async (_, way) => {
  expect(await way()).toEqual([])
})

test('each part is needed: without it, one of the ways fails', async () => {
  usedTask()
  for (const { name } of made.parts) {
    made.broken = name
    let wrong: string[] = []
    for (const way of Object.values(ways))
      if (wrong.length === 0) wrong = await way().catch((error: Error) => [error.message])
    expect(wrong, name).not.toEqual([])
  }
}, 60_000)
