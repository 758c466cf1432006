import { Prng, type PrngState } from '../kit/prng.ts'
import { Agenda } from './agenda.ts'
import { begin, beginsAtMs, buyerOf, type Campaign, kindsOf } from './campaign.ts'
import type { CampaignKind, Label, Scenario, TrafficEvent } from './event.ts'
import { Market, QUIET_SHOPS } from './market.ts'
import { nextStep, normalFate, type Order, type Step } from './order.ts'

export interface TrafficOptions {
  readonly seed: number
  /** Epoch ms of the first event, roughly. */
  readonly startMs: number
  /** Normal orders in a second, on average; each brings some EVENTS_PER_ORDER events. Default 5; above, buyers grow too. */
  readonly ordersPerSecond?: number
  /** What is played beside normal traffic; default `mixed`. */
  readonly scenario?: Scenario
}

/** Events of both streams for each normal order, on average. */
export const EVENTS_PER_ORDER = 12.9

const VIEWS_PER_ORDER = 8
const SALE_VIEWS_PER_ORDER = 3
/** Orders of all quiet shops together come this far apart: two an hour for each. */
const QUIET_EVERY_MS = 3_600_000 / (2 * QUIET_SHOPS)
const TEST_ORDERS = 0.001

/** What is to happen next, as plain data. */
type Action =
  | { readonly do: 'order' | 'quiet' | 'view' }
  | { readonly do: 'step'; readonly order: Order; readonly step: Step }
  | { readonly do: 'begin'; readonly kind: CampaignKind; readonly n: number }
  | { readonly do: 'campaign'; readonly campaign: Campaign }

/** Everything that the generator knows, as JSON. */
export interface TrafficState {
  readonly version: 1
  readonly options: Required<TrafficOptions>
  readonly prng: PrngState
  readonly ids: number
  readonly agenda: readonly (readonly [atMs: number, action: Action])[]
}

/**
 * Traffic of a trading platform for game items, with fraud hidden in it and labelled: the same seed and options give the
 * same events. Plain computation: no clock, no I/O. State is bounded by the orders under way.
 */
export class Traffic {
  readonly options: Required<TrafficOptions>
  readonly #prng: Prng
  readonly #market: Market
  readonly #agenda = new Agenda<Action>()
  readonly #orderEveryMs: number
  #ids = 0
  #out: TrafficEvent[] = []

  constructor(options: TrafficOptions, saved?: TrafficState) {
    this.options = { ordersPerSecond: 5, scenario: 'mixed', ...options }
    this.#market = new Market(this.options.ordersPerSecond)
    this.#orderEveryMs = 1_000 / this.options.ordersPerSecond
    this.#prng = new Prng(saved?.prng ?? options.seed)
    if (saved) {
      this.#ids = saved.ids
      for (const [atMs, action] of structuredClone(saved.agenda)) this.#agenda.add(atMs, action)
    } else this.#start()
  }

  static restore(saved: TrafficState): Traffic {
    if (saved.version !== 1) throw new Error(`traffic state of version ${saved.version}, this engine reads 1`)
    return new Traffic(saved.options, saved)
  }

  /** A copy: the generator may go on. */
  state(): TrafficState {
    const { options } = this
    const agenda = structuredClone(this.#agenda.entries())
    return { version: 1, options, prng: this.#prng.state(), ids: this.#ids, agenda }
  }

  /** Everything before `untilMs` that was not handed out yet, in time order. */
  events(untilMs: number): TrafficEvent[] {
    this.#out = []
    while (this.#agenda.nextMs < untilMs) {
      const atMs = this.#agenda.nextMs
      this.#act(atMs, this.#agenda.take())
    }
    return this.#out
  }

  #start(): void {
    const { startMs, scenario } = this.options
    this.#agenda.add(startMs + this.#prng.exponential(this.#orderEveryMs), { do: 'order' })
    this.#agenda.add(startMs + this.#prng.exponential(QUIET_EVERY_MS), { do: 'quiet' })
    this.#agenda.add(startMs + this.#prng.exponential(this.#orderEveryMs / VIEWS_PER_ORDER), { do: 'view' })
    for (const kind of kindsOf(scenario)) this.#announce(kind, 0)
  }

  #act(atMs: number, action: Action): void {
    const market = this.#market
    const prng = this.#prng
    switch (action.do) {
      case 'order':
        this.#agenda.add(atMs + prng.exponential(this.#orderEveryMs), action)
        this.#normalOrder(atMs, market.shop(prng))
        break
      case 'quiet':
        this.#agenda.add(atMs + prng.exponential(QUIET_EVERY_MS), action)
        this.#normalOrder(atMs, market.quietShop(prng))
        break
      case 'view':
        this.#agenda.add(atMs + prng.exponential(this.#orderEveryMs / VIEWS_PER_ORDER), action)
        this.#view(atMs, market.item(prng), null)
        break
      case 'step':
        this.#step(atMs, action.order, action.step)
        break
      case 'begin': {
        this.#announce(action.kind, action.n + 1)
        const campaign = begin(action.kind, action.n, atMs, this.#orderEveryMs, market, prng)
        this.#campaignOrder(atMs, campaign)
        break
      }
      case 'campaign':
        this.#campaignOrder(atMs, action.campaign)
        break
    }
  }

  #announce(kind: CampaignKind, n: number): void {
    const atMs = beginsAtMs(kind, n, this.options.startMs, this.#prng)
    this.#agenda.add(atMs, { do: 'begin', kind, n })
  }

  #normalOrder(atMs: number, shop: number): void {
    const market = this.#market
    const prng = this.#prng
    const buyer = market.buyer(prng)
    const item = market.item(prng)
    this.#create(atMs, {
      id: this.#id('o'),
      buyer,
      shop,
      item,
      quantity: prng.next() < 0.8 ? 1 : 2 + prng.int(4),
      unitCents: Math.round(market.listCents[item]! * prng.between(0.9, 1.05)),
      device: market.device(buyer),
      ip: market.ip(buyer),
      channel: this.#channel(),
      status: prng.next() < TEST_ORDERS ? 'test' : null,
      label: null,
      fate: normalFate(prng),
    })
  }

  #campaignOrder(atMs: number, campaign: Campaign): void {
    const market = this.#market
    const prng = this.#prng
    const { kind, id } = campaign
    const label: Label = { scenario: kind, id }
    const buyer = buyerOf(campaign, market, prng)
    const burst = kind === 'device_burst'
    const item = kind === 'refund_abuse' ? market.item(prng) : campaign.item
    const order: Order = {
      id: this.#id('o'),
      buyer,
      shop: campaign.shop < 0 ? market.shop(prng) : campaign.shop,
      item,
      quantity: 1,
      unitCents: Math.max(1, Math.round(market.listCents[item]! * campaign.priceRatio)),
      device: market.device(burst ? campaign.buyers[0]! : buyer),
      ip: market.ip(burst ? campaign.buyers[0]! : buyer),
      channel: this.#channel(),
      status: null,
      label,
      fate: kind === 'refund_abuse' ? 'undone' : kind === 'flash_sale' ? normalFate(prng) : 'delivered',
    }
    if (kind === 'offmarket_pair') this.#transaction(atMs, 'item.traded', order)
    else this.#create(atMs, order)
    if (kind === 'flash_sale') for (let i = 0; i < SALE_VIEWS_PER_ORDER; i++) this.#view(atMs, item, label)
    campaign.orders += 1
    const nextMs = atMs + this.#pauseMs(campaign)
    if (nextMs < campaign.untilMs) this.#agenda.add(nextMs, { do: 'campaign', campaign })
  }

  /** People in a sale come at random; a ring works at a steady pace. */
  #pauseMs(campaign: Campaign): number {
    const { kind, everyMs } = campaign
    return kind === 'flash_sale' ? this.#prng.exponential(everyMs) : this.#prng.between(0.5, 1.5) * everyMs
  }

  #create(atMs: number, order: Order): void {
    this.#transaction(atMs, 'order.created', order)
    this.#goOn(Math.floor(atMs), order, null)
  }

  #step(atMs: number, order: Order, step: Step): void {
    this.#transaction(atMs, step, order)
    if (step === 'payment.captured') this.#behavior(atMs, 'item.bought', order.buyer, order.item, order.label)
    this.#goOn(atMs, order, step)
  }

  #goOn(atMs: number, order: Order, done: Step | null): void {
    const next = nextStep(order, done, this.#prng)
    if (next) this.#agenda.add(atMs + next.afterMs, { do: 'step', order, step: next.step })
  }

  #view(atMs: number, item: number, label: Label | null): void {
    const chance = this.#prng.next()
    const type = chance < 0.8 ? 'item.viewed' : chance < 0.88 ? 'item.favorited' : 'item.carted'
    this.#behavior(atMs, type, this.#market.buyer(this.#prng), item, label)
  }

  #transaction(atMs: number, type: string, order: Order): void {
    const market = this.#market
    this.#out.push({
      stream: 'transactions',
      event_id: this.#id('t'),
      type,
      event_time: Math.floor(atMs),
      order_id: order.id,
      buyer_id: market.buyerId(order.buyer),
      shop_id: market.shopId(order.shop),
      item_id: market.itemId(order.item),
      category_id: market.categoryId(order.item),
      quantity: order.quantity,
      unit_price: order.unitCents / 100,
      list_price: market.listCents[order.item]! / 100,
      amount: (order.unitCents * order.quantity) / 100,
      currency: 'USD',
      device_id: order.device,
      ip: order.ip,
      channel: order.channel,
      status: order.status,
      label: order.label,
    })
  }

  #behavior(atMs: number, type: string, user: number, item: number, label: Label | null): void {
    const market = this.#market
    this.#out.push({
      stream: 'behavior',
      event_id: this.#id('b'),
      type,
      event_time: Math.floor(atMs),
      user_id: market.buyerId(user),
      item_id: market.itemId(item),
      category_id: market.categoryId(item),
      channel: this.#channel(),
      label,
    })
  }

  #channel(): string {
    return this.#prng.next() < 0.7 ? 'app' : 'web'
  }

  /** Unique within all runs of one seed. */
  #id(prefix: string): string {
    this.#ids += 1
    return `${prefix}${this.options.seed}-${this.#ids}`
  }
}
