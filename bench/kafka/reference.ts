import { type Opening, ShopHour } from './episodes.ts'
import { type Backlog, HOUR_MS, lastMinute, WEIGHTS, wholeBacklog } from './events.ts'
import { HotItems, type RankedItems } from './hot-items.ts'

export interface Reference {
  /** Where the condition becomes true, looked at when an order enters a window and when one leaves it. */
  readonly onChange: readonly Opening[]
  /** Where it becomes true, looked at on arrivals alone. */
  readonly onArrival: readonly Opening[]
  /** By the moment of the ranking, epoch ms; up to the last one that must be there. */
  readonly rankings: ReadonlyMap<number, RankedItems>
}

/** What is right: the events once more, in time order, one by one, in one place. */
export function reference(backlog: Backlog): Reference {
  const untilMs = lastMinute(backlog)
  const onChange: Opening[] = []
  const onArrival: Opening[] = []
  const rankings = new Map<number, RankedItems>()
  const shops = new Map<string, ShopHour>()
  const arrived = new Set<string>() // shops whose condition held on their last arrival
  const hot = new HotItems(0)
  let windows: Opening[] = [] // orders that are in their shop's window, oldest first
  let left = 0
  const keep = (asOfMs: number, items: RankedItems): void => {
    if (asOfMs <= untilMs) rankings.set(asOfMs, items)
  }
  const look = (hour: ShopHour, opening: Opening): void => {
    if (hour.concentrated && !hour.open) onChange.push(opening)
    hour.open = hour.concentrated
  }
  const leave = (untilMs: number): void => {
    while (left < windows.length && windows[left].timeMs + HOUR_MS <= untilMs) {
      const { shop, timeMs } = windows[left++]
      const hour = shops.get(shop)!
      hour.removeFirst()
      look(hour, { shop, timeMs: timeMs + HOUR_MS })
    }
    if (left < 100_000) return
    windows = windows.slice(left)
    left = 0
  }
  for (const { type, timeMs, shop, buyer, item } of wholeBacklog(backlog)) {
    if (type in WEIGHTS) hot.add(item, timeMs, WEIGHTS[type], keep)
    if (type !== 'order.created') continue
    leave(timeMs)
    const hour = shops.get(shop) ?? new ShopHour()
    shops.set(shop, hour)
    hour.add(timeMs, buyer)
    windows.push({ shop, timeMs })
    look(hour, { shop, timeMs })
    if (!hour.concentrated) arrived.delete(shop)
    else if (!arrived.has(shop)) {
      arrived.add(shop)
      onArrival.push({ shop, timeMs })
    }
  }
  return { onChange, onArrival, rankings }
}

export interface Compared {
  readonly right: number
  /** Openings that are not there, and that are too much: of the same shop, and at most 200 ms apart, two are the same. */
  readonly missing: number
  readonly extra: number
  /** Of those that are there, not at their very millisecond: cuts of partitions take turns. */
  readonly moved: number
}

const SAME_MS = 200

export function compare(right: readonly Opening[], found: readonly Opening[]): Compared {
  const left = new Map<string, number[]>()
  for (const { shop, timeMs } of found) left.set(shop, [...(left.get(shop) ?? []), timeMs])
  let [missing, moved] = [0, 0]
  for (const { shop, timeMs } of right) {
    const times = left.get(shop) ?? []
    const near = times.findIndex((time) => Math.abs(time - timeMs) <= SAME_MS)
    if (near < 0) missing++
    else if (times.splice(near, 1)[0] !== timeMs) moved++
  }
  return { right: right.length, missing, extra: found.length - (right.length - missing), moved }
}
