import type { Expression } from '../../model/expression.ts'
import type { Type } from './names.ts'
import type { Ranges } from './ranges.ts'
import type { Typed } from './typed.ts'

/** A type as messages call it. */
export function aType(type: Type): string {
  if (type === 'string') return 'text'
  if (type === 'list') return 'a list of values'
  if (type === 'boolean') return 'a condition (true or false)'
  return type === 'number' ? 'a number' : type
}

/** What the measure of a comparison can come to. */
export function rangeHint(args: readonly Expression[], ranges: Ranges): string | null {
  for (const e of args) {
    const range = e.op === 'measure' ? ranges.get(e.name) : undefined
    if (e.op !== 'measure' || !range) continue
    return range.max === Number.POSITIVE_INFINITY
      ? `${e.name} is never below ${range.min}`
      : `${e.name} is from ${range.min} to ${range.max}`
  }
  return null
}

/** What can be done with the values of a `top` measure. */
export function listHint({ type, expression }: Typed): string | null {
  if (type !== 'list') return null
  const name =
    expression.op === 'measure'
      ? expression.name
      : expression.op === 'feature'
        ? `features.${expression.feature}[…].${expression.measure}`
        : 'list'
  return `ask x in ${name}, or size(${name})`
}

export function shapeName(op: string): string {
  if (op === 'list') return 'a list'
  if (op === 'map') return 'a map'
  return op === '[]' ? '"[…]"' : `"${op}"`
}
