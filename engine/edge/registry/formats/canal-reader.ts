import type { Encoding } from '../../../kit/encodings.ts'
import { own } from '../../../kit/own.ts'
import { shown } from '../../../model/shown.ts'
import { type Change, type Reading, stampOf } from './change.ts'
import type { ChangeReader } from './change-decoder.ts'
import { isObject, jsonObject, malformed } from './json-object.ts'

const KINDS: ReadonlyMap<unknown, Change['kind']> = new Map<unknown, Change['kind']>([
  ['INSERT', 'insert'],
  ['UPDATE', 'update'],
  ['DELETE', 'delete'],
])
/** What canal calls statements that change no row. */
const STATEMENTS: ReadonlySet<unknown> = new Set([
  'CREATE',
  'ALTER',
  'ERASE',
  'RENAME',
  'TRUNCATE',
  'CINDEX',
  'DINDEX',
  'QUERY',
  'GTID',
  'XACOMMIT',
  'XAROLLBACK',
])

/**
 * Reads canal's flat messages: a record is all rows that one statement changed in one table, values are texts, `old` holds
 * for each row the columns that an update changed; `es` is when it was committed, in ms.
 */
export class CanalReader implements ChangeReader {
  readonly #encoding: Encoding | undefined

  constructor(encoding?: Encoding) {
    this.#encoding = encoding
  }

  prepare(): null {
    return null
  }

  read(bytes: Uint8Array, start: number, end: number): Reading {
    const read = jsonObject(bytes, start, end, this.#encoding)
    if ('bad' in read) return read
    const { object } = read
    const type = own(object, 'type')
    if (type === 'TIDB_WATERMARK') return { passed: 'heartbeat' }
    if (own(object, 'isDdl') === true || STATEMENTS.has(type)) return { passed: 'ddl' }
    const kind = KINDS.get(type)
    if (kind === undefined) return malformed(`"type" is no change: ${shown(type)}`)
    const rows = own(object, 'data')
    if (!Array.isArray(rows)) return malformed('"data" is no list')
    const old = own(object, 'old')
    const committedMs = stampOf(own(object, 'es'))
    const sourceMs = Number.isNaN(committedMs) ? stampOf(own(object, 'ts')) : committedMs
    const changes: Change[] = []
    for (const [i, row] of rows.entries()) {
      if (!isObject(row)) return malformed(`"data" holds something else than objects, at ${i + 1}`)
      const before: unknown = Array.isArray(old) ? old[i] : null
      changes.push({ kind, row, before: isObject(before) ? before : null, ownMs: null, sourceMs })
    }
    return { changes, table: { database: own(object, 'database'), schema: null, table: own(object, 'table') } }
  }
}
