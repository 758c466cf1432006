import type { Expression, Operator, ValueType } from '../../model/expression.ts'
import type { Type } from './names.ts'

/** A checked tree with its type; `unknown` where a fault was reported below. */
export interface Typed {
  readonly type: Type
  readonly expression: Expression
}

export const UNKNOWN: Typed = { type: 'unknown', expression: { op: 'literal', type: 'null', value: null } }

export function isWritten(typed: Typed): typed is Typed & { expression: { op: 'literal'; value: string } } {
  return typed.expression.op === 'literal'
}

export function literal(value: number | string | boolean | null, type: ValueType): Typed {
  return { type, expression: { op: 'literal', type, value } }
}

export function leaf(op: 'field' | 'let' | 'measure' | 'key' | 'param', name: string, type: Type): Typed {
  return { type, expression: { op, type: knownType(type), name } }
}

export function call(fn: Operator, type: Type, args: readonly Typed[]): Typed {
  const expression: Expression = { op: 'call', type: knownType(type), fn, args: args.map((a) => a.expression) }
  return { type, expression }
}

export function knownType(type: Type): ValueType {
  return type === 'unknown' ? 'null' : type
}

export function comparable(a: Type, b: Type): boolean {
  return a === b || a === 'unknown' || b === 'unknown' || a === 'null' || b === 'null'
}
