import { own } from '../../../kit/own.ts'
import { type Change, type Reading, stampOf, type TableName } from './change.ts'
import { isObject, type JsonObject, malformed } from './json-object.ts'

/** A change before its values are read. */
export interface Envelope {
  readonly kind: Change['kind']
  readonly row: JsonObject
  readonly before: JsonObject | null
  readonly sourceMs: number
  readonly table: TableName
}

const KINDS: ReadonlyMap<unknown, Change['kind']> = new Map<unknown, Change['kind']>([
  ['c', 'insert'],
  ['u', 'update'],
  ['d', 'delete'],
  ['r', 'snapshot'],
])

/** What a record of a Debezium topic is: an envelope, a row that was taken out of one, or neither. */
export function envelopeOf(record: JsonObject): Envelope | Exclude<Reading, { changes: unknown }> {
  const op = own(record, 'op')
  if (typeof op === 'string' && (Object.hasOwn(record, 'after') || Object.hasOwn(record, 'source')))
    return fromEnvelope(record, op)
  if (Object.hasOwn(record, 'ddl') && Object.hasOwn(record, 'source')) return { passed: 'ddl' }
  if (Object.hasOwn(record, 'event_count') && Object.hasOwn(record, 'data_collections'))
    return { passed: 'transaction' }
  const keys = Object.keys(record)
  return keys.length === 1 && keys[0] === 'ts_ms' ? { passed: 'heartbeat' } : fromFlattened(record)
}

function fromEnvelope(record: JsonObject, op: string): ReturnType<typeof envelopeOf> {
  if (op === 't') return { passed: 'truncate' }
  if (op === 'm') return { passed: 'message' }
  const source = own(record, 'source')
  const origin = isObject(source) ? source : {}
  const kind = KINDS.get(op)
  if (kind === undefined) return malformed('"op" is none of c, u, d, r, t, m')
  const [before, after] = [own(record, 'before'), own(record, 'after')]
  const row = kind === 'delete' ? before : after
  if (!isObject(row)) return malformed(`"${kind === 'delete' ? 'before' : 'after'}" is no object`)
  const committedMs = stampOf(own(origin, 'ts_ms'))
  return {
    kind: kind === 'insert' && isOfSnapshot(own(origin, 'snapshot')) ? 'snapshot' : kind,
    row,
    before: kind === 'update' && isObject(before) ? before : null,
    sourceMs: Number.isNaN(committedMs) ? stampOf(own(record, 'ts_ms')) : committedMs,
    table: { database: own(origin, 'db'), schema: own(origin, 'schema'), table: own(origin, 'table') },
  }
}

/** Older connectors, and some by their settings, write `c` for the rows of a snapshot. */
function isOfSnapshot(snapshot: unknown): boolean {
  return snapshot === true || (typeof snapshot === 'string' && snapshot !== 'false')
}

/** By the transformation ExtractNewRecordState; what it adds begins with two underscores. */
function fromFlattened(record: JsonObject): ReturnType<typeof envelopeOf> {
  const deleted = own(record, '__deleted')
  const op = own(record, '__op')
  const kind = deleted === true || deleted === 'true' ? 'delete' : KINDS.get(op)
  if (op === 't') return { passed: 'truncate' }
  if (kind === undefined) return malformed(op === undefined ? NO_OP : '"__op" is none of c, u, d, r')
  const added = (...names: string[]) => names.map((name) => own(record, name)).find((value) => value != null)
  return {
    kind,
    row: record,
    before: null,
    sourceMs: stampOf(added('__source_ts_ms', '__ts_ms')),
    table: {
      database: added('__source_db', '__db'),
      schema: added('__source_schema', '__schema'),
      table: added('__source_table', '__table'),
    },
  }
}

const NO_OP = 'neither an envelope with "op" nor a flattened row with "__op", which add.fields=op gives it'
