import type { Value } from '../../model/expression.ts'
import { compileExpression, compileNumber } from './compile.ts'
import type { Call } from './number.ts'
import type { Scope } from './scope.ts'
import { subnetOf } from './subnet.ts'

/** Calls that yield text. A null operand makes them abstain, like arithmetic. */
export function compileText(e: Call, scope: Scope): () => Value {
  const a = compileExpression(e.args[0], scope)
  switch (e.fn) {
    case 'concat':
      return joined(a, compileExpression(e.args[1], scope), scope, (x, y) => `${x}${y}`)
    case 'unordered':
      return joined(a, compileExpression(e.args[1], scope), scope, unordered)
    case 'lower':
      return () => {
        const x = a()
        return typeof x === 'string' ? x.toLowerCase() : nothing(x, scope)
      }
    case 'subnet': {
      const v4Bits = compileNumber(e.args[1], scope)
      const v6Bits = e.args.length > 2 ? compileNumber(e.args[2], scope) : v4Bits
      return () => {
        const x = a()
        if (typeof x !== 'string') return nothing(x, scope)
        const v4 = v4Bits()
        const v6 = v6Bits()
        return Number.isNaN(v4) || Number.isNaN(v6) ? undefined : subnetOf(x, v4, v6)
      }
    }
    default:
      throw new Error(`${e.fn} yields no text`)
  }
}

function joined(a: () => Value, b: () => Value, scope: Scope, join: (x: string, y: string) => string): () => Value {
  return () => {
    const x = a()
    if (x === null || x === undefined) return nothing(x, scope)
    const y = b()
    if (y === null || y === undefined) return nothing(y, scope)
    return join(String(x), String(y))
  }
}

/** The same text for (a, b) and (b, a), and for no other pair: a bar within a value is escaped. */
export function unordered(a: string, b: string): string {
  const x = escapeBar(a)
  const y = escapeBar(b)
  return x < y ? `${x}|${y}` : `${y}|${x}`
}

function escapeBar(text: string): string {
  return text.includes('|') || text.includes('\\') ? text.replaceAll('\\', '\\\\').replaceAll('|', '\\|') : text
}

function nothing(v: Value, scope: Scope): undefined {
  if (v !== undefined) scope.reason = 'null'
  return undefined
}
