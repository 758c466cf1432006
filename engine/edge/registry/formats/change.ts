import type { DeadLetter } from '../record-decoder.ts'
import type { JsonObject } from './json-object.ts'

/** One row of a captured table, inserted, changed or deleted; `snapshot`: it was there before the capture began. */
export interface Change {
  readonly kind: 'insert' | 'update' | 'delete' | 'snapshot'
  /** After the change; of a delete, before it. */
  readonly row: JsonObject
  /** What columns held before an update: all of them, or those that it changed. Null: not known. */
  readonly before: JsonObject | null
  /** Epoch ms of the row's own time, where the record says how it is counted; null: by the stream's `time_format`. */
  readonly ownMs: number | null
  /** When the source made the change, epoch ms; NaN where the record does not say. */
  readonly sourceMs: number
}

/** What a record is about that is no change of a row; the values of the counter's label. */
export type Passed = 'tombstone' | 'heartbeat' | 'transaction' | 'ddl' | 'truncate' | 'message' | 'bootstrap_mark'

/** What a record says: changes of rows of one table, something else, or nothing that can be read. */
export type Reading =
  | { readonly changes: readonly Change[]; readonly table: TableName }
  | { readonly passed: Passed }
  | { readonly bad: DeadLetter }

/** Null: the record does not say. */
export interface TableName {
  readonly database: unknown
  /** Of databases that have them, such as PostgreSQL. */
  readonly schema: unknown
  readonly table: unknown
}

/** Is that the table of the configuration: `orders`, `shop.orders`? Null: the record does not say which it is. */
export function isTable({ database, schema, table }: TableName, wanted: string): boolean | null {
  if (typeof table !== 'string') return null
  return wanted === table || wanted === `${database}.${table}` || wanted === `${schema}.${table}`
}

/** A positive number, or a text of one, such as epoch ms; NaN for anything else. */
export function stampOf(value: unknown): number {
  const stamp = typeof value === 'number' || typeof value === 'string' ? Number(value) : 0
  return stamp > 0 && stamp < STAMP_MAX ? stamp : Number.NaN
}

const STAMP_MAX = 8.64e15
