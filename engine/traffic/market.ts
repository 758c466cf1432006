import { Prng } from '../kit/prng.ts'

/** At up to ORDERS_PER_SECOND normal orders a second; a platform with more orders has more buyers. */
const BUYERS = 20_000
const ORDERS_PER_SECOND = 5
export const SHOPS = 500
/** The last shops sell next to nothing, whatever the rate: that is where rings hide. */
export const QUIET_SHOPS = 40
export const ITEMS = 3_000
const CATEGORIES = 20

/**
 * The trading platform for game items: who buys and sells what, at which list price, from which device. The same for every
 * seed, so that runs can be compared.
 */
export class Market {
  readonly buyers: number
  /** List price of each item in cents. */
  readonly listCents: readonly number[]
  readonly #itemRanks = zipf(ITEMS, 1)
  readonly #shopRanks = zipf(SHOPS - QUIET_SHOPS, 0.9)

  constructor(ordersPerSecond: number) {
    this.buyers = BUYERS * Math.max(1, Math.ceil(ordersPerSecond / ORDERS_PER_SECOND))
    const prng = new Prng(20_260_101)
    this.listCents = Array.from({ length: ITEMS }, () => Math.max(50, Math.round(prng.logNormal(1_500, 1))))
  }

  /** Some buyers buy more often than others. */
  buyer(prng: Prng): number {
    return Math.floor(prng.next() ** 1.3 * this.buyers)
  }

  buyerId(buyer: number): string {
    return `B${buyer}`
  }
  shopId(shop: number): string {
    return `S${shop}`
  }
  itemId(item: number): string {
    return `I${item}`
  }
  categoryId(item: number): string {
    return `C${item % CATEGORIES}`
  }
  /** One in 50 buyers uses the device of the one before: families. */
  device(buyer: number): string {
    return `D${buyer % 50 === 49 ? buyer - 1 : buyer}`
  }
  ip(buyer: number): string {
    return `10.${(buyer >> 16) & 0xff}.${(buyer >> 8) & 0xff}.${buyer & 0xff}`
  }

  /** By Zipf's law: the first item sells as often as the next two together, roughly. */
  item(prng: Prng): number {
    return drawn(this.#itemRanks, prng.next())
  }

  /** A shop that is not a quiet one. */
  shop(prng: Prng): number {
    return drawn(this.#shopRanks, prng.next())
  }

  quietShop(prng: Prng): number {
    return SHOPS - 1 - prng.int(QUIET_SHOPS)
  }
}

/** Cumulative shares of ranks whose weights fall as 1 / rank^exponent. */
function zipf(count: number, exponent: number): Float64Array {
  const shares = new Float64Array(count)
  let total = 0
  for (let i = 0; i < count; i++) {
    total += 1 / (i + 1) ** exponent
    shares[i] = total
  }
  return shares.map((share) => share / total)
}

/** First rank whose cumulative share is above `at`. */
function drawn(shares: Float64Array, at: number): number {
  let low = 0
  let high = shares.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (shares[middle]! > at) high = middle
    else low = middle + 1
  }
  return low
}
