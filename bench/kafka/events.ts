import { Prng } from '../../engine/kit/prng.ts'
import { zipf } from '../events.ts'

/** Event time of the first event, epoch ms. Long past: engines must not look at the clock. */
export const START_MS = Date.UTC(2026, 0, 5, 8)
export const HOUR_MS = 3_600_000
export const MINUTE_MS = 60_000
/** What an event adds to its item's score in the ranking. */
export const WEIGHTS: Readonly<Record<string, number>> = {
  'order.created': 1,
  'payment.captured': 3,
  'item.delivered': 2,
}

export interface Backlog {
  readonly count: number
  /** Events in a second of event time. */
  readonly perSecond: number
  readonly seed: number
}

export interface Event {
  readonly type: string
  readonly timeMs: number
  readonly shop: string
  readonly buyer: string
  readonly item: string
}

interface Ring {
  readonly shop: string
  readonly buyers: readonly string[]
  readonly gap: number // events from one of its orders to the next
  left: number
}

const [SHOPS, BUYERS, ITEMS] = [2_000, 100_000, 20_000]
/** Rings have shops that others hardly know. */
const QUIET_FROM = 400
const RING_EVERY = 5_000 // events

/**
 * The events of the measured job in time order: a pure function of its parameters. Shops and items by Zipf, buyers evenly;
 * hidden among them brushing rings: one to four buyers who place 8 to 257 orders at one shop within 5 to 40 minutes.
 */
export function* events({ count, perSecond, seed }: Backlog): Generator<Event, void, undefined> {
  const random = new Prng(seed)
  const [shop, item] = [zipf(SHOPS, 1.2, random), zipf(ITEMS, 1, random)]
  const due = new Map<number, Ring>()
  const plan = (ring: Ring, from: number): void => {
    let at = from
    while (due.has(at)) at++
    due.set(at, ring)
  }
  for (let i = 0; i < count; i++) {
    const timeMs = START_MS + Math.floor((i * 1_000) / perSecond)
    if (i % RING_EVERY === 0) plan(newRing(random, perSecond), i)
    const ring = due.get(i)
    if (!ring) {
      yield {
        type: typeOf(random.next()),
        timeMs,
        shop: `s${shop()}`,
        buyer: `b${random.int(BUYERS)}`,
        item: `i${item()}`,
      }
      continue
    }
    due.delete(i)
    yield { type: 'order.created', timeMs, shop: ring.shop, buyer: pick(ring.buyers, random), item: `i${item()}` }
    if (--ring.left > 0) plan(ring, i + ring.gap)
  }
}

function newRing(random: Prng, perSecond: number): Ring {
  const left = 8 + random.int(250)
  const seconds = random.between(300, 2_400)
  return {
    shop: `s${QUIET_FROM + random.int(SHOPS - QUIET_FROM)}`,
    buyers: Array.from({ length: 1 + random.int(4) }, () => `b${random.int(BUYERS)}`),
    gap: Math.max(1, Math.floor((seconds * perSecond) / left)),
    left,
  }
}

const pick = (values: readonly string[], random: Prng): string => values[random.int(values.length)]

function typeOf(chance: number): string {
  if (chance < 0.6) return 'order.created'
  if (chance < 0.9) return 'payment.captured'
  return chance < 0.98 ? 'item.delivered' : 'order.refunded'
}

/** Shops whose alerts say that an engine has come to the end. */
export const END_SHOPS = 32
export const isEndShop = (shop: string): boolean => shop.startsWith('END')

/**
 * What stands behind the backlog, from `fromMs` on: 32 shops with six orders of one buyer each, which all alert, then
 * three minutes of honest orders that move time on in every partition.
 */
export function* ending(fromMs: number): Generator<Event, void, undefined> {
  const order = (timeMs: number, shop: string, buyer: string, item: string): Event => ({
    ...{ type: 'order.created', timeMs, shop, buyer, item },
  })
  for (let n = 1; n <= 6 * END_SHOPS; n++) {
    const k = n % END_SHOPS
    yield order(fromMs + 100 * n, `END${k}`, `bend${k}`, 'iend')
  }
  for (let n = 0; n < 900; n++) yield order(fromMs + 30_000 + 200 * n, `LAST${n}`, `blast${n}`, `ilast${n % 50}`)
}

/** All of it. */
export function* wholeBacklog(backlog: Backlog): Generator<Event, void, undefined> {
  yield* events(backlog)
  yield* ending(endMs(backlog))
}

/** Where the backlog's own events end; event time, epoch ms. */
export function endMs({ count, perSecond }: Backlog): number {
  return START_MS + Math.ceil((count * 1_000) / perSecond)
}

/** The last ranking that every engine must make: the events of the end go more than a minute past it. */
export function lastMinute(backlog: Backlog): number {
  return Math.floor(endMs(backlog) / MINUTE_MS) * MINUTE_MS + 2 * MINUTE_MS
}
