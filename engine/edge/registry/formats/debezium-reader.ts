import { own } from '../../../kit/own.ts'
import type { Stream } from '../../../model/stream.ts'
import type { DeadLetter } from '../record-decoder.ts'
import type { Schemas } from '../schemas.ts'
import { WIRE_HEADER_BYTES } from '../wire.ts'
import { AvroObjects } from './avro-objects.ts'
import type { Reading } from './change.ts'
import type { ChangeReader } from './change-decoder.ts'
import { type Forms, formsOfJson } from './connect-forms.ts'
import { decimalText, epochMs, plainValue, UNAVAILABLE, unitBySize, withWayOut } from './connect-values.ts'
import { envelopeOf } from './debezium-envelope.ts'
import { FieldNames } from './field-names.ts'
import { isObject, type JsonObject, jsonObject, oversized } from './json-object.ts'

/** An object with what its schema says of the columns; null: it came without a schema. */
interface Described {
  readonly object: JsonObject
  readonly forms: Forms | null
}

/**
 * Reads what Debezium writes: envelopes or flattened rows, in JSON with or without the schema, or in Avro through the
 * registry. A record that begins with a zero byte is Avro if the registry knows an Avro schema of its id.
 */
export class DebeziumReader implements ChangeReader {
  readonly #stream: Stream
  readonly #names: FieldNames
  readonly #avro: AvroObjects | null

  constructor(stream: Stream, schemas: Schemas | null) {
    this.#stream = stream
    this.#names = new FieldNames(stream)
    this.#avro = schemas && new AvroObjects(schemas, stream.topic)
  }

  prepare(bytes: Uint8Array | null, start: number, end: number): Promise<void> | null {
    return bytes === null || !this.#avro ? null : this.#avro.prepare(bytes, start, end)
  }

  read(bytes: Uint8Array, start: number, end: number): Reading {
    const described = this.#describe(bytes, start, end)
    if (described === null) return { passed: 'tombstone' }
    if ('bad' in described) return described
    const { object, forms } = described
    const envelope = envelopeOf(object)
    if (!('kind' in envelope)) return envelope
    const { kind, row, before, sourceMs, table } = envelope
    if (before) this.#plain(before, forms)
    const ownMs = this.#plain(row, forms)
    return { changes: [{ kind, row, before, ownMs, sourceMs }], table }
  }

  /** Null: a payload that is null, as a tombstone has. */
  #describe(bytes: Uint8Array, start: number, end: number): Described | { bad: DeadLetter } | null {
    const bad = oversized(start, end)
    if (bad) return { bad }
    const isFramed = bytes[start] === 0 && end - start > WIRE_HEADER_BYTES
    if (isFramed && bytes[start + WIRE_HEADER_BYTES] !== BRACE)
      return this.#avro?.read(bytes, start, end) ?? { bad: { reason: 'UNKNOWN_SCHEMA', detail: NO_REGISTRY } }
    if (isFramed && this.#avro?.knows(bytes, start, end)) return this.#avro.read(bytes, start, end)
    const read = jsonObject(bytes, start, end, this.#stream.encoding)
    if ('bad' in read) return read
    const { object } = read
    const isWrapped = Object.hasOwn(object, 'schema') && Object.hasOwn(object, 'payload')
    if (!isWrapped || Object.keys(object).length > 2) return { object, forms: null }
    const payload = own(object, 'payload')
    if (payload === null) return null
    if (!isObject(payload)) return { bad: { reason: 'MALFORMED', detail: '"payload" is no object' } }
    const forms = formsOfJson(own(object, 'schema'))
    return { object: payload, forms: forms.size === 0 ? null : forms }
  }

  /** Makes the values of a row plain, in place; returns its own time, epoch ms, where it is known how that is counted. */
  #plain(row: JsonObject, forms: Forms | null): number | null {
    const { timeField, captured } = this.#stream
    const { decimals } = captured!
    let ownMs: number | null = null
    for (const [column, raw] of Object.entries(row)) {
      const field = this.#names.fieldOf(column)
      const form = forms?.get(column)
      if (field?.name === timeField) {
        const unit = form?.is === 'time' ? form.unit : unitBySize(raw)
        if (unit !== null && raw !== null) ownMs = epochMs(raw, unit)
      }
      if (form || raw === UNAVAILABLE) row[column] = plainValue(raw, form, field)
      else if (forms) continue
      else if (Object.hasOwn(decimals, column)) row[column] = decimalText(raw, decimals[column])
      else if (field?.kind === 'decimal') row[column] = withWayOut(raw)
    }
    return ownMs
  }
}

const BRACE = 0x7b
const NO_REGISTRY = 'Avro of Debezium is read through a schema registry, and none is configured'
