import { DATE_PATTERN, NAME_PATTERN, RESERVED } from '../source/values.ts'
import { EXPRESSION_LENGTH_MAX } from './limits.ts'

/** JSON Schema, draft 7. */
export interface Schema {
  readonly description?: string
  readonly [keyword: string]: unknown
}

/** A mapping's keys -> what each holds, with the text that editors show beside it. */
export type Keys = Readonly<Record<string, Schema>>

/** The texts that `parseDuration` reads: units fall, none stands twice. */
const DURATION = `${['d', 'h', 'm', 's', 'ms'].map((unit) => `(?:\\d+(?:\\.\\d+)?${unit})?`).join('')}$`

export function described(description: string, schema: Schema): Schema {
  return { description, ...schema }
}

/** A mapping with these keys and no others. */
export function mapping(keys: Keys, required: readonly string[], more: Schema = {}): Schema {
  return { type: 'object', properties: keys, required, additionalProperties: false, ...more }
}

/** A mapping from names of the author's own to one sort of value. */
export function named(
  value: Schema,
  sizes: { minProperties?: number; maxProperties?: number } = {},
  taken: readonly string[] = [],
): Schema {
  const propertyNames = { pattern: NAME_PATTERN.source, not: { enum: [...RESERVED, ...taken] } }
  return { type: 'object', propertyNames, additionalProperties: value, ...sizes }
}

/** A mapping from fields, event types or other names that are defined elsewhere. */
export function mapOf(value: Schema): Schema {
  return { type: 'object', additionalProperties: value }
}

export function list(items: Schema, sizes: { minItems?: number; maxItems?: number } = {}): Schema {
  return { type: 'array', items, ...sizes }
}

export function anyOf(...schemas: Schema[]): Schema {
  return { anyOf: schemas }
}

export function oneOf(values: readonly string[]): Schema {
  return { enum: values }
}

export const text: Schema = { type: 'string', pattern: '\\S' }
/** Families, `order.*`, are not taken. */
export const eventType: Schema = { type: 'string', pattern: '^[^*]*[^*\\s][^*]*$' }
export const scalar: Schema = { type: ['string', 'number', 'boolean'] }
export const scalarOrNull: Schema = { type: ['string', 'number', 'boolean', 'null'] }
export const id: Schema = { type: ['string', 'number'] }
export const expression: Schema = {
  type: ['string', 'number', 'boolean'],
  pattern: '\\S',
  maxLength: EXPRESSION_LENGTH_MAX,
}
export const condition: Schema = { ...expression, type: ['string', 'boolean'] }
export const date: Schema = { type: 'string', pattern: DATE_PATTERN.source }
export const name: Schema = { type: 'string', pattern: NAME_PATTERN.source, not: { enum: [...RESERVED] } }

/** Longer than nothing. */
export const duration: Schema = { type: 'string', pattern: `^(?=.*[1-9])${DURATION}` }
export const durationOrZero: Schema = anyOf({ type: 'string', pattern: `^(?=.)${DURATION}` }, { const: 0 })
/** From the start of a test. */
export const offset: Schema = anyOf({ type: 'string', pattern: `^-?(?=\\d)${DURATION}` }, { const: 0 })

export function integer(minimum: number, maximum: number): Schema {
  return { type: 'integer', minimum, maximum }
}

/** One name, or a list of them without repeats. */
export function names(maxItems?: number, item: Schema = text): Schema {
  return anyOf(item, {
    type: 'array',
    items: item,
    minItems: 1,
    uniqueItems: true,
    ...(maxItems !== undefined && { maxItems }),
  })
}
