/** What a run can play beside normal traffic; `mixed` is all of it. */
export const SCENARIOS = [
  'normal',
  'brushing_ring',
  'device_burst',
  'refund_abuse',
  'offmarket_pair',
  'flash_sale',
  'mixed',
] as const
export type Scenario = (typeof SCENARIOS)[number]
export type CampaignKind = Exclude<Scenario, 'normal' | 'mixed'>

/** Crowds that a good rule leaves alone: their events are as good as normal ones. */
export const HONEST: readonly CampaignKind[] = ['flash_sale']

/** The truth about an event, outside its schema; `id` is shared by all events of one ring, burst, sale, … */
export interface Label {
  readonly scenario: CampaignKind
  readonly id: string
}

interface EventBase {
  readonly event_id: string
  readonly type: string
  /** Whole epoch milliseconds. */
  readonly event_time: number
  readonly item_id: string
  readonly category_id: string
  readonly channel: string
  /** Null: normal traffic. */
  readonly label: Label | null
}

/** Field names of schemas/transaction.avsc. Prices with two decimals. */
export interface TransactionEvent extends EventBase {
  readonly stream: 'transactions'
  readonly order_id: string
  readonly buyer_id: string
  readonly shop_id: string
  readonly quantity: number
  readonly unit_price: number
  readonly list_price: number
  readonly amount: number
  readonly currency: string
  readonly device_id: string
  readonly ip: string
  readonly status: string | null
}

/** Field names of schemas/behavior.avsc. */
export interface BehaviorEvent extends EventBase {
  readonly stream: 'behavior'
  readonly user_id: string
}

export type TrafficEvent = TransactionEvent | BehaviorEvent
