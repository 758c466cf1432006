import type { Encoding } from '../../../kit/encodings.ts'
import { own } from '../../../kit/own.ts'
import { shown } from '../../../model/shown.ts'
import { type Change, type Reading, stampOf } from './change.ts'
import type { ChangeReader } from './change-decoder.ts'
import { isObject, jsonObject, malformed } from './json-object.ts'

const KINDS: ReadonlyMap<unknown, Change['kind']> = new Map<unknown, Change['kind']>([
  ['insert', 'insert'],
  ['update', 'update'],
  ['delete', 'delete'],
  ['bootstrap-insert', 'snapshot'],
])

/** Reads what Maxwell's daemon writes: one row a record; `old` holds the columns that an update changed; `ts` in seconds. */
export class MaxwellReader implements ChangeReader {
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
    const type = own(read.object, 'type')
    if (type === 'bootstrap-start' || type === 'bootstrap-complete') return { passed: 'bootstrap_mark' }
    if (typeof type === 'string' && /^(table|database)-(create|alter|drop)$/.test(type)) return { passed: 'ddl' }
    const kind = KINDS.get(type)
    if (kind === undefined) return malformed(`"type" is no change: ${shown(type)}`)
    const row = own(read.object, 'data')
    if (!isObject(row)) return malformed('"data" is no object')
    const old = own(read.object, 'old')
    const sourceMs = 1_000 * stampOf(own(read.object, 'ts'))
    const table = { database: own(read.object, 'database'), schema: null, table: own(read.object, 'table') }
    return { changes: [{ kind, row, before: isObject(old) ? old : null, ownMs: null, sourceMs }], table }
  }
}
