import type { BlockBuilder } from '../../model/block-builder.ts'
import type { StringColumnBuilder } from '../../model/column-builder.ts'
import type { DeadLetterReason } from '../../model/errors.ts'
import { isPlausible, timeFault } from '../../model/event-time.ts'
import type { Stream, TimeFormat } from '../../model/stream.ts'
import { EventTypes } from './event-types.ts'
import { faultText } from './fault.ts'
import { OwnIds } from './own-ids.ts'
import { generateReader } from './read-code.ts'
import type { Head, Reader } from './reader.ts'
import { type Schemas, schemaOr } from './schemas.ts'
import { matchSchemas } from './schemas-matched.ts'
import { sourceOf } from './source.ts'
import { WIRE_HEADER_BYTES, wireSchemaId } from './wire.ts'

const RECORD_BYTES_MAX = 1 << 20
/** Far above what one topic sees, and above what a caller prepares before it decodes; beyond it the oldest goes. */
const READERS_MAX = 5_000

export interface DeadLetter {
  readonly reason: DeadLetterReason
  readonly detail: string
}

/**
 * Turns the records of one stream's topic into rows, or says why one cannot be.
 *
 * With a registry  `prepare` loads the schema that a record names; then `decode` is plain, synchronous work
 * Without          the stream's own schema reads records of one id (OwnIds); others are none that it is known to describe
 */
export class RecordDecoder {
  readonly #stream: Stream
  readonly #schemas: Schemas | null
  /** By writer's id; a string says why records of that id cannot be read. */
  readonly #readers = new Map<number, Reader | string>()
  /** Ids that the registry did not know: asked for again each time, for they may be registered yet. */
  readonly #missing = new Set<number>()
  readonly #own: Reader
  readonly #ownIds: OwnIds
  readonly #types: EventTypes
  readonly #fixedType: Uint8Array | null
  readonly #head: Head = { timeMs: Number.NaN, unfit: -1 }
  /** Of ids that are texts; -1 = there are none. */
  readonly #idColumn: number
  /** An id that is known: nearly always that of the next record. */
  #lastId: number | null = null

  constructor(stream: Stream, schemas: Schemas | null, ownIds = new OwnIds()) {
    this.#stream = stream
    this.#schemas = schemas
    this.#own = makeReader(stream, null)
    this.#ownIds = ownIds
    this.#types = new EventTypes(stream)
    this.#idColumn = stream.fields.findIndex(({ name, kind }) => name === stream.idField && kind === 'string')
    this.#fixedType = 'fixed' in stream.type ? Buffer.from(stream.type.fixed) : null
  }

  /**
   * Null if nothing is to be done before `decode`, as nearly always. Else it waits for the registry: EngineError
   * REGISTRY_UNREACHABLE when that does not answer, and then no record is lost: try again.
   */
  prepare(bytes: Uint8Array | null, start: number, end: number): Promise<void> | null {
    if (!this.#schemas || bytes === null) return null
    const id = wireSchemaId(bytes, start, end)
    if (id === null || id === this.#lastId) return null
    if (!this.#readers.has(id) || this.#missing.has(id)) return this.#load(id, this.#schemas)
    this.#lastId = id
    return null
  }

  /** Appends one row to `builder`, or says why not. `clockMs` null: no record is from the future. */
  decode(
    bytes: Uint8Array | null,
    start: number,
    end: number,
    builder: BlockBuilder,
    offset: number,
    clockMs: number | null,
  ): DeadLetter | null {
    if (bytes === null) return { reason: 'MALFORMED', detail: 'no value' }
    const length = end - start
    if (length > RECORD_BYTES_MAX) return { reason: 'OVERSIZED', detail: `${length} bytes` }
    if (length === 0 || bytes[start] !== 0)
      return { reason: 'BAD_MAGIC', detail: length === 0 ? 'no bytes' : `first byte ${bytes[start]}` }
    const id = wireSchemaId(bytes, start, end)
    if (id === null) return { reason: 'MALFORMED', detail: `${length} bytes` }
    const reader = this.#schemas ? this.#readers.get(id) : this.#ownOr(id)
    if (typeof reader === 'string') return { reason: 'UNKNOWN_SCHEMA', detail: reader }
    if (!reader) throw new Error(`prepare() has not seen schema id ${id}`)
    const head = this.#head
    head.timeMs = Number.NaN
    head.unfit = -1
    const row = builder.beginAt(offset)
    const base = bytes.byteOffset
    const from = base + start + WIRE_HEADER_BYTES
    const fault = reader.read(sourceOf(bytes), from, base + end, builder, row, head)
    if (this.#fixedType) builder.types.setBytes(row, this.#fixedType, 0, this.#fixedType.length)
    const letter = fault === 0 ? this.#refusal(builder, row, clockMs) : malformed(faultText(fault, reader.names))
    if (letter) builder.undo()
    else {
      if (this.#idColumn >= 0) withoutEmpty(builder.columns[this.#idColumn] as StringColumnBuilder, row)
      builder.endAt(head.timeMs)
    }
    return letter
  }

  #ownOr(id: number): Reader | string {
    if (id === this.#lastId) return this.#own
    const own = this.#ownIds.of(this.#stream, id)
    if (id !== own)
      return `schema id ${id}; without a registry only records of id ${own} are read: configure registry, or the stream's schema_id`
    this.#lastId = id
    return this.#own
  }

  /** Why a record that is one is not taken. */
  #refusal({ types, tooLong }: BlockBuilder, row: number, clockMs: number | null): DeadLetter | null {
    const { maxAheadMs, timeField, timeFormat, fields } = this.#stream
    const { timeMs, unfit } = this.#head
    const start = types.startOf(row)
    const end = types.endOf(row)
    if (start < 0) return { reason: 'UNKNOWN_TYPE', detail: 'no type' }
    if (!this.#fixedType && !this.#types.carries(types.bytes, types.words, start, end))
      return { reason: 'UNKNOWN_TYPE', detail: `type "${Buffer.from(types.bytes.subarray(start, end))}"` }
    if (Number.isNaN(timeMs)) return { reason: 'NO_TIME', detail: `"${timeField}" holds no time` }
    if (!isPlausible(timeMs))
      return { reason: 'NO_TIME', detail: timeFault(this.#stream, asWritten(timeMs, timeFormat)) }
    if (clockMs !== null && timeMs > clockMs + maxAheadMs)
      return { reason: 'FUTURE_TIME', detail: `${timeMs - clockMs} ms ahead, at most ${maxAheadMs}` }
    if (unfit >= 0) return malformed(`the decimal "${fields[unfit].name}" does not fit`)
    return tooLong === null ? null : malformed(tooLong)
  }

  async #load(id: number, schemas: Schemas): Promise<void> {
    const writer = await schemaOr(schemas, id, this.#stream.topic)
    if ('why' in writer) this.#missing.add(id)
    else this.#missing.delete(id)
    this.#readers.set(id, 'why' in writer ? writer.why : readerOf(this.#stream, id, writer.schema))
    if (this.#readers.size > READERS_MAX) this.#forgetOldest()
  }

  #forgetOldest(): void {
    const id = this.#readers.keys().next().value!
    this.#readers.delete(id)
    this.#missing.delete(id)
    if (id === this.#lastId) this.#lastId = null
  }
}

function readerOf(stream: Stream, id: number, writer: unknown): Reader | string {
  try {
    return makeReader(stream, writer)
  } catch (error) {
    return `schema id ${id} cannot be read as ${stream.name}: ${(error as Error).message}`
  }
}

function makeReader(stream: Stream, writer: unknown): Reader {
  return generateReader(stream, matchSchemas(stream, writer))
}

/** The number that was read as that time; of texts the time itself. */
function asWritten(timeMs: number, format: TimeFormat): number | string {
  if (typeof format === 'object' || format === 'iso') return new Date(timeMs).toISOString()
  return timeMs * { s: 1e-3, ms: 1, us: 1e3, ns: 1e6 }[format]
}

/** An empty id is none. */
function withoutEmpty(ids: StringColumnBuilder, row: number): void {
  if (ids.startOf(row) === ids.endOf(row)) ids.setNull(row)
}

function malformed(detail: string): DeadLetter {
  return { reason: 'MALFORMED', detail }
}
