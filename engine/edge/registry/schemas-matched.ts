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
  /** True for a record with the name of the stream's, or an alias of it. */
  isOwn(record: RecordType): boolean
  /** The reader's fields, by index, that take what this field of a writer's record holds. */
  readersOf(field: avsc.types.Field): readonly number[]
  /** Of a writer's decimal; undefined where its type says none. */
  scaleOf(type: AvroType): number | undefined
  /** The logical type that a schema gives to a plain one. */
  logicalOf(type: AvroType): string | undefined
}

/** What avsc forgets of types, as their schemas say it. */
interface Said {
  readonly logical: Map<AvroType, string>
  readonly scales: Map<AvroType, number>
}

/**
 * `writer` null = the stream's own schema. Namespaces do not matter. Throws an Error that says why, and what to do, where
 * the writer's is not the stream's record.
 */
export function matchSchemas(stream: Stream, writer: unknown): Matched {
  const said: Said = { logical: new Map(), scales: new Map() }
  const reader = parse(stream.avro, said) as RecordType
  const written = writer === null ? reader : parse(writer, said)
  const own = [reader.name, ...(reader.aliases ?? [])].map(unqualified)
  const isOwn = ({ name }: RecordType) => own.includes(unqualified(name))
  checkName(reader, written, isOwn)
  const names = reader.fields.map(({ name, aliases }) => (writer === null ? [name] : [name, ...aliases]))
  return {
    reader,
    writer: written,
    isOwn,
    readersOf: ({ name }) => [...names.keys()].filter((i) => names[i].includes(name)),
    scaleOf: (type) => said.scales.get(type),
    logicalOf: (type) => said.logical.get(type),
  }
}

function checkName(reader: RecordType, writer: AvroType, isOwn: Matched['isOwn']): void {
  const records = branchesOf(writer).filter(isRecord)
  if (records.length === 0) throw new Error(`it describes ${writer.typeName}, not a record`)
  if (records.some(isOwn)) return
  const found = records.map(({ name }) => `"${name}"`).join(', ')
  const alias = `"aliases": [${found}]`
  throw new Error(
    `it describes the record ${found}, the stream's schema "${reader.name}"; if they are the same, add ${alias} to the record in the stream's schema`,
  )
}

function unqualified(name: string | undefined): string {
  return (name ?? '').slice((name ?? '').lastIndexOf('.') + 1)
}

function parse(schema: unknown, { logical, scales }: Said): AvroType {
  return avsc.Type.forSchema(schema as avsc.Schema, {
    typeHook(part, options) {
      const { type, logicalType, scale = 0 } = part as { type?: unknown; logicalType?: unknown; scale?: number }
      if (typeof type !== 'string' || typeof logicalType !== 'string') return undefined
      const made = avsc.Type.forSchema(part, { ...options, typeHook: undefined } as unknown as typeof options)
      logical.set(made, logicalType)
      if (logicalType === 'decimal' && Number.isInteger(scale) && scale >= 0 && scale <= SCALE_MAX)
        scales.set(made, scale)
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
