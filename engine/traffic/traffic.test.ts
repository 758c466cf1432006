import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { kindsOf } from './campaign.ts'
import { SCENARIOS, type TrafficEvent, type TransactionEvent } from './event.ts'
import { EVENTS_PER_ORDER, Traffic } from './traffic.ts'

const START_MS = Date.parse('2026-01-01T00:00:00Z')
const HOUR_MS = 3_600_000
const options = { seed: 7, startMs: START_MS }
const hour = new Traffic(options).events(START_MS + HOUR_MS)
/** Over all fields and labels. */
function checksum(events: readonly TrafficEvent[]): string {
  const hash = createHash('sha256')
  for (const e of events) hash.update(`${Object.values(e).join()}${e.label?.id}`)
  return `${events.length} ${hash.digest('hex').slice(0, 16)}`
}
const isTransaction = (event: TrafficEvent): event is TransactionEvent => event.stream === 'transactions'
const transactions = hour.filter(isTransaction)
const created = transactions.filter((e) => e.type === 'order.created')

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(key(item))
    if (group) group.push(item)
    else groups.set(key(item), [item])
  }
  return groups
}
const distinct = <T>(items: readonly T[], of: (item: T) => unknown) => new Set(items.map(of)).size

test('the same seed gives the same events, however they are asked for', () => {
  const slices = new Traffic(options)
  const events: TrafficEvent[] = []
  for (let untilMs = START_MS; untilMs <= START_MS + HOUR_MS / 4; untilMs += 60_000)
    events.push(...slices.events(untilMs))
  expect(checksum(events)).toBe(checksum(hour.slice(0, events.length)))
  expect(checksum(hour.slice(0, 1_000))).toMatchInlineSnapshot(`"1000 f8d892adf20e1cef"`)
  const other = new Traffic({ ...options, seed: 8 }).events(START_MS + 60_000)
  expect(checksum(other.slice(0, 1_000))).not.toBe(checksum(hour.slice(0, 1_000)))
})

test('it goes on from a saved state, at any moment', () => {
  const first = new Traffic(options)
  const events = first.events(START_MS + 300_123)
  for (const atMs of [400_000, 434_567, 600_001]) {
    const again = Traffic.restore(JSON.parse(JSON.stringify(first.state())))
    const further = first.events(START_MS + atMs)
    expect(checksum(again.events(START_MS + atMs))).toBe(checksum(further))
    events.push(...further)
  }
  expect(checksum(events)).toBe(checksum(hour.slice(0, events.length)))
  expect(() => Traffic.restore({ ...first.state(), version: 2 as 1 })).toThrow('version 2')
})

test('whole milliseconds in time order, ids of their own, nothing from outside the span', () => {
  expect(
    hour.every((e, i) => Number.isInteger(e.event_time) && (i === 0 || e.event_time >= hour[i - 1]!.event_time)),
  ).toBe(true)
  expect(distinct(hour, (e) => e.event_id)).toBe(hour.length)
  expect(hour[0]!.event_time).toBeGreaterThanOrEqual(START_MS)
  expect(hour.at(-1)!.event_time).toBeLessThan(START_MS + HOUR_MS)
})

test('rates', () => {
  const normalOrders = created.filter((e) => !e.label).length / 3_600
  expect(normalOrders).toBeGreaterThan(4.85)
  expect(normalOrders).toBeLessThan(5.15)
  const settled = hour.filter((e) => !e.label && e.event_time >= START_MS + HOUR_MS / 2).length / 1_800
  expect(Math.abs(settled / 5 / EVENTS_PER_ORDER - 1)).toBeLessThan(0.05)
  const sale = hour.filter((e) => e.label?.id === 'flash_sale-0' && e.type === 'order.created')
  const spanS = (sale.at(-1)!.event_time - sale[0]!.event_time) / 1_000
  expect(sale.length / spanS / 5).toBeGreaterThan(8.5) // on top of the normal rate: ten times in all
  expect(sale.length / spanS / 5).toBeLessThan(9.5)
  expect(
    Math.max(
      ...[
        ...grouped(
          created.filter((e) => !e.label),
          (e) => e.item_id,
        ).values(),
      ].map((o) => o.length),
    ),
  ).toBeGreaterThan(1_000)
})

test('every order goes through its life in order, strictly later at each step', () => {
  const ways = grouped(
    [
      ...grouped(
        transactions.filter((e) => e.type !== 'item.traded'),
        (e) => e.order_id,
      ).values(),
    ],
    (steps) => steps.map((e) => e.type.replace(/.*\./, '')).join(' '),
  )
  const allowed = ['created deducted captured delivered refunded', 'created deducted cancelled']
  const isLater = (e: TransactionEvent, i: number, steps: readonly TransactionEvent[]) =>
    i === 0 || e.event_time > steps[i - 1]!.event_time
  for (const [way, orders] of ways) {
    expect(
      allowed.some((a) => `${a} `.startsWith(`${way} `)),
      way,
    ).toBe(true)
    expect(orders.every((steps) => steps.every(isLater))).toBe(true)
  }
  const late = (from: string, to: string[]) => {
    const at = new Map(transactions.filter((e) => e.type === from).map((e) => [e.order_id, e.event_time]))
    return transactions.filter(
      (e) => to.includes(e.type) && e.event_time - (at.get(e.order_id) ?? Number.NaN) > 15 * 60_000,
    )
  }
  expect(late('order.created', ['payment.captured', 'order.cancelled'])).toEqual([])
  expect(late('payment.captured', ['item.delivered'])).toEqual([])
  expect(allowed.every((way) => ways.has(way))).toBe(true)
})

describe('scenarios', () => {
  test('the past hour holds each of them; each begins again and again', () => {
    const ids = new Set(hour.flatMap((e) => (e.label ? [e.label.id] : [])))
    for (const kind of kindsOf('mixed')) {
      const count = [...ids].filter((id) => id.startsWith(kind)).length
      expect(count, kind).toBeGreaterThanOrEqual(3)
    }
    const sales = grouped(
      hour.filter((e) => e.label?.scenario === 'flash_sale'),
      (e) => e.label!.id,
    )
    expect([...sales.values()].map((s) => Math.floor((s[0]!.event_time - START_MS) / 60_000))).toEqual([5, 24, 43])
  })
  test('one that is asked for comes alone', () => {
    for (const scenario of SCENARIOS) {
      const events = new Traffic({ ...options, scenario }).events(START_MS + HOUR_MS / 4)
      const found = new Set(events.map((e) => e.label?.scenario ?? 'normal'))
      expect([...found].sort()).toEqual([...new Set(['normal', ...kindsOf(scenario)])].sort())
    }
  })
})

describe('what is labelled stands out from what is not', () => {
  const isNormal = (e: TrafficEvent) => e.label === null
  const most = (groups: Map<string, TransactionEvent[]>, of: (events: TransactionEvent[]) => number) =>
    Math.max(0, ...[...groups.values()].map(of))
  /** Those that begin in the first half hour, and so come to their end. */
  const campaigns = (kind: string, events: readonly TransactionEvent[] = created) =>
    [
      ...grouped(
        events.filter((e) => e.label?.scenario === kind),
        (e) => e.label!.id,
      ).values(),
    ].filter((group) => group[0]!.event_time < START_MS + HOUR_MS / 2)

  test('brushing rings: orders for each buyer of a shop, its honest orders included', () => {
    const concentration = (orders: TransactionEvent[]) =>
      orders.length < 6 ? 0 : orders.length / distinct(orders, (e) => e.buyer_id)
    expect(
      most(
        grouped(created.filter(isNormal), (e) => e.shop_id),
        concentration,
      ),
    ).toBeLessThan(2)
    for (const ring of campaigns('brushing_ring')) {
      const shop = created.filter((e) => e.shop_id === ring[0]!.shop_id)
      expect(concentration(shop)).toBeGreaterThan(3)
      expect(distinct(ring, (e) => e.buyer_id)).toBeLessThanOrEqual(4)
    }
  })
  test('device bursts: accounts on one device at one shop', () => {
    const accounts = (orders: TransactionEvent[]) => distinct(orders, (e) => e.buyer_id)
    expect(
      most(
        grouped(created.filter(isNormal), (e) => `${e.shop_id} ${e.device_id}`),
        accounts,
      ),
    ).toBeLessThanOrEqual(2)
    for (const burst of campaigns('device_burst')) {
      expect(accounts(burst)).toBeGreaterThanOrEqual(6)
      expect(distinct(burst, (e) => `${e.shop_id} ${e.device_id}`)).toBe(1)
      expect(burst.at(-1)!.event_time - burst[0]!.event_time).toBeLessThan(300_000)
    }
  })
  test('refund abuse: the share of a buyer that comes back', () => {
    const share = (events: TransactionEvent[]) => {
      const orders = distinct(
        events.filter((e) => e.type === 'order.created'),
        (e) => e.order_id,
      )
      const undone = events.filter((e) => e.type === 'order.refunded' || e.type === 'order.cancelled')
      return orders < 12 ? 0 : distinct(undone, (e) => e.order_id) / orders
    }
    expect(
      most(
        grouped(transactions.filter(isNormal), (e) => e.buyer_id),
        share,
      ),
    ).toBeLessThan(0.5)
    const abuses = campaigns('refund_abuse', transactions)
    expect(abuses.length).toBeGreaterThanOrEqual(2)
    for (const abuse of abuses) {
      expect(distinct(abuse, (e) => e.buyer_id)).toBe(1)
      expect(share(transactions.filter((e) => e.buyer_id === abuse[0]!.buyer_id))).toBeGreaterThan(0.7)
    }
  })
  test('pairs: trades far from the list price', () => {
    const offMarket = (events: TransactionEvent[]) =>
      events.filter((e) => e.unit_price / e.list_price < 0.5 || e.unit_price / e.list_price > 2).length
    expect(offMarket(transactions.filter(isNormal))).toBe(0)
    for (const pair of campaigns('offmarket_pair', transactions)) {
      expect(offMarket(pair)).toBe(pair.length)
      expect(pair.length).toBeGreaterThanOrEqual(8)
      expect(distinct(pair, (e) => `${e.buyer_id} ${e.shop_id}`)).toBe(1)
    }
  })
  test('a flash sale is honest: nearly each order is of another buyer', () => {
    for (const sale of campaigns('flash_sale'))
      expect(sale.length / distinct(sale, (e) => e.buyer_id)).toBeLessThan(1.5)
  })
  test('at a high rate as well: the platform has more buyers then', () => {
    const busy = new Traffic({ ...options, ordersPerSecond: 200, scenario: 'normal' }).events(START_MS + 120_000)
    const orders = grouped(
      busy.filter(isTransaction).filter((e) => e.type === 'order.created'),
      (e) => e.shop_id,
    )
    expect(most(orders, (o) => (o.length < 6 ? 0 : o.length / distinct(o, (e) => e.buyer_id)))).toBeLessThan(1.5)
  })
})
