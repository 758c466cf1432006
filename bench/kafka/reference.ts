import { type Opening, ShopHour } from './episodes.ts'
import { type Backlog, HOUR_MS, WEIGHTS, wholeBacklog } from './events.ts'
import { HotItems, type RankedItems } from './hot-items.ts'

export interface Reference {
  /** Where the condition becomes true, looked at when an order enters a window and when one leaves it. */
  readonly onChange: readonly Opening[]
  /** Where it becomes true, looked at on arrivals alone. */
  readonly onArrival: readonly Opening[]
  /** By the moment of the ranking, epoch ms. */
  readonly rankings: ReadonlyMap<number, RankedItems>
}

/** What is right: the events once more, in time order, one by one, in one place. */
export function reference(backlog: Backlog): Reference {
  const onChange: Opening[] = []
  const onArrival: Opening[] = []
  const rankings = new Map<number, RankedItems>()
  const shops = new Map<string, ShopHour>()
  const arrived = new Set<string>() // shops whose condition held on their last arrival
  const hot = new HotItems(0)
  let windows: Opening[] = [] // orders that are in their shop's window, oldest first
  let left = 0
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
    if (type in WEIGHTS) hot.add(item, timeMs, WEIGHTS[type], (asOfMs, items) => rankings.set(asOfMs, items))
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
  /** Openings (shop and moment) that are not there, that are too much, and that are there more than once. */
  readonly missing: number
  readonly extra: number
  readonly doubled: number
}

export function compare(right: readonly Opening[], found: readonly Opening[]): Compared {
  const name = ({ shop, timeMs }: Opening): string => `${shop}@${timeMs}`
  const [wanted, there] = [new Set(right.map(name)), new Set(found.map(name))]
  return {
    right: wanted.size,
    missing: [...wanted].filter((one) => !there.has(one)).length,
    extra: [...there].filter((one) => !wanted.has(one)).length,
    doubled: found.length - there.size,
  }
}
