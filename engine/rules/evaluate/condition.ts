import type { Expression, Value } from '../../model/expression.ts'
import { compilePattern } from '../expression/regex.ts'
import { compileCondition, compileExpression, compileNumber } from './compile.ts'
import type { Call } from './number.ts'
import type { Scope } from './scope.ts'

type Condition = () => boolean | undefined
type Comparison = 'lt' | 'le' | 'gt' | 'ge'

/** Calls that yield true, false or nothing. */
export function compileCall(e: Call, scope: Scope): Condition {
  switch (e.fn) {
    case 'and':
      return and(compileCondition(e.args[0], scope), compileCondition(e.args[1], scope), scope)
    case 'or':
      return or(compileCondition(e.args[0], scope), compileCondition(e.args[1], scope), scope)
    case 'not':
      return not(compileCondition(e.args[0], scope))
    case 'eq':
      return equal(e, scope, true)
    case 'ne':
      return equal(e, scope, false)
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return order(e, e.fn, scope)
    case 'startsWith':
      return textTest(e, scope, (a, b) => a.startsWith(b))
    case 'endsWith':
      return textTest(e, scope, (a, b) => a.endsWith(b))
    case 'contains':
      return textTest(e, scope, (a, b) => a.includes(b))
    case 'matches':
      return matches(e, scope)
    case 'member':
      return member(e, scope)
    default:
      throw new Error(`${e.fn} yields no condition`)
  }
}

function and(a: Condition, b: Condition, scope: Scope): Condition {
  return () => {
    const x = a()
    if (x === true) return b()
    if (x === false) return false
    const { reason } = scope
    if (b() === false) return false
    scope.reason = reason
    return undefined
  }
}

function or(a: Condition, b: Condition, scope: Scope): Condition {
  return () => {
    const x = a()
    if (x === false) return b()
    if (x === true) return true
    const { reason } = scope
    if (b() === true) return true
    scope.reason = reason
    return undefined
  }
}

function not(a: Condition): Condition {
  return () => {
    const x = a()
    return x === undefined ? undefined : !x
  }
}

/** Null is a value here: it equals null and nothing else. */
function equal(e: Call, scope: Scope, wanted: boolean): Condition {
  const a = compileExpression(e.args[0], scope)
  const b = compileExpression(e.args[1], scope)
  const right = constantOf(e.args[1], scope)
  if (right !== undefined) {
    return () => {
      const x = a()
      return x === undefined ? undefined : (x === right) === wanted
    }
  }
  return () => {
    const x = a()
    if (x === undefined) return undefined
    const y = b()
    return y === undefined ? undefined : (x === y) === wanted
  }
}

const MIRRORED: Readonly<Record<Comparison, Comparison>> = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' }

function order(e: Call, fn: Comparison, scope: Scope): Condition {
  const [left, right] = e.args
  if (left.type === 'string' || right.type === 'string') return orderText(e, fn, scope)
  const rightNumber = constantOf(right, scope)
  if (typeof rightNumber === 'number') return orderConstant(compileNumber(left, scope), fn, rightNumber)
  const leftNumber = constantOf(left, scope)
  if (typeof leftNumber === 'number') return orderConstant(compileNumber(right, scope), MIRRORED[fn], leftNumber)
  return orderNumbers(compileNumber(left, scope), compileNumber(right, scope), fn)
}

/** Each returned closure has a comparison of its own, and answers "neither" for NaN without asking first. */
function orderConstant(a: () => number, fn: Comparison, c: number): Condition {
  switch (fn) {
    case 'lt':
      return () => {
        const x = a()
        return x < c ? true : x >= c ? false : undefined
      }
    case 'le':
      return () => {
        const x = a()
        return x <= c ? true : x > c ? false : undefined
      }
    case 'gt':
      return () => {
        const x = a()
        return x > c ? true : x <= c ? false : undefined
      }
    case 'ge':
      return () => {
        const x = a()
        return x >= c ? true : x < c ? false : undefined
      }
  }
}

function orderNumbers(a: () => number, b: () => number, fn: Comparison): Condition {
  switch (fn) {
    case 'lt':
      return () => {
        const x = a()
        if (Number.isNaN(x)) return undefined
        const y = b()
        return x < y ? true : x >= y ? false : undefined
      }
    case 'le':
      return () => {
        const x = a()
        if (Number.isNaN(x)) return undefined
        const y = b()
        return x <= y ? true : x > y ? false : undefined
      }
    case 'gt':
      return () => {
        const x = a()
        if (Number.isNaN(x)) return undefined
        const y = b()
        return x > y ? true : x <= y ? false : undefined
      }
    case 'ge':
      return () => {
        const x = a()
        if (Number.isNaN(x)) return undefined
        const y = b()
        return x >= y ? true : x < y ? false : undefined
      }
  }
}

function orderText(e: Call, fn: Comparison, scope: Scope): Condition {
  return textTest(
    e,
    scope,
    {
      lt: (a: string, b: string) => a < b,
      le: (a: string, b: string) => a <= b,
      gt: (a: string, b: string) => a > b,
      ge: (a: string, b: string) => a >= b,
    }[fn],
  )
}

function textTest(e: Call, scope: Scope, test: (a: string, b: string) => boolean): Condition {
  const a = compileExpression(e.args[0], scope)
  const b = compileExpression(e.args[1], scope)
  return () => {
    const x = a()
    if (typeof x !== 'string') return nothing(x, scope)
    const y = b()
    return typeof y === 'string' ? test(x, y) : nothing(y, scope)
  }
}

function matches(e: Call, scope: Scope): Condition {
  const a = compileExpression(e.args[0], scope)
  const pattern = compilePattern(String(constantOf(e.args[1], scope)))
  if (!pattern.ok) throw new Error(pattern.fault)
  return () => {
    const x = a()
    return typeof x === 'string' ? pattern.test(x) : nothing(x, scope)
  }
}

/** Null is a value to look for, but nothing can be said of a list that is not there. */
function member(e: Call, scope: Scope): Condition {
  const value = compileExpression(e.args[0], scope)
  const list = compileExpression(e.args[1], scope)
  return () => {
    const v = value()
    if (v === undefined) return undefined
    const items = list()
    return Array.isArray(items) ? items.includes(v) : nothing(items, scope)
  }
}

function nothing(v: Value, scope: Scope): undefined {
  if (v !== undefined) scope.reason = 'null'
  return undefined
}

/** The value of a written operand or a param; other constants are folded by the operand itself. */
function constantOf(e: Expression, scope: Scope): Value {
  if (e.op === 'literal') return e.value
  if (e.op === 'param') return scope.param(e.name)
  return undefined
}
