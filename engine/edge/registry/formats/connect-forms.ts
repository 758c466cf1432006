import { own } from '../../../kit/own.ts'
import { isScale } from './connect-values.ts'
import { isObject, type JsonObject } from './json-object.ts'

/** How Kafka Connect wrote a column whose JSON or Avro type does not say what it means. */
export type Form =
  | { readonly is: 'decimal'; readonly scale: number }
  /** A decimal that carries its scale. */
  | { readonly is: 'scaled_decimal' }
  | { readonly is: 'time'; readonly unit: TimeUnit }

export type TimeUnit = 'ms' | 'us' | 'ns' | 'days'

/** By column; columns that mean what they say are not in it. */
export type Forms = ReadonlyMap<string, Form>

const UNITS: ReadonlyMap<unknown, TimeUnit> = new Map<unknown, TimeUnit>([
  ['io.debezium.time.Timestamp', 'ms'],
  ['io.debezium.time.MicroTimestamp', 'us'],
  ['io.debezium.time.NanoTimestamp', 'ns'],
  ['io.debezium.time.Date', 'days'],
  ['org.apache.kafka.connect.data.Timestamp', 'ms'],
  ['org.apache.kafka.connect.data.Date', 'days'],
  // Avro's own names
  ['timestamp-millis', 'ms'],
  ['timestamp-micros', 'us'],
  ['timestamp-nanos', 'ns'],
  ['local-timestamp-millis', 'ms'],
  ['local-timestamp-micros', 'us'],
  ['date', 'days'],
])
const DECIMAL = 'org.apache.kafka.connect.data.Decimal'
const SCALED_DECIMAL = 'io.debezium.data.VariableScaleDecimal'

/** Of the schema that Connect's JSON converter puts before a payload: those of its `after` (or `before`), or its own. */
export function formsOfJson(schema: unknown): Forms {
  const fields = jsonFields(schema)
  const row = fields.find((f) => own(f, 'field') === 'after') ?? fields.find((f) => own(f, 'field') === 'before')
  const isEnvelope = row !== undefined && fields.some((f) => own(f, 'field') === 'op')
  return formsOf(isEnvelope ? jsonFields(row) : fields, (field) => ({
    column: own(field, 'field'),
    name: own(field, 'name'),
    scale: scaleOf(own(field, 'parameters')),
  }))
}

/** Of a writer's Avro schema: those of its `after` (or `before`), or its own. */
export function formsOfAvro(schema: unknown): Forms {
  const named = new Map<string, JsonObject>()
  const fields = avroFields(schema, named)
  const typeOf = (name: string) => fields.filter((f) => own(f, 'name') === name).map((f) => avroType(own(f, 'type')))[0]
  const before = typeOf('before')
  if (isObject(before)) named.set(lastName(own(before, 'name')), before)
  const after = typeOf('after') ?? before
  const row = typeof after === 'string' ? named.get(lastName(after)) : after
  const isEnvelope = isObject(row) && typeOf('op') !== undefined
  return formsOf(isEnvelope ? avroFields(row, named) : fields, (field) => {
    const type = avroType(own(field, 'type'))
    if (!isObject(type)) return { column: own(field, 'name'), name: null, scale: null }
    const isDecimal = own(type, 'logicalType') === 'decimal'
    return {
      column: own(field, 'name'),
      name: isDecimal ? DECIMAL : (own(type, 'connect.name') ?? own(type, 'logicalType')),
      scale: isDecimal ? (own(type, 'scale') ?? 0) : scaleOf(own(type, 'connect.parameters')),
    }
  })
}

function formsOf(
  fields: readonly JsonObject[],
  read: (field: JsonObject) => { column: unknown; name: unknown; scale: unknown },
): Forms {
  const forms = new Map<string, Form>()
  for (const field of fields) {
    const { column, name, scale } = read(field)
    const unit = UNITS.get(name)
    if (typeof column !== 'string') continue
    if (unit !== undefined) forms.set(column, { is: 'time', unit })
    else if (name === SCALED_DECIMAL) forms.set(column, { is: 'scaled_decimal' })
    else if (name === DECIMAL && isScale(scale)) forms.set(column, { is: 'decimal', scale })
  }
  return forms
}

function jsonFields(schema: unknown): JsonObject[] {
  const fields = isObject(schema) ? own(schema, 'fields') : null
  return Array.isArray(fields) ? fields.filter(isObject) : []
}

function avroFields(schema: unknown, named: Map<string, JsonObject>): JsonObject[] {
  const fields = jsonFields(schema)
  if (isObject(schema)) named.set(lastName(own(schema, 'name')), schema)
  return fields
}

/** The one branch beside null, or the type itself. */
function avroType(type: unknown): unknown {
  return Array.isArray(type) ? type.find((branch) => branch !== 'null') : type
}

/** Connect writes its parameters as texts. */
function scaleOf(parameters: unknown): unknown {
  const scale = isObject(parameters) ? own(parameters, 'scale') : null
  return typeof scale === 'string' && scale !== '' ? Number(scale) : scale
}

/** Without its namespace. */
function lastName(name: unknown): string {
  return String(name).split('.').at(-1)!
}
