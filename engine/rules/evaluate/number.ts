import type { Expression } from '../../model/expression.ts'
import { compileExpression, compileNumber } from './compile.ts'
import type { Scope } from './scope.ts'
import { zoneClock } from './zone.ts'

export type Call = Expression & { op: 'call' }

const NONE = Number.NaN

/** Calls that yield numbers. A NaN operand is passed on before the right one is asked: the leftmost reason stands. */
export function compileNumberCall(e: Call, scope: Scope): () => number {
  const number = (i: number) => compileNumber(e.args[i], scope)
  switch (e.fn) {
    case 'add':
      return add(number(0), number(1), scope)
    case 'sub':
      return subtract(number(0), number(1), scope)
    case 'mul':
      return multiply(number(0), number(1), scope)
    case 'div':
      return divide(number(0), number(1), scope)
    case 'mod':
      return remainder(number(0), number(1), scope)
    case 'neg': {
      const a = number(0)
      return () => -a()
    }
    case 'abs': {
      const a = number(0)
      return () => Math.abs(a())
    }
    case 'round': {
      const a = number(0)
      return () => roundHalfAway(a())
    }
    case 'min':
      return e.args.slice(1).reduce((left, arg) => smaller(left, compileNumber(arg, scope)), number(0))
    case 'max':
      return e.args.slice(1).reduce((left, arg) => larger(left, compileNumber(arg, scope)), number(0))
    case 'size':
      return sizeOf(e, scope)
    case 'hour':
    case 'weekday':
      return clockOf(e, scope)
    default:
      throw new Error(`${e.fn} yields no number`)
  }
}

/** What a double cannot tell, such as infinity minus infinity, is not known. */
function defined(x: number, scope: Scope): number {
  if (Number.isNaN(x)) scope.reason = 'null'
  return x
}

function add(a: () => number, b: () => number, scope: Scope): () => number {
  return () => {
    const x = a()
    if (Number.isNaN(x)) return NONE
    const y = b()
    return Number.isNaN(y) ? NONE : defined(x + y, scope)
  }
}

function subtract(a: () => number, b: () => number, scope: Scope): () => number {
  return () => {
    const x = a()
    if (Number.isNaN(x)) return NONE
    const y = b()
    return Number.isNaN(y) ? NONE : defined(x - y, scope)
  }
}

function multiply(a: () => number, b: () => number, scope: Scope): () => number {
  return () => {
    const x = a()
    if (Number.isNaN(x)) return NONE
    const y = b()
    return Number.isNaN(y) ? NONE : defined(x * y, scope)
  }
}

function divide(a: () => number, b: () => number, scope: Scope): () => number {
  return () => {
    const x = a()
    if (Number.isNaN(x)) return NONE
    const y = b()
    if (y === 0) {
      scope.reason = 'division_by_zero'
      return NONE
    }
    return Number.isNaN(y) ? NONE : defined(x / y, scope)
  }
}

function remainder(a: () => number, b: () => number, scope: Scope): () => number {
  return () => {
    const x = a()
    if (Number.isNaN(x)) return NONE
    const y = b()
    if (y === 0) {
      scope.reason = 'division_by_zero'
      return NONE
    }
    return Number.isNaN(y) ? NONE : defined(x % y, scope)
  }
}

function smaller(a: () => number, b: () => number): () => number {
  return () => {
    const x = a()
    if (Number.isNaN(x)) return NONE
    const y = b()
    return y < x || Number.isNaN(y) ? y : x
  }
}

function larger(a: () => number, b: () => number): () => number {
  return () => {
    const x = a()
    if (Number.isNaN(x)) return NONE
    const y = b()
    return y > x || Number.isNaN(y) ? y : x
  }
}

function roundHalfAway(x: number): number {
  return x < 0 ? -Math.round(-x) : Math.round(x)
}

/** Values of a list, or characters as people count them: code points, as CEL does. */
function sizeOf(e: Call, scope: Scope): () => number {
  const sized = compileExpression(e.args[0], scope)
  return () => {
    const v = sized()
    if (typeof v !== 'string') {
      if (Array.isArray(v)) return v.length
      if (v !== undefined) scope.reason = 'null'
      return NONE
    }
    let n = v.length
    for (let i = 0; i + 1 < v.length; i++) {
      if ((v.charCodeAt(i) & 0xfc00) === 0xd800 && (v.charCodeAt(i + 1) & 0xfc00) === 0xdc00) n -= 1
    }
    return n
  }
}

function clockOf(e: Call, scope: Scope): () => number {
  const time = compileNumber(e.args[0], scope)
  const zone = e.args[1]
  const clock = zoneClock(zone.op === 'literal' ? String(zone.value) : 'UTC')
  const part = e.fn === 'hour' ? clock.hour : clock.weekday
  return () => {
    const ms = time()
    return Number.isNaN(ms) ? NONE : defined(part(ms), scope)
  }
}
