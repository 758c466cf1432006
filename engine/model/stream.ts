import type { Encoding } from '../kit/encodings.ts'
import type { Mapping } from './mapping.ts'

/** What a field holds once it is a column. Times are `number` (epoch milliseconds); booleans are 0 and 1. */
export type FieldKind = 'string' | 'number' | 'boolean' | 'decimal'

export interface Field {
  readonly name: string
  readonly kind: FieldKind
  /** Decimal digits behind the point that a sum keeps: the schema's scale for `decimal`, 0 for int and long, 6 for doubles. */
  readonly scale: number
  readonly doc: string
}

/** Far more than ids have. A task holds the texts of all its events, so that it is a bound for its memory too. */
export const TEXT_BYTES_MAX = 1_024

/** What numbers in the time field count; `iso`: it holds texts; or a pattern that its texts have: kit/time-pattern.ts. */
export type TimeFormat = 'ms' | 's' | 'us' | 'ns' | 'iso' | { readonly pattern: string }

/** How the records of a topic are written. The last three are changes of a captured table. */
export type StreamFormat = 'avro' | 'json' | 'debezium' | 'canal' | 'maxwell'

/** A named input: one topic, one Avro schema, and what its fields mean to the engine. */
export interface Stream {
  readonly name: string
  readonly topic: string
  /** In the order of the Avro schema. A block's columns stand in this order. */
  readonly fields: readonly Field[]
  readonly timeField: string
  readonly timeFormat: TimeFormat
  /** IANA zone of times that are written without one. Absent: UTC. */
  readonly zone?: string
  /** Of its files, and of topics of JSON. Absent: UTF-8. */
  readonly encoding?: Encoding
  /** Field with the producer's event id, or null: the record's position stands in for it. */
  readonly idField: string | null
  readonly type: { readonly field: string } | { readonly fixed: string }
  /** Event types this stream carries: exact names, or a prefix with a final `*`. */
  readonly types: readonly string[]
  readonly latenessMs: number
  readonly maxAheadMs: number
  readonly dedupeMs: number
  /** UTF-8 bytes of a text in an event; a longer one makes it malformed. Absent: TEXT_BYTES_MAX. */
  readonly textBytesMax?: number
  /** Field -> fields that it determines (order_id -> buyer_id). */
  readonly determines: Readonly<Record<string, readonly string[]>>
  /** Avro schema as parsed JSON. */
  readonly avro: unknown
  /** Between the fields of its CSV files; absent: a comma. */
  readonly delimiter?: string
  /** Of files and of topics that are not Avro; absent: they speak of the fields in the stream's own words. */
  readonly mapping?: Mapping
  /** Without a registry: the id in the header of records that `avro` describes. Absent: the first that is seen. */
  readonly schemaId?: number
  /** Absent: avro. */
  readonly format?: StreamFormat
  /** There for debezium, canal and maxwell, and for them alone. */
  readonly captured?: Captured
}

/** Which changes of a captured table are events. */
export interface Captured {
  /** `orders`, `shop.orders`; rows of other tables are passed over. Null: the topic has one table. */
  readonly table: string | null
  readonly insert: ChangeOutcome
  readonly update: ChangeOutcome
  readonly delete: ChangeOutcome
  /** Rows that were there before the capture began count as inserts; false: they are passed over. */
  readonly snapshot: boolean
  /** Column -> digits behind the point of a decimal that comes as base64 without a schema. Debezium only. */
  readonly decimals: Readonly<Record<string, number>>
}

/**
 * What one kind of change becomes: an event of the type that its row holds, or of one type, or of the type that belongs
 * to the text in a column, for updates only where the column has changed; or nothing.
 */
export type ChangeOutcome =
  | 'own'
  | 'ignored'
  | { readonly type: string }
  | { readonly column: string; readonly types: Readonly<Record<string, string>> }

/** True when `type` is named by one of `patterns`: an exact name, or a prefix with a final `*`. */
export function typeMatches(patterns: readonly string[], type: string): boolean {
  return patterns.some((p) => (p.endsWith('*') ? type.startsWith(p.slice(0, -1)) : p === type))
}

/** The stream that carries `type`, if any. No two streams may claim one type: the configuration sees to it. */
export function streamOfType(streams: readonly Stream[], type: string): Stream | undefined {
  return streams.find((s) => ('fixed' in s.type ? s.type.fixed === type : typeMatches(s.types, type)))
}
