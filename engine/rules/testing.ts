import type { Field, FieldKind, Stream } from '../model/stream.ts'

/** The two shipped streams, by hand, for tests. */
export const TRANSACTIONS: Stream = {
  name: 'transactions',
  topic: 'trade.transactions.v1',
  fields: [
    ...strings('event_id'),
    { ...field('type', 'string'), doc: 'order.created, payment.captured, order.cancelled; open: any other' },
    field('event_time', 'number'),
    ...strings('order_id', 'buyer_id', 'shop_id', 'item_id', 'category_id'),
    field('quantity', 'number'),
    field('unit_price', 'decimal', 4),
    field('list_price', 'decimal', 4),
    field('amount', 'decimal', 4),
    ...strings('currency', 'device_id', 'ip', 'channel', 'status'),
  ],
  timeField: 'event_time',
  timeFormat: 'ms',
  idField: 'event_id',
  type: { field: 'type' },
  types: ['order.*', 'inventory.*', 'payment.*', 'item.delivered', 'item.traded'],
  latenessMs: 120_000,
  maxAheadMs: 30_000,
  dedupeMs: 600_000,
  determines: { order_id: ['buyer_id', 'shop_id'] },
  avro: null,
}

export const BEHAVIOR: Stream = {
  name: 'behavior',
  topic: 'trade.behavior.v1',
  fields: [
    ...strings('event_id', 'type'),
    field('event_time', 'number'),
    ...strings('user_id', 'item_id', 'category_id', 'channel'),
  ],
  timeField: 'event_time',
  timeFormat: 'ms',
  idField: 'event_id',
  type: { field: 'type' },
  types: ['item.viewed', 'item.favorited', 'item.carted', 'item.bought'],
  latenessMs: 120_000,
  maxAheadMs: 30_000,
  dedupeMs: 600_000,
  determines: {},
  avro: null,
}

/** Another shape: one event type, a flag, a field that has another kind elsewhere. */
export const BIDS: Stream = {
  ...BEHAVIOR,
  name: 'bids',
  topic: 'x.bids.v1',
  fields: [
    field('date_time', 'number'),
    ...strings('bidder'),
    field('price', 'number', 6),
    field('blocked', 'boolean'),
    field('channel', 'number'),
  ],
  timeField: 'date_time',
  timeFormat: 'iso',
  idField: null,
  type: { fixed: 'bid' },
  types: [],
}

export const STREAMS: readonly Stream[] = [TRANSACTIONS, BEHAVIOR, BIDS]

function field(name: string, kind: FieldKind, scale = 0): Field {
  return { name, kind, scale, doc: '' }
}

function strings(...names: readonly string[]): Field[] {
  return names.map((name) => field(name, 'string'))
}
