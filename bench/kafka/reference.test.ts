import { expect, test } from 'vitest'
import type { Opening } from './episodes.ts'
import { type Backlog, type Event, HOUR_MS, lastMinute, MINUTE_MS, START_MS, WEIGHTS, wholeBacklog } from './events.ts'
import { compare, reference } from './reference.ts'

const backlog: Backlog = { count: 6_000, perSecond: 1, seed: 3 }
const all = [...wholeBacklog(backlog)]

/** The orders of a shop in `(t - 1 h, t]`, counted anew. */
function holds(shop: readonly Event[], timeMs: number): boolean {
  const inWindow = shop.filter((order) => order.timeMs > timeMs - HOUR_MS && order.timeMs <= timeMs)
  return inWindow.length >= 6 && inWindow.length / new Set(inWindow.map(({ buyer }) => buyer)).size >= 3
}

test('openings are those of every window counted anew, on each arrival and each departure', () => {
  const shops = new Map<string, Event[]>()
  for (const event of all)
    if (event.type === 'order.created') shops.set(event.shop, [...(shops.get(event.shop) ?? []), event])
  const lastMs = all[all.length - 1].timeMs
  const right: Opening[] = []
  for (const [shop, orders] of shops) {
    const moments = orders.flatMap(({ timeMs }) => [timeMs, timeMs + HOUR_MS]).filter((ms) => ms <= lastMs)
    let open = false
    for (const timeMs of moments.sort((a, b) => a - b)) {
      const now = holds(orders, timeMs)
      if (now && !open) right.push({ shop, timeMs })
      open = now
    }
  }
  const found = reference(backlog).onChange
  expect(found.length).toBeGreaterThan(32)
  expect(compare(right, found)).toEqual({ right: right.length, missing: 0, extra: 0, moved: 0 })
})

test('rankings are the sums of the hour before each minute', () => {
  const { rankings } = reference(backlog)
  expect(Math.max(...rankings.keys())).toBe(lastMinute(backlog))
  for (const asOfMs of [START_MS + 5 * MINUTE_MS, START_MS + 90 * MINUTE_MS]) {
    const scores = new Map<string, number>()
    for (const { type, timeMs, item } of all)
      if (type in WEIGHTS && timeMs >= asOfMs - HOUR_MS && timeMs < asOfMs)
        scores.set(item, (scores.get(item) ?? 0) + WEIGHTS[type])
    const best = [...scores].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 50)
    expect(rankings.get(asOfMs)).toEqual(best)
  }
})

test('two openings of a shop are the same when they are at most 200 ms apart', () => {
  const right = [
    { shop: 'a', timeMs: 0 },
    { shop: 'a', timeMs: 5_000 },
    { shop: 'b', timeMs: 0 },
  ]
  const found = [
    { shop: 'a', timeMs: 150 },
    { shop: 'a', timeMs: 5_000 },
    { shop: 'a', timeMs: 9_000 },
  ]
  expect(compare(right, found)).toEqual({ right: 3, missing: 1, extra: 1, moved: 1 })
})
