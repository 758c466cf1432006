import type { Expression } from '../../model/expression.ts'
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
