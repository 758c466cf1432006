import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { blockFromRows } from '../../model/column.ts'
import type { AlertRecord, Output } from '../../model/output.ts'
import { compileOrRefuse } from '../compiled.ts'
import { addExplain } from '../explain.ts'
import { LocalService } from '../service/local-service.ts'
import { runVerb } from '../testing.ts'
import { deriveAlert } from './alert.ts'
import { liveKey } from './live.ts'
import { needsOf } from './needs.ts'
import { derivedText, liveText, needsText } from './print.ts'
import { reading } from './source.ts'
import { expressionText } from './text.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-explain-'))
afterAll(() => rmSync(root, { recursive: true }))
const config = { ...defaultConfig(root), data: join(root, 'data') }
const { streams } = config
const rule = (id: string, when: string) => `rule: ${id}
version: 1
title: A shop receives many orders from few buyers
owner: test
on: order.created
by: [shop_id]
window: 10m
params: { limit: 2 }
measure:
  orders: { count: events }
  buyers: { distinct: buyer_id }
  each: { ratio: [orders, buyers], at_least: { orders: 3 } }
when: ${when}
severity: high
alert: { explain: "{orders} orders" }
`
const files = [
  { path: 'a.yaml', text: rule('few_buyers', 'each >= params.limit && (orders > 3 || 1 + buyers * 2 == 0)') },
  { path: 'b.yaml', text: rule('other', 'params.limit < buyers && orders >= 100') },
]
const sequence = `rule: two_orders
version: 1
title: T
owner: test
by: [buyer_id]
sequence: { steps: { ordered: { on: order.created, where: event.shop_id == "S2" } } }
matches: [{ name: at_s2, order: [ordered], within: 1m, severity: low }]
`
const { set } = compileOrRefuse(files, streams)
const START_MS = Date.UTC(2026, 0, 5)
const isFew = (r: { id: string }) => r.id === 'few_buyers'

describe('what a rule needs', () => {
  const needs = needsOf(set.rules[0]!, set, streams)
  test('topics, key, exchange, state, what is shared', () => {
    expect(needs).toMatchObject({
      rule: 'few_buyers@1',
      topics: [{ stream: 'transactions', topic: 'trade.transactions.v1', types: ['order.created'] }],
      key: ['shop_id'],
      exchange: { id: 'by-shop_id', shared_with: ['other@1'] },
      held_ms: 600_000,
      measures: [
        { name: 'orders', what: 'count of events', window_ms: 600_000, shared_with: ['other@1.orders'] },
        { name: 'buyers', bytes_per_value: 24, shared_with: ['other@1.buyers'] },
        { name: 'each', what: 'orders / buyers, orders at least 3', shared_with: [] },
      ],
      cost: { updates_per_event: 4, evaluations_per_event: 2 },
    })
  })
  test('windows by the calendar, and what else belongs to a measure', () => {
    const text = `rule: days
version: 1
title: T
owner: test
on: order.created
by: [shop_id]
window: { tumbling: 1d, zone: Europe/Berlin }
params: { least: 5 }
measure:
  orders: { count: events }
  before: { count: events, window: 1h, prior: true }
  median: { percentile: amount, p: 50, window: 1h }
  best: { top: buyer_id, k: 3, window: 1h }
  half: { ratio: [before, orders], at_least: { orders: params.least }, lower_bound: 0.95 }
  usual: { baseline: orders, over: 7d, step: 1d }
when: half > 0 && usual.mean > 1 && median > 0 && size(best) > 1
severity: low
`
    const { set: days } = compileOrRefuse([{ path: 'days.yaml', text }], streams)
    const { measures } = needsOf(days.rules[0]!, days, streams)
    expect(measures.map((m) => [m.what, m.window_ms])).toEqual([
      ['count of events, by the calendar of Europe/Berlin', 86_400_000],
      ['count of events, before the event', 3_600_000],
      ['percentile of amount, 50 %', 3_600_000],
      ['top of buyer_id, first 3', 3_600_000],
      ['before / orders, orders at least 5 (params.least), lower Wilson bound of 0.95', null],
      ['baseline of orders over 7d, a point every 1d, 3 at least', null],
    ])
  })
  test('a feature makes the engine hold events for longer, where it is read as events are read by its window too', () => {
    const feature = `feature: price
version: 1
title: T
owner: test
on: payment.captured
by: item_id
window: 7d
measure: { median: { percentile: unit_price, p: 50 } }
every: 1m
`
    const reader = rule('dear', 'orders > 3').replace('window:', 'where: event.amount > PRICE\nwindow:')
    const read = { path: 'r.yaml', text: reader.replace('PRICE', 'features.price[event.item_id].median') }
    const { set: priced } = compileOrRefuse([{ path: 'f.yaml', text: feature }, read, files[1]!], streams)
    const [dear, other] = priced.rules.map((r) => needsOf(r, priced, streams))
    expect([dear!.held_ms, dear!.features_ms, other!.features_ms]).toEqual([600_000, 7 * 86_400_000 + 60_001, 0])
    expect(needsText(dear!)).toContain('holds     events of 10m\n          and all events 7d1m longer, so that')
    expect(needsOf(priced.features[0]!, priced, streams).features_ms).toBe(60_000)
  })
  test('what a ranking counts of each item, and its columns', () => {
    const text = `ranking: hot
version: 1
title: T
owner: test
on: [item.viewed, item.bought]
rank: item_id
per: [category_id]
window: { sliding: 60m, step: 1m }
score: { weights: { item.viewed: 1, item.bought: 8 }, cap: { per: user_id, points: 20 } }
limit: 50
columns: { users: { distinct: user_id }, change: { rank_change: 1m }, trend: { sparkline: 60, step: 1m } }
`
    const { set: hot } = compileOrRefuse([{ path: 'hot.yaml', text }], streams)
    const needs = needsOf(hot.rankings[0]!, hot, streams)
    expect(needs.measures.map((m) => [m.name, m.what, m.window_ms, m.bytes_per_value])).toEqual([
      ['events', 'count of events', 3_600_000, 0],
      ['score', 'points: item.viewed 1, item.bought 8, at most 20 of each user_id', 3_600_000, 24],
      ['users', 'distinct of user_id', 3_600_000, 24],
      ['change', 'rank 1m ago, of the first 50 of each category_id', null, 0],
      ['trend', 'scores in 60 rankings, 1m apart, of the first 50 of each category_id', null, 0],
    ])
    expect(needsText(needs)).toContain('state     some 120 bytes a key, and what each different value takes\n')
  })
  test('the steps, violations and matches of a sequence', () => {
    const text = `rule: order_lifecycle
version: 1
title: T
owner: test
by: [order_id]
sequence:
  steps: { created: order.created, paid: { on: payment.captured, where: event.amount > 0 }, cancelled: order.cancelled }
  forget_after: 24h
violations:
  - { name: unpaid, after: created, expect: [paid, cancelled], within: 15m, severity: low }
  - { name: paid_first, forbid: paid, before: created, severity: high }
matches:
  - { name: back_out, order: [created, cancelled], without: paid, within: 1m, severity: info }
`
    const { set: own } = compileOrRefuse([{ path: 'o.yaml', text }], streams)
    expect(needsText(needsOf(own.sequences[0]!, own, streams))).toContain(`
steps     created: order.created
          paid: payment.captured where event.amount > 0
          cancelled: order.cancelled
violated  unpaid (low): no paid or cancelled within 15m after created
          paid_first (high): paid before created
matches   back_out (info): created, then cancelled within 1m without paid`)
  })
  test('the condition reads as it was written', () => {
    expect(needs.when).toEqual(['each >= params.limit', 'orders > 3 || 1 + buyers * 2 == 0'])
    expect(expressionText(set.rules[0]!.when)).toBe('each >= params.limit && (orders > 3 || 1 + buyers * 2 == 0)')
    expect(needsText(needs)).toMatch(/^few_buyers@1 \(rule, live\)[\s\S]*exchange {2}by-shop_id, with other@1/)
  })
})

const liveOf = (isMeant: (r: { id: string }) => boolean, key: Readonly<Record<string, string>>) =>
  reading(config, undefined, (log) => liveKey(log, streams, isMeant, key))
const derive = (id: string) => reading(config, undefined, (log) => deriveAlert(log, streams, id, []))

describe('on a local log', () => {
  const opened: AlertRecord[] = []
  beforeAll(async () => {
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
    const deliver = async (outputs: readonly Output[]) => {
      for (const output of outputs) if (output.kind === 'alert' && output.status === 'open') opened.push(output)
    }
    const service = await LocalService.open({
      config,
      files: [...files, { path: 'c.yaml', text: sequence }],
      logger: silent,
      deliver,
    })
    service.start()
    const [stream] = streams
    // S1: six orders of two buyers, a minute apart: 4 orders of 2 buyers at minute 3. S2: two orders
    const orders = [0, 1, 2, 3, 4, 5].map((n) => ['S1', n, `B${n % 2}`] as const)
    const all = [...orders, ['S2', 5, 'B1'] as const, ['S2', 5, 'B2'] as const]
    for (const [i, [shop_id, minute, buyer_id]] of all.entries()) {
      const row = {
        offset: i,
        timeMs: START_MS + minute * 60_000,
        type: 'order.created',
        event_id: `e${i}`,
        shop_id,
        buyer_id,
      }
      await service.log.writer.append([blockFromRows(stream!, { topic: stream!.topic, partition: 0 }, [row])])
    }
    await service.caughtUp()
    const beside = await liveOf(isFew, { shop_id: 'S1' }) // while the engine runs
    expect(beside.measures).toEqual({ orders: 6, buyers: 2, each: 3 })
    await service.stop()
  })

  test('what a key lacks, clause by clause', async () => {
    const live = await liveOf(isFew, { shop_id: 'S2' })
    expect(live).toMatchObject({ key: { shop_id: 'S2' }, at: START_MS + 300_000, measures: { orders: 2, buyers: 2, each: null }, alert: null }) // biome-ignore format: one line
    expect(live.clauses).toMatchObject([
      { text: 'each >= params.limit', holds: null, note: 'abstains: minimum sample' },
      { text: 'orders > 3 || 1 + buyers * 2 == 0', holds: false },
    ])
    const other = await liveOf((r) => r.id === 'other', { shop_id: 'S2' })
    expect(other.clauses).toMatchObject([
      { text: 'params.limit < buyers', value: 2, threshold: 2, holds: false, gap: 0 },
      { text: 'orders >= 100', value: 2, threshold: 100, holds: false, gap: 98 },
    ])
    expect(liveText(other)).toContain('missing to fire: params.limit < buyers (2 against 2, a gap of 0); orders >= 100')
  })

  test('an open alert is named', async () => {
    const live = await liveOf(isFew, { shop_id: 'S1' })
    expect(live.alert).toEqual({ alert_id: opened[0]!.alert_id, severity: 'high', first_seen: START_MS + 180_000 })
  })

  test('a key that is not the rule’s, a rule that is not in force', async () => {
    await expect(liveOf(isFew, { buyer_id: 'B1' })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(liveOf(() => false, {})).rejects.toThrow(/few_buyers@1, other@1/)
  })

  test('a sequence has no measures; its alert is told by its steps', async () => {
    const asked = liveOf((r) => r.id === 'two_orders', { buyer_id: 'B1' })
    await expect(asked).rejects.toThrow(
      'two_orders@1 is a sequence: it has no measures, and its alerts name their steps',
    )
    const { alert_id } = opened.find((a) => a.violation === 'at_s2')!
    const derived = await derive(alert_id)
    const ordered = {
      step: 'ordered',
      event_time: START_MS + 300_000,
      topic: 'trade.transactions.v1',
      partition: 0,
      offset: 6,
    }
    expect(derived).toMatchObject({
      sequence: { condition: 'at_s2 (low): ordered within 1m', steps: [ordered], came_again: true },
      clauses: null,
      note: null,
    })
    expect(derivedText(derived)).toMatch(
      /at_s2 \(low\): ordered within 1m\n\n.*\nordered +2026-01-05T00:05:00.000Z +\+0s +trade.transactions.v1\/0 offset 6\n\nderived again/,
    )
  })

  test('an alert is derived again, event by event', async () => {
    const derived = await derive(opened[0]!.alert_id.slice(0, 12))
    expect(derived.alert).toEqual(opened[0])
    expect(derived.steps.map((s) => [s.event_id, s.measures.orders, s.matched])).toEqual([
      ['e0', 1, false],
      ['e1', 2, false],
      ['e2', 3, false],
      ['e3', 4, true],
    ])
    expect(derived.clauses).toMatchObject([{ holds: true, value: 2, threshold: 2 }, { holds: true }])
    expect(derivedText(derived)).toContain('when it opened:')
    await expect(derive('nothing')).rejects.toMatchObject({ code: 'USAGE' })
  })
})

test('where no broker answers, that is said; a local log that is named is read all the same', async () => {
  const kafka = join(root, 'kafka.yaml')
  writeFileSync(kafka, "log: { kind: kafka, brokers: ['127.0.0.1:1'] }\n")
  for (const asked of [
    ['few_buyers', '--key', 'shop_id=S1'],
    ['--alert', 'a1'],
  ]) {
    const { code, err } = await runVerb(addExplain, 'explain', ...asked, '-c', kafka)
    expect([code, err]).toEqual([2, expect.stringMatching(/^lapwing: no answer from 127.0.0.1:1: .*ECONNREFUSED/)])
    const named = await runVerb(addExplain, 'explain', ...asked, '-c', kafka, '--data', join(root, 'none'))
    expect(named.err).toContain('there is no local log')
  }
})

test('an alert is derived again with lists as they were, whatever was changed since, and whoever changed them', async () => {
  const data = join(root, 'lists')
  const own = { ...config, data }
  const listed = (id: string, by: string, rest: string) => `rule: ${id}
version: 1
title: T
owner: test
on: order.created
by: [${by}]
window: 10m
${rest}
severity: low
`
  const text = [
    listed('burst', 'shop_id', 'measure: { orders: { count: events } }\nwhen: orders >= 2'),
    listed(
      'watched',
      'buyer_id',
      'evaluate: arrival\nwhere: event.shop_id in lists.bursting\nmeasure: { orders: { count: events } }\nwhen: orders >= 2 && key.buyer_id in lists.buyers',
    ),
    'list: buyers\nkind: watch\nof: string\nitems: []\n',
    'list: bursting\nkind: watch\nof: string\nsource: { alerts: burst, ttl: 2m }\n',
  ].join('---\n')
  const opened: AlertRecord[] = []
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const deliver = async (outputs: readonly Output[]) => {
    for (const output of outputs) if (output.kind === 'alert' && output.status === 'open') opened.push(output)
  }
  const service = await LocalService.open({ config: own, files: [{ path: 'l.yaml', text }], logger: silent, deliver })
  service.start()
  const [stream] = streams
  let offset = 0
  const order = async (minute: number, buyer_id: string) => {
    const row = { offset: offset++, timeMs: START_MS + minute * 60_000, type: 'order.created', event_id: `l${offset}`, shop_id: 'S1', buyer_id } // biome-ignore format: one line
    await service.log.writer.append([blockFromRows(stream!, { topic: stream!.topic, partition: 0 }, [row])])
    await service.caughtUp()
  }
  const change = async (add: string[], remove: string[]) => {
    await service.log.writer.append([{ kind: 'list', list: 'buyers', add, remove, ttlMs: null, atMs: START_MS }])
    await service.caughtUp()
  }
  await order(0, 'B8') // B9 comes twice while S1 is on the list, by way of the alert of minute 1
  await order(1, 'B8')
  await order(2, 'B9')
  await change(['B9'], [])
  await order(2.5, 'B9')
  await change([], ['B9'])
  await order(9, 'B9')
  const alert = opened.find(({ rule }) => rule === 'watched')!
  expect(alert).toMatchObject({ key: { buyer_id: 'B9' }, measures: { orders: 2 }, first_seen: START_MS + 150_000 })
  const again = (id: string) => reading(own, undefined, (log) => deriveAlert(log, streams, id, []))
  const derived = await again(alert.alert_id)
  expect(derived).toMatchObject({
    note: null,
    clauses: [
      { holds: true, value: 2 },
      { text: 'key.buyer_id in lists.buyers', holds: true },
    ],
  })
  expect(derived.steps.map((s) => [s.measures.orders, s.matched])).toEqual([[1, false], [2, true]]) // biome-ignore format: one line

  await change(['B7'], []) // days before: no record that is read for the alert says so
  for (const [minute, buyer] of [[5_000, 'B8'], [5_001, 'B8'], [5_002, 'B7'], [5_003, 'B7']] as const) await order(minute, buyer) // biome-ignore format: one line
  await service.stop()
  const last = opened.find(({ rule, key }) => rule === 'watched' && key.buyer_id === 'B7')!
  expect(await again(last.alert_id)).toMatchObject({
    alert: last,
    note: null,
    clauses: [{ value: 2 }, { holds: true }],
  })
  const note = expect.stringContaining('or what its lists and features said then is not known any more')
  expect(await again(alert.alert_id)).toMatchObject({ clauses: null, note })
})
