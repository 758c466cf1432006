import type { Expression, Value } from '../../model/expression.ts'
import { compileCall as compileConditionCall } from './condition.ts'
import { type Call, compileNumberCall } from './number.ts'
import type { Scope } from './scope.ts'
import { compileText } from './text.ts'

/**
 * A checked expression -> a closure, built once. The closure's value is `undefined` where the expression abstains, and
 * `scope.reason` then says why.
 *
 * Cost    one call of a small closure per node; constants (params too) are folded, comparisons with them are their own
 * Memory  nothing is allocated but what a leaf or a text function returns, and boxes for fractional numbers
 */
export function compileExpression(e: Expression, scope: Scope): () => Value {
  const constant = foldConstant(e, scope)
  if (constant !== undefined) return () => constant
  return compileAny(e, scope)
}

/** The same for a number: NaN where the value is null or the expression abstains; `scope.reason` says why. */
export function compileNumber(e: Expression, scope: Scope): () => number {
  const constant = foldConstant(e, scope)
  if (typeof constant === 'number') return () => constant
  if (e.op === 'call' && e.fn !== 'cond') return compileNumberCall(e, scope)
  return e.op === 'call' ? numberOfChoice(e, scope) : numberOfLeaf(e, scope)
}

/** The same for a condition: a null is no answer, so it abstains. */
export function compileCondition(e: Expression, scope: Scope): () => boolean | undefined {
  const constant = foldConstant(e, scope)
  if (typeof constant === 'boolean') return () => constant
  if (e.op === 'in' || e.op === 'inList') return compileMembership(e, scope)
  if (e.op === 'call' && e.fn !== 'cond') return compileConditionCall(e, scope)
  const value = compileAny(e, scope)
  return () => {
    const v = value()
    if (v === true || v === false) return v
    if (v !== undefined) scope.reason = 'null'
    return undefined
  }
}

/** The value of an expression without leaves that change; `undefined` if it has some, or abstains. */
function foldConstant(e: Expression, scope: Scope): Value {
  if (e.op === 'literal') return e.value
  if (e.op === 'param') return scope.param(e.name)
  if (!isConstant(e)) return undefined
  const { reason } = scope
  const value = compileAny(e, scope)()
  scope.reason = reason
  return value
}

function isConstant(e: Expression): boolean {
  if (e.op === 'call') return e.args.every(isConstant)
  if (e.op === 'in' || e.op === 'inList') return isConstant(e.value)
  return e.op === 'literal' || e.op === 'param'
}

function compileAny(e: Expression, scope: Scope): () => Value {
  switch (e.op) {
    case 'literal': {
      const { value } = e
      return () => value
    }
    case 'param': {
      const value = scope.param(e.name)
      return () => value
    }
    case 'field':
      return scope.field(e.name)
    case 'let':
      return scope.let(e.name)
    case 'measure':
      return scope.measure(e.name)
    case 'key':
      return scope.key(e.name)
    case 'in':
    case 'inList':
      return compileMembership(e, scope)
    case 'feature':
      return compileFeature(e, scope)
    case 'call':
      return compileAnyCall(e, scope)
  }
}

/** Nothing is known of no key. */
function compileFeature(e: Expression & { op: 'feature' }, scope: Scope): () => Value {
  const key = compileExpression(e.key, scope)
  const read = scope.feature(e.feature, e.measure)
  return () => {
    const k = key()
    return k === null || k === undefined ? k : read(k)
  }
}

function compileAnyCall(e: Call, scope: Scope): () => Value {
  if (e.fn === 'cond') return compileChoice(e, scope)
  if (e.type === 'boolean') return compileConditionCall(e, scope)
  if (e.type === 'string') return compileText(e, scope)
  const number = compileNumberCall(e, scope)
  return () => {
    const x = number()
    return Number.isNaN(x) ? undefined : x
  }
}

function compileChoice(e: Call, scope: Scope): () => Value {
  const condition = compileCondition(e.args[0], scope)
  const yes = compileExpression(e.args[1], scope)
  const no = compileExpression(e.args[2], scope)
  return () => {
    const c = condition()
    return c === true ? yes() : c === false ? no() : undefined
  }
}

function numberOfChoice(e: Call, scope: Scope): () => number {
  const condition = compileCondition(e.args[0], scope)
  const yes = compileNumber(e.args[1], scope)
  const no = compileNumber(e.args[2], scope)
  return () => {
    const c = condition()
    return c === true ? yes() : c === false ? no() : Number.NaN
  }
}

function numberOfLeaf(e: Expression, scope: Scope): () => number {
  const value = compileAny(e, scope)
  return () => {
    const v = value()
    if (typeof v === 'number') return v
    if (v !== undefined) scope.reason = 'null'
    return Number.NaN
  }
}

function compileMembership(e: Expression & { op: 'in' | 'inList' }, scope: Scope): () => boolean | undefined {
  const value = compileExpression(e.value, scope)
  const items = e.op === 'in' ? new Set<unknown>(e.items) : scope.list(e.list)
  return () => {
    const v = value()
    return v === undefined ? undefined : items.has(v)
  }
}
