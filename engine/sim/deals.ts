import type { Block, Column, DecimalColumn, NumberColumn, StringColumn } from '../model/block.ts'
import { DECIMAL_NULL_HIGH } from '../model/block.ts'
import type { Field, Stream } from '../model/stream.ts'

/** A small made-up stream: every kind of field, few values. */
export const DEAL_TYPES = ['deal.made', 'deal.paid', 'deal.seen', 'deal.void'] as const
export type DealType = (typeof DEAL_TYPES)[number]

const field = (name: string, kind: Field['kind'], scale = 0): Field => ({ name, kind, scale, doc: '' })

export const dealStream: Stream = {
  name: 'deals',
  topic: 'deals.v1',
  fields: [
    field('id', 'string'),
    field('type', 'string'),
    field('time', 'number'),
    field('shop', 'string'),
    field('buyer', 'string'),
    field('device', 'string'),
    field('price', 'decimal', 4),
    field('points', 'number', 6),
    field('count', 'number'),
    field('isNew', 'boolean'),
  ],
  timeField: 'time',
  timeFormat: 'ms',
  idField: 'id',
  type: { field: 'type' },
  types: ['deal.*'],
  latenessMs: 120_000,
  maxAheadMs: 30_000,
  dedupeMs: 600_000,
  determines: {},
  avro: null,
}

/** One event of the made-up stream. */
export interface Deal {
  readonly timeMs: number
  readonly offset: number
  readonly id: string | null
  readonly type: DealType
  readonly shop: string | null
  readonly buyer: string | null
  readonly device: string | null
  /** In ten-thousandths. */
  readonly price: bigint | null
  readonly points: number | null
  readonly count: number | null
  readonly isNew: boolean | null
}

/** The deals of one source partition that travel together, as the columns that a task reads. */
export function blockOf(stream: Stream, partition: number, deals: readonly Deal[]): Block {
  return {
    kind: 'block',
    stream: stream.name,
    sourceTopic: stream.topic,
    sourcePartition: partition,
    length: deals.length,
    offsets: Float64Array.from(deals, (d) => d.offset),
    timesMs: Float64Array.from(deals, (d) => d.timeMs),
    types: strings(deals.map((d) => d.type)),
    columns: stream.fields.map((f) => columnOf(f, deals)),
  }
}

function columnOf(field: Field, deals: readonly Deal[]): Column {
  if (field.name === 'time') return numbers(deals.map((d) => d.timeMs))
  if (field.name === 'price') return decimals(deals.map((d) => d.price))
  const name = field.name as 'id' | 'type' | 'shop' | 'buyer' | 'device'
  if (field.kind === 'string') return strings(deals.map((d) => d[name]))
  const number = numbers(deals.map((d) => d[field.name as 'points' | 'count'] ?? null))
  return field.kind === 'boolean'
    ? { kind: 'boolean', values: Float64Array.from(deals, (d) => (d.isNew === null ? Number.NaN : Number(d.isNew))) }
    : number
}

function strings(values: readonly (string | null)[]): StringColumn {
  const parts = values.map((v) => new TextEncoder().encode(v ?? ''))
  const offsets = new Uint32Array(values.length + 1)
  parts.forEach((part, i) => {
    offsets[i + 1] = offsets[i]! + part.length
  })
  const bytes = new Uint8Array(offsets[values.length]!)
  parts.forEach((part, i) => {
    bytes.set(part, offsets[i]!)
  })
  return { kind: 'string', bytes, offsets, nulls: Uint8Array.from(values, (v) => (v === null ? 1 : 0)) }
}

function numbers(values: readonly (number | null)[]): NumberColumn {
  return { kind: 'number', values: Float64Array.from(values, (v) => v ?? Number.NaN) }
}

function decimals(values: readonly (bigint | null)[]): DecimalColumn {
  return {
    kind: 'decimal',
    scale: 4,
    high: Int32Array.from(values, (v) => (v === null ? DECIMAL_NULL_HIGH : Number(v >> 32n))),
    low: Uint32Array.from(values, (v) => (v === null ? 0 : Number(v & 0xffff_ffffn))),
  }
}
