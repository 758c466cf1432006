import type { Block } from '../../../model/block.ts'
import { BlockBuilder } from '../../../model/block-builder.ts'
import { cellAt } from '../../../model/column.ts'
import { Counters } from '../../../model/counters.ts'
import type { Captured, Stream, StreamFormat } from '../../../model/stream.ts'
import { streamFromAvro } from '../../../model/testing.ts'
import type { Schemas } from '../schemas.ts'
import { decoderFor } from './decoder-for.ts'

const optional = (type: unknown) => ['null', type]
export const ORDER_AVRO = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'type', type: 'string' },
    { name: 'event_time', type: 'long', aliases: ['updated_at'] },
    { name: 'order_id', type: 'string', aliases: ['id'] },
    { name: 'buyer_id', type: optional('string') },
    { name: 'amount', type: optional({ type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }) },
    { name: 'pieces', type: optional('int') },
    { name: 'gift', type: optional('boolean') },
    { name: 'note', type: optional('string') },
  ],
}

export const APPEND_ONLY: Captured = {
  table: null,
  insert: 'own',
  update: 'ignored',
  delete: 'ignored',
  snapshot: true,
  decimals: { amount: 2 },
}

/** A table of orders whose `status` says what happened. */
export const BY_STATUS: Captured = {
  ...APPEND_ONLY,
  table: 'shop.orders',
  insert: { type: 'order.created' },
  update: { column: 'status', types: { paid: 'payment.captured', '3': 'item.delivered' } },
  delete: { type: 'order.removed' },
}

export function orderStream(format: StreamFormat, captured?: Captured, avro: unknown = ORDER_AVRO): Stream {
  return streamFromAvro({
    name: 'orders',
    topic: 'shop.orders',
    timeField: 'event_time',
    timeFormat: 'ms',
    idField: null,
    type: { field: 'type' },
    types: ['order.*', 'payment.captured', 'item.delivered'],
    latenessMs: 120_000,
    maxAheadMs: 30_000,
    dedupeMs: 0,
    determines: {},
    avro,
    format,
    ...(captured && { captured }),
  })
}

/** Rows without their nulls, dead letters as `REASON: detail`, and what was passed over, by what it is. */
export interface Read {
  readonly rows: readonly Record<string, unknown>[]
  readonly offsets: readonly number[]
  readonly bad: readonly string[]
  readonly passed: Readonly<Record<string, number>>
}

/** Decodes records that stand one after the other in a larger buffer; objects are written as JSON. */
export async function readAll(
  stream: Stream,
  records: readonly unknown[],
  { schemas = null, clockMs = null }: { schemas?: Schemas | null; clockMs?: number | null } = {},
): Promise<Read> {
  const counters = new Counters()
  const decoder = decoderFor(stream, schemas, counters)
  const builder = new BlockBuilder(stream, stream.topic, 0)
  const bad: string[] = []
  for (const [offset, record] of records.entries()) {
    const bytes = bytesOf(record)
    const around = bytes && Buffer.concat([Buffer.from('{"x'), bytes, Buffer.from('"}')])
    const [start, end] = [3, 3 + (bytes?.length ?? 0)]
    await decoder.prepare(around, start, end)
    const letter = decoder.decode(around, start, end, builder, offset, clockMs)
    if (letter) bad.push(`${letter.reason}: ${letter.detail}`)
  }
  const passed = Object.fromEntries([...counters.all()].map(({ labels, value }) => [labels.change, value]))
  if (builder.length === 0) return { rows: [], offsets: [], bad, passed }
  const block = builder.build()
  return { rows: rowsOf(block, stream), offsets: [...block.offsets], bad, passed }
}

function bytesOf(record: unknown): Buffer | null {
  if (record === null || Buffer.isBuffer(record)) return record
  return Buffer.from(typeof record === 'string' ? record : JSON.stringify(record))
}

function rowsOf(block: Block, stream: Stream): Record<string, unknown>[] {
  return Array.from({ length: block.length }, (_, row) => {
    const cells = stream.fields.map(({ name }, i) => [name, cellAt(block.columns[i], row)] as const)
    return Object.fromEntries(cells.filter(([, cell]) => cell !== null))
  })
}
