import avsc from 'avsc'
import type { DeadLetter } from '../record-decoder.ts'
import { type Schemas, schemaOr } from '../schemas.ts'
import { WIRE_HEADER_BYTES, wireSchemaId } from '../wire.ts'
import { type ReadValue, readerOf } from './avro-values.ts'
import { type Forms, formsOfAvro } from './connect-forms.ts'
import { isObject, type JsonObject } from './json-object.ts'

/** Far above what one topic sees, and above what a caller prepares before it decodes; beyond it the oldest goes. */
const WRITERS_MAX = 5_000

interface Writer {
  readonly read: ReadValue
  readonly forms: Forms
}

/** Reads Avro records as the objects that their writer's schema describes; longs above 2^53 are texts of their digits. */
export class AvroObjects {
  readonly #schemas: Schemas
  readonly #topic: string
  /** By id; a text says why records of that id cannot be read. */
  readonly #writers = new Map<number, Writer | string>()
  /** Ids without an Avro schema: asked for again each time, for it may be registered yet. */
  readonly #missing = new Set<number>()

  constructor(schemas: Schemas, topic: string) {
    this.#schemas = schemas
    this.#topic = topic
  }

  /** As that of a decoder. */
  prepare(bytes: Uint8Array, start: number, end: number): Promise<void> | null {
    const id = wireSchemaId(bytes, start, end)
    return id === null || (this.#writers.has(id) && !this.#missing.has(id)) ? null : this.#load(id)
  }

  /** True where the registry has an Avro schema of the record's id. */
  knows(bytes: Uint8Array, start: number, end: number): boolean {
    return !this.#missing.has(wireSchemaId(bytes, start, end)!)
  }

  read(bytes: Uint8Array, start: number, end: number): { object: JsonObject; forms: Forms } | { bad: DeadLetter } {
    const id = wireSchemaId(bytes, start, end)!
    const writer = this.#writers.get(id)
    if (writer === undefined) throw new Error(`prepare() has not seen schema id ${id}`)
    if (typeof writer === 'string') return { bad: { reason: 'UNKNOWN_SCHEMA', detail: writer } }
    const place = { bytes, at: start + WIRE_HEADER_BYTES, end }
    try {
      const object = writer.read(place, 0)
      if (place.at === end && isObject(object)) return { object, forms: writer.forms }
      return { bad: { reason: 'MALFORMED', detail: 'its length is not that of one record' } }
    } catch (error) {
      return { bad: { reason: 'MALFORMED', detail: (error as Error).message } }
    }
  }

  async #load(id: number): Promise<void> {
    const writer = await schemaOr(this.#schemas, id, this.#topic)
    if ('why' in writer) this.#missing.add(id)
    else this.#missing.delete(id)
    this.#writers.set(id, 'why' in writer ? writer.why : writerOf(id, writer.schema))
    if (this.#writers.size <= WRITERS_MAX) return
    const oldest = this.#writers.keys().next().value!
    this.#writers.delete(oldest)
    this.#missing.delete(oldest)
  }
}

function writerOf(id: number, schema: unknown): Writer | string {
  try {
    return { read: readerOf(avsc.Type.forSchema(schema as avsc.Schema)), forms: formsOfAvro(schema) }
  } catch (error) {
    return `schema id ${id} cannot be used: ${(error as Error).message}`
  }
}
