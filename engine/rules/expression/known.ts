import type { Expression } from '../../model/expression.ts'
import { didYouMean } from '../source/suggest.ts'
import type { FieldNames } from './names.ts'
import { UNKNOWN } from './typed.ts'

/** True or false if a condition is always that for what is known of events: which types are read, and no null in a key. */
export function knownOf(e: Expression, fields: FieldNames): boolean | null {
  if (e.op === 'in') {
    if (!isEventType(e.value, fields)) return null
    const named = fields.eventTypes.filter((type) => e.items.includes(type)).length
    return named === 0 ? false : named === fields.eventTypes.length ? true : null
  }
  if (e.op !== 'call' || (e.fn !== 'eq' && e.fn !== 'ne')) return null
  const [leaf, value] = e.args[0].op === 'literal' ? [e.args[1], e.args[0]] : e.args
  if (value.op !== 'literal') return null
  if (leaf.op === 'key' && value.value === null) return e.fn === 'ne'
  if (!isEventType(leaf, fields)) return null
  const isOne = fields.eventTypes.some((type) => type === value.value)
  if (isOne && fields.eventTypes.length > 1) return null
  return isOne === (e.fn === 'eq')
}

/** What a comparison with the event's type leaves out of sight. */
export function knownHint(e: Expression, fields: FieldNames): string | null {
  if (e.op !== 'in' && e.op !== 'call') return null
  const parts = e.op === 'in' ? [e.value] : e.args
  if (!parts.some((part) => isEventType(part, fields))) return null
  const named = e.op === 'in' ? e.items : parts.map((part) => (part.op === 'literal' ? part.value : null))
  const strange = named.filter((name) => typeof name === 'string' && !fields.eventTypes.includes(name))
  const meant = strange.map((name) => didYouMean(String(name), fields.eventTypes)).find((hint) => hint !== null)
  return meant ?? `all events here are ${fields.label}`
}

/** True where a side could not be read: its fault was told, and nothing is known of the value. */
export function isUnread(e: Expression): boolean {
  return e.op === 'call' ? e.args.includes(UNKNOWN.expression) : e.op === 'in' && e.value === UNKNOWN.expression
}

function isEventType(e: Expression, { typeField, open }: FieldNames): boolean {
  return !open && typeField !== null && e.op === 'field' && e.name === typeField
}
