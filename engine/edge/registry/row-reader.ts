import avsc from 'avsc'
import { type DecimalParts, decimalFromBytes, decimalRescale } from '../../kit/decimal.ts'
import type { BlockBuilder } from '../../model/block-builder.ts'
import { eventTimeMs } from '../../model/event-time.ts'
import type { FieldKind, Stream } from '../../model/stream.ts'

type AvroRecord = Readonly<Record<string, unknown>>

/** A row's time and type, found before the row is begun. */
export interface RowHead {
  readonly record: AvroRecord
  /** NaN where the record has no time. */
  readonly timeMs: number
  readonly type: string | null
}

/**
 * Reads records of one writer's schema as rows of a stream: Avro's own rules say how an older or newer writer is read
 * (names, aliases, defaults, wider numbers). Decimals of another scale are converted exactly, or rounded.
 */
export class RowReader {
  readonly #stream: Stream
  readonly #type: avsc.Type
  readonly #resolver: ReturnType<avsc.Type['createResolver']> | undefined
  readonly #typeField: string | null
  readonly #fixedType: string | null
  readonly #fields: readonly { index: number; name: string; kind: FieldKind; scale: number; writerScale: number }[]

  /** `writer` null = the stream's own schema. Throws an Error that says so when the one cannot be read as the other. */
  constructor(stream: Stream, writer: unknown) {
    this.#stream = stream
    this.#type = avsc.Type.forSchema(stream.avro as avsc.Schema)
    this.#resolver = writer === null ? undefined : this.#type.createResolver(avsc.Type.forSchema(writer as avsc.Schema))
    this.#typeField = 'field' in stream.type ? stream.type.field : null
    this.#fixedType = 'fixed' in stream.type ? stream.type.fixed : null
    this.#fields = stream.fields
      .map(({ name, kind, scale }, index) => ({
        index,
        name,
        kind,
        scale,
        writerScale: scaleOf(writer, name) ?? scale,
      }))
      .filter(({ name }) => name !== stream.timeField && name !== this.#typeField)
  }

  /** Null when the bytes from `start` on are not exactly one record; may throw, too. */
  head(bytes: Buffer, start: number): RowHead | null {
    const { value, offset } = this.#type.decode(bytes, start, this.#resolver)
    if (offset !== bytes.length) return null
    const record = value as AvroRecord
    const time = record[this.#stream.timeField]
    return {
      record,
      timeMs: eventTimeMs(time, this.#stream.timeFormat),
      type: this.#typeField === null ? this.#fixedType : (record[this.#typeField] as string | null),
    }
  }

  /** Fills the row that was just begun; or names a field whose decimal does not fit. */
  fill(record: AvroRecord, builder: BlockBuilder): string | null {
    const fields = this.#fields
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!
      const value = record[field.name]
      if (value === null || value === undefined) continue
      if (field.kind === 'string') builder.string(field.index, value as string)
      else if (field.kind === 'number') builder.number(field.index, value as number)
      else if (field.kind === 'boolean') builder.number(field.index, value ? 1 : 0)
      else {
        const bytes = value as Buffer
        let result = decimalFromBytes(bytes, 0, bytes.length, parts)
        if (result === 'ok') result = decimalRescale(parts, field.writerScale, field.scale)
        if (result !== 'ok') return field.name
        builder.decimal(field.index, parts.high, parts.low)
      }
    }
    return null
  }
}

const parts: DecimalParts = { high: 0, low: 0 }

/** The scale of a writer's decimal field; undefined where the writer has no such field, or no decimal. */
function scaleOf(writer: unknown, name: string): number | undefined {
  const { fields = [] } = (writer ?? {}) as { fields?: { name: string; type: unknown }[] }
  const type = fields.find((f) => f.name === name)?.type
  const branches = (Array.isArray(type) ? type : [type]) as { logicalType?: string; scale?: number }[]
  const decimal = branches.find((b) => b?.logicalType === 'decimal')
  return decimal && (decimal.scale ?? 0)
}
