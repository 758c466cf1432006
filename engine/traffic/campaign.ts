import type { Prng } from '../kit/prng.ts'
import type { CampaignKind, Scenario } from './event.ts'
import type { Market } from './market.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/** When campaigns of a kind begin, and how long each lasts. `jitter`: how far a beginning may be off, as a share of `everyMs`. */
interface Calendar {
  readonly firstMs: number
  readonly everyMs: number
  readonly jitter: number
  readonly lastsMs: number
}

/** From the start of the traffic. A flash sale begins 2 minutes after the first hour: soon after `dev` goes live. */
const CALENDARS: Readonly<Record<CampaignKind, Calendar>> = {
  brushing_ring: { firstMs: 2 * MINUTE_MS, everyMs: 7 * MINUTE_MS, jitter: 0.2, lastsMs: 20 * MINUTE_MS },
  device_burst: { firstMs: 4 * MINUTE_MS, everyMs: 6 * MINUTE_MS, jitter: 0.2, lastsMs: 5 * MINUTE_MS },
  refund_abuse: { firstMs: 3 * MINUTE_MS, everyMs: 12 * MINUTE_MS, jitter: 0.2, lastsMs: 25 * MINUTE_MS },
  offmarket_pair: { firstMs: 5 * MINUTE_MS, everyMs: 9 * MINUTE_MS, jitter: 0.2, lastsMs: 25 * MINUTE_MS },
  flash_sale: { firstMs: 5 * MINUTE_MS, everyMs: 19 * MINUTE_MS, jitter: 0, lastsMs: 3 * MINUTE_MS },
}

/** A ring, burst, sale, … that is going on, as plain data: it is part of the generator's saved state. */
export interface Campaign {
  readonly kind: CampaignKind
  readonly id: string
  readonly untilMs: number
  readonly shop: number
  readonly item: number
  /** Who takes part; a flash sale is for everybody. */
  readonly buyers: readonly number[]
  /** Unit price over list price. */
  readonly priceRatio: number
  /** Mean time between two orders. */
  readonly everyMs: number
  /** Orders so far. */
  orders: number
}

export function kindsOf(scenario: Scenario): readonly CampaignKind[] {
  if (scenario === 'normal') return []
  return scenario === 'mixed' ? (Object.keys(CALENDARS) as CampaignKind[]) : [scenario]
}

/** When the `n`th campaign of a kind begins, from 0. */
export function beginsAtMs(kind: CampaignKind, n: number, startMs: number, prng: Prng): number {
  const { firstMs, everyMs, jitter } = CALENDARS[kind]
  const off = n === 0 ? 0 : Math.round(prng.between(-jitter, jitter) * everyMs)
  return startMs + firstMs + n * everyMs + off
}

/** A flash sale brings nine times the normal rate on top of it. */
const SALE_FACTOR = 9

export function begin(
  kind: CampaignKind,
  n: number,
  atMs: number,
  orderEveryMs: number,
  market: Market,
  prng: Prng,
): Campaign {
  const members = (count: number) => Array.from({ length: count }, () => prng.int(market.buyers))
  const common = {
    kind,
    id: `${kind}-${n}`,
    untilMs: atMs + CALENDARS[kind].lastsMs,
    item: market.item(prng),
    orders: 0,
  }
  switch (kind) {
    case 'brushing_ring': {
      const shop = market.quietShop(prng)
      return {
        ...common,
        shop,
        buyers: members(3 + prng.int(2)),
        priceRatio: 1,
        everyMs: prng.between(25, 45) * SECOND_MS,
      }
    }
    case 'device_burst': {
      const buyers = members(6 + prng.int(5))
      return { ...common, shop: market.shop(prng), buyers, priceRatio: 1, everyMs: prng.between(10, 18) * SECOND_MS }
    }
    case 'refund_abuse':
      return { ...common, shop: -1, buyers: members(1), priceRatio: 1, everyMs: prng.between(55, 75) * SECOND_MS }
    case 'offmarket_pair': {
      const priceRatio = prng.next() < 0.5 ? prng.between(0.1, 0.3) : prng.between(3, 8)
      return {
        ...common,
        shop: market.shop(prng),
        buyers: members(1),
        priceRatio,
        everyMs: prng.between(90, 150) * SECOND_MS,
      }
    }
    case 'flash_sale': {
      const priceRatio = prng.between(0.6, 0.8)
      return { ...common, shop: market.shop(prng), buyers: [], priceRatio, everyMs: orderEveryMs / SALE_FACTOR }
    }
  }
}

/** A prime that does not divide the number of buyers: a sale meets everybody once before anybody a second time. */
const SALE_STRIDE = 7_919

/** Who places the campaign's next order: rings take turns. */
export function buyerOf(campaign: Campaign, market: Market, prng: Prng): number {
  if (campaign.kind === 'flash_sale') return (campaign.item * 31 + campaign.orders * SALE_STRIDE) % market.buyers
  if (campaign.kind === 'device_burst') return campaign.buyers[campaign.orders % campaign.buyers.length]!
  return campaign.buyers[prng.int(campaign.buyers.length)]!
}
