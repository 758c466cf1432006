import avsc from 'avsc'
import type { Stream } from '../../model/stream.ts'

export type AvroType = avsc.Type
export type RecordType = avsc.types.RecordType

/** Beyond it a decimal's type is not one that Avro knows, and says nothing. */
const SCALE_MAX = 1_000

/** How records of one writer's schema become records of a stream's: Avro's own rules, checked once. */
export interface Matched {
  readonly reader: RecordType
  readonly writer: AvroType
  /** Undefined: the writer's schema is the stream's own. */
  readonly resolver: ReturnType<AvroType['createResolver']> | undefined
  /** The reader's fields, by index, that take what this field of a writer's record holds. */
  readersOf(field: avsc.types.Field): readonly number[]
  /** Of a writer's decimal; undefined where its type says none. */
  scaleOf(type: AvroType): number | undefined
}

/** `writer` null = the stream's own schema. Throws an Error that says so when the one cannot be read as the other. */
export function matchSchemas(stream: Stream, writer: unknown): Matched {
  const scales = new Map<AvroType, number>()
  const written = parse(writer ?? stream.avro, scales)
  const reader = writer === null ? (written as RecordType) : (parse(withDigits(stream, written), scales) as RecordType)
  const names = reader.fields.map(({ name, aliases }) => (writer === null ? [name] : [name, ...aliases]))
  return {
    reader,
    writer: written,
    resolver: writer === null ? undefined : reader.createResolver(written),
    readersOf: ({ name }) => [...names.keys()].filter((i) => names[i].includes(name)),
    scaleOf: (type) => scales.get(type),
  }
}

/** The stream's schema, but whole numbers where they are written and a field keeps them as texts of their digits. */
function withDigits({ avro, fields, timeField }: Stream, written: AvroType): unknown {
  const schema = avro as { readonly fields: readonly { readonly name: string; readonly aliases?: readonly string[] }[] }
  const writers = branchesOf(written).filter(isRecord)
  const isNumber = (name: string, aliases: readonly string[]) =>
    writers.some(({ fields }) =>
      fields.some((f) => [name, ...aliases].includes(f.name) && branchesOf(f.type).some(isWhole)),
    )
  const asWritten = schema.fields.map((field, i) => {
    const { name, aliases = [] } = field
    const isText = fields[i].kind === 'string' && name !== timeField
    return isText && isNumber(name, aliases) ? { ...field, type: ['null', 'long'], default: null } : field
  })
  return { ...schema, fields: asWritten }
}

/** avsc forgets what a logical type says: the scales of decimals are kept as it meets them. */
function parse(schema: unknown, scales: Map<AvroType, number>): AvroType {
  return avsc.Type.forSchema(schema as avsc.Schema, {
    typeHook(part, options) {
      const { type, logicalType, scale = 0 } = part as { type?: unknown; logicalType?: unknown; scale?: number }
      if (logicalType !== 'decimal' || (type !== 'bytes' && type !== 'fixed')) return undefined
      const made = avsc.Type.forSchema(part, { ...options, typeHook: undefined } as unknown as typeof options)
      if (Number.isInteger(scale) && scale >= 0 && scale <= SCALE_MAX) scales.set(made, scale)
      return made
    },
  })
}

export function isUnion(type: AvroType): type is avsc.types.UnwrappedUnionType {
  return type.typeName.startsWith('union')
}

export function isRecord(type: AvroType): type is RecordType {
  return type.typeName === 'record' || type.typeName === 'error'
}

export function isWhole({ typeName }: AvroType): boolean {
  return typeName === 'int' || typeName === 'long'
}

/** Strings and bytes are written alike, and may be read as each other. */
export function isBytes({ typeName }: AvroType): boolean {
  return typeName === 'string' || typeName === 'bytes'
}

/** A union's branches, or the type itself. */
export function branchesOf(type: AvroType): readonly AvroType[] {
  return isUnion(type) ? type.types : [type]
}

/** True where the stream's field keeps text: what it reads must be UTF-8. */
export function holdsText(readerField: avsc.types.Field): boolean {
  return branchesOf(readerField.type).some(({ typeName }) => typeName === 'string')
}
