import { Prng } from '../../engine/kit/prng.ts'
import { type Event, events, HOUR_MS } from './events.ts'

/** A probe is a shop that gets six orders of one buyer, 20 ms apart; the sixth makes the alert. */
export const ORDERS_OF_PROBE = 6
const GAP_MS = 20
export const isProbe = (shop: string): boolean => shop.startsWith('PROBE')

export interface LiveTraffic {
  /** Events a second, probes included. */
  readonly rate: number
  readonly seconds: number
  readonly probesPerSecond: number
  readonly seed: number
}

export interface Schedule {
  /** In the order of their moments, which are whole milliseconds: `timeMs`. */
  readonly events: Event[]
  /** By shop: the scheduled moment of the order that makes the alert, epoch ms. */
  readonly moments: Readonly<Record<string, number>>
}

/** Traffic of an open loop: each event has a moment, from `startMs` on, whatever the engine makes of the ones before. */
export function schedule({ rate, seconds, probesPerSecond, seed }: LiveTraffic, startMs: number): Schedule {
  const perSecond = rate - ORDERS_OF_PROBE * probesPerSecond
  if (perSecond <= 0) throw new Error(`${rate} events a second leave no room for ${probesPerSecond} probes`)
  const planned: Event[] = []
  let n = 0
  for (const event of events({ count: Math.floor(perSecond * seconds), perSecond, seed }))
    planned.push({ ...event, timeMs: Math.floor(startMs + (n++ * 1_000) / perSecond) })
  const moments: Record<string, number> = {}
  const random = new Prng(seed)
  for (let k = 0; k < probesPerSecond * seconds; k++) {
    const fromMs = Math.floor(startMs + ((k + random.next()) * 1_000) / probesPerSecond)
    const shop = `PROBE${k}`
    for (let order = 0; order < ORDERS_OF_PROBE; order++)
      planned.push({
        type: 'order.created',
        timeMs: fromMs + GAP_MS * order,
        shop,
        buyer: `bprobe${k}`,
        item: 'iprobe',
      })
    moments[shop] = fromMs + GAP_MS * (ORDERS_OF_PROBE - 1)
  }
  planned.sort((a, b) => a.timeMs - b.timeMs)
  return { events: planned, moments }
}

/** A state for the engine to hold: `count` orders of the last 50 minutes before `untilMs`, at shops that `wanted` takes. */
export function* stateEvents(
  count: number,
  untilMs: number,
  wanted: (shop: string) => boolean,
  seed: number,
): Generator<Event, void, undefined> {
  const random = new Prng(seed)
  const shops = Array.from({ length: 4_000 }, (_, n) => `held${n}`).filter(wanted)
  const fromMs = untilMs - (HOUR_MS * 5) / 6
  for (let n = 0; n < count; n++) {
    const timeMs = Math.floor(fromMs + ((untilMs - fromMs) * n) / count)
    const buyer = `b${random.int(1_000_000)}`
    yield {
      type: 'order.created',
      timeMs,
      shop: shops[random.int(shops.length)],
      buyer,
      item: `i${random.int(20_000)}`,
    }
  }
}
