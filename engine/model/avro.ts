import type { Field, Stream, TimeFormat } from './stream.ts'

/** All of a stream but its fields, which come from the Avro schema. */
export type StreamDefinition = Omit<Stream, 'fields'>

/** What is wrong with a definition, and which part of it. */
export interface StreamFault {
  readonly part: 'avro' | 'timeField' | 'timeFormat' | 'idField' | 'type' | 'types' | 'determines'
  readonly message: string
  /** The name that was not found and the names that there are, for a suggestion. */
  readonly name?: string
  readonly known?: readonly string[]
}

/**
 * Maps Avro types to columns and checks the names that a definition uses. `stream` is whole only without faults.
 *
 *   string, enum                  string            boolean                   boolean
 *   int, long (timestamps too)    number, scale 0   float, double             number, scale 6
 *   bytes or fixed with decimal   decimal of at most 18 digits, the schema's scale
 *
 * Each may be in a union with null. Anything else is a fault that names the field. The time field is always a number,
 * epoch milliseconds, whatever it is in the schema.
 */
export function checkStream(definition: StreamDefinition): { stream: Stream; faults: readonly StreamFault[] } {
  const { fields, faults } = fieldsOf(definition.avro)
  const known = fields.map((f) => f.name)
  const has = (part: StreamFault['part'], name: string, what: string) => {
    const found = known.includes(name)
    if (!found && known.length > 0)
      faults.push({ part, name, known, message: `${what} "${name}" is not a field of the schema` })
    return found
  }
  const kindOf = (name: string) => fields.find((f) => f.name === name)?.kind
  const { timeField, idField, type } = definition
  if (has('timeField', timeField, 'time')) {
    const problem = timeProblem(definition.timeFormat, rawType(definition.avro, timeField))
    if (problem) faults.push({ part: 'timeFormat', message: `time "${timeField}" ${problem}` })
  }
  if (idField !== null && has('idField', idField, 'id') && kindOf(idField) !== 'string' && kindOf(idField) !== 'number')
    faults.push({ part: 'idField', message: `id "${idField}" must be a string or a whole number` })
  if ('field' in type && has('type', type.field, 'type') && kindOf(type.field) !== 'string')
    faults.push({ part: 'type', message: `type "${type.field}" must be a string` })
  for (const [from, targets] of Object.entries(definition.determines)) {
    has('determines', from, 'determines:')
    for (const target of targets) has('determines', target, 'determines:')
  }
  const withTime = fields.map((f) => (f.name === timeField ? { ...f, kind: 'number' as const, scale: 0 } : f))
  return { stream: { ...definition, fields: withTime }, faults }
}

interface AvroField {
  readonly name: string
  readonly type: unknown
  readonly doc?: unknown
}

/** The named attributes of an Avro type written as an object; a plain name is its `type`. */
interface AvroType {
  readonly type: unknown
  readonly name?: string
  readonly logicalType?: string
  readonly precision?: number
  readonly scale?: number
}

function fieldsOf(avro: unknown): { fields: Field[]; faults: StreamFault[] } {
  const fields: Field[] = []
  const faults: StreamFault[] = []
  const fault = (message: string) => faults.push({ part: 'avro', message })
  const record = avro as { type?: unknown; fields?: unknown } | null
  if (typeof record !== 'object' || record?.type !== 'record' || !Array.isArray(record.fields)) {
    fault('the schema is not an Avro record')
    return { fields, faults }
  }
  const enums = new Set<string>()
  for (const { name, type, doc } of record.fields as AvroField[]) {
    const bare = nonNull(type)
    if (bare?.type === 'enum' && bare.name) enums.add(bare.name)
    const mapped = bare && columnOf(bare, enums)
    if (!mapped) fault(`field "${name}": ${typeName(type)} cannot be a column`)
    else fields.push({ name, ...mapped, doc: typeof doc === 'string' ? doc : '' })
  }
  if (record.fields.length === 0) fault('the schema has no fields')
  return { fields, faults }
}

/** The one type beside null of a union, or the type itself; null where there are several. */
function nonNull(type: unknown): AvroType | null {
  const branches = (Array.isArray(type) ? type : [type]).filter((t) => t !== 'null')
  if (branches.length !== 1) return null
  const only = branches[0] as AvroType | string
  return typeof only === 'string' ? { type: only } : only
}

function columnOf(avro: AvroType, enums: ReadonlySet<string>): Pick<Field, 'kind' | 'scale'> | null {
  const { type, logicalType, precision = 0, scale = 0 } = avro
  if (logicalType === 'decimal' && (type === 'bytes' || type === 'fixed'))
    return precision <= 18 && scale >= 0 && scale <= precision ? { kind: 'decimal', scale } : null
  if (type === 'string' || type === 'enum' || enums.has(String(type))) return { kind: 'string', scale: 0 }
  if (type === 'int' || type === 'long') return { kind: 'number', scale: 0 }
  if (type === 'float' || type === 'double') return { kind: 'number', scale: 6 }
  if (type === 'boolean') return { kind: 'boolean', scale: 0 }
  return null
}

function rawType(avro: unknown, name: string): AvroType | null {
  const { fields } = avro as { fields?: readonly AvroField[] }
  return nonNull(fields?.find((f) => f.name === name)?.type)
}

function timeProblem(format: TimeFormat, avro: AvroType | null): string | null {
  if (avro?.logicalType?.endsWith('micros') && format !== 'us') return 'counts microseconds: time_format: us'
  if (avro?.logicalType?.endsWith('nanos') && format !== 'ns') return 'counts nanoseconds: time_format: ns'
  if (typeof format === 'object') return null
  if (format === 'iso') return avro?.type === 'string' ? null : 'must be a string for time_format iso'
  const isNumber = ['int', 'long', 'float', 'double'].includes(String(avro?.type))
  return isNumber ? null : `must be a number for time_format ${format}`
}

function typeName(type: unknown): string {
  if (Array.isArray(type)) return `a union of ${type.map(typeName).join(', ')}`
  if (typeof type !== 'object' || type === null) return String(type)
  const { type: name, logicalType, precision } = type as AvroType
  const base = typeof name === 'string' ? name : typeName(name)
  return logicalType ? `${base} with ${logicalType}${precision ? ` of ${precision} digits` : ''}` : base
}
