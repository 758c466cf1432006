import type { BlockBuilder } from '../../model/block-builder.ts'
import type { DeadLetterReason } from '../../model/errors.ts'
import { type Stream, typeMatches } from '../../model/stream.ts'
import { RowReader } from './row-reader.ts'
import type { Schemas } from './schemas.ts'
import { WIRE_HEADER_BYTES, wireSchemaId } from './wire.ts'

const RECORD_BYTES_MAX = 1 << 20
const TYPES_MAX = 10_000
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
 * Without          the stream's own schema reads every record, whatever id stands in its header
 */
export class RecordDecoder {
  readonly #stream: Stream
  readonly #schemas: Schemas | null
  /** By writer's id; a string says why records of that id cannot be read. */
  readonly #readers = new Map<number, RowReader | string>()
  /** Ids that the registry did not know: asked for again each time, for they may be registered yet. */
  readonly #missing = new Set<number>()
  readonly #own: RowReader
  readonly #types = new Map<string, boolean>()
  /** An id that is known: nearly always that of the next record. */
  #lastId: number | null = null

  constructor(stream: Stream, schemas: Schemas | null) {
    this.#stream = stream
    this.#schemas = schemas
    this.#own = new RowReader(stream, null)
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
    const reader = this.#schemas ? this.#readers.get(id) : this.#own
    if (typeof reader === 'string') return { reason: 'UNKNOWN_SCHEMA', detail: reader }
    if (!reader) throw new Error(`prepare() has not seen schema id ${id}`)
    return this.#append(reader, bytes.subarray(start, end), builder, offset, clockMs)
  }

  #append(
    reader: RowReader,
    bytes: Uint8Array,
    builder: BlockBuilder,
    offset: number,
    clockMs: number | null,
  ): DeadLetter | null {
    const { maxAheadMs, timeField } = this.#stream
    let head: ReturnType<RowReader['head']>
    try {
      head = reader.head(asBuffer(bytes), WIRE_HEADER_BYTES)
    } catch (error) {
      return { reason: 'MALFORMED', detail: (error as Error).message }
    }
    if (!head) return { reason: 'MALFORMED', detail: 'its length is not that of one record' }
    if (head.type === null || !this.#carries(head.type))
      return { reason: 'UNKNOWN_TYPE', detail: head.type === null ? 'no type' : `type "${head.type}"` }
    if (Number.isNaN(head.timeMs)) return { reason: 'NO_TIME', detail: `"${timeField}" holds no time` }
    if (clockMs !== null && head.timeMs > clockMs + maxAheadMs)
      return { reason: 'FUTURE_TIME', detail: `${head.timeMs - clockMs} ms ahead, at most ${maxAheadMs}` }
    builder.begin(offset, head.timeMs, head.type)
    const field = reader.fill(head.record, builder)
    if (field === null) return null
    builder.undo()
    return { reason: 'MALFORMED', detail: `the decimal "${field}" does not fit` }
  }

  #carries(type: string): boolean {
    if ('fixed' in this.#stream.type) return true
    const known = this.#types.get(type)
    if (known !== undefined) return known
    const carries = typeMatches(this.#stream.types, type)
    if (this.#types.size < TYPES_MAX) this.#types.set(type, carries)
    return carries
  }

  async #load(id: number, schemas: Schemas): Promise<void> {
    const writer = await schemas.byId(id, this.#stream.topic)
    if (writer === null) this.#missing.add(id)
    else this.#missing.delete(id)
    this.#readers.set(id, writer === null ? `schema id ${id}` : readerOf(this.#stream, id, writer))
    if (this.#readers.size > READERS_MAX) this.#forgetOldest()
  }

  #forgetOldest(): void {
    const id = this.#readers.keys().next().value!
    this.#readers.delete(id)
    this.#missing.delete(id)
    if (id === this.#lastId) this.#lastId = null
  }
}

function readerOf(stream: Stream, id: number, writer: unknown): RowReader | string {
  try {
    return new RowReader(stream, writer)
  } catch (error) {
    return `schema id ${id} cannot be read as ${stream.name}: ${(error as Error).message}`
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
