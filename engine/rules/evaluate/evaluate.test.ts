import { parse } from '@marcbachmann/cel-js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Expression, Operator, Value } from '../../model/expression.ts'
import { compileCondition, compileExpression, compileNumber } from './compile.ts'
import { ABSTAIN_REASONS, conditionCode, generateCondition, NOT_SURE } from './generate.ts'
import type { AbstainReason, Scope } from './scope.ts'

const NAMES = ['a', 'b', 'c'] as const

interface Leaves {
  readonly numbers: readonly Value[]
  readonly flags: readonly Value[]
}

/** Numbers are measures, flags are fields. A leaf that abstains says why, as the engine's do. */
function scopeOf(leaves: Leaves): Scope {
  const index = (name: string) => NAMES.indexOf(name as (typeof NAMES)[number])
  const scope: Scope = {
    reason: 'null',
    field: (name) => () => abstaining(leaves.flags[index(name)]),
    measure: (name) => () => abstaining(leaves.numbers[index(name)]),
    let: () => () => null,
    key: () => () => null,
    param: (name) => [2, 3, 5][index(name)],
    list: () => new Set([1, 2]),
    feature: () => () => null,
  }
  const abstaining = (v: Value) => {
    if (v === undefined) scope.reason = 'minimum_sample'
    return v
  }
  return scope
}

interface Outcome {
  readonly value: Value
  readonly reason: string | null
}

/** RULES.md "Values", word by word: the leftmost cause of abstaining is the reason. */
function naive(e: Expression, leaves: Leaves): Outcome {
  const index = (name: string) => NAMES.indexOf(name as (typeof NAMES)[number])
  const give = (value: Value, why = 'minimum_sample'): Outcome => ({ value, reason: value === undefined ? why : null })
  switch (e.op) {
    case 'literal':
      return give(e.value)
    case 'measure':
      return give(leaves.numbers[index(e.name)])
    case 'field':
      return give(leaves.flags[index(e.name)])
    case 'param':
      return give([2, 3, 5][index(e.name)])
    case 'in': {
      const v = naive(e.value, leaves)
      return v.value === undefined ? v : give((e.items as readonly unknown[]).includes(v.value))
    }
    case 'call':
      return naiveCall(
        e.fn,
        e.args.map((a) => () => naive(a, leaves)),
      )
    default:
      throw new Error(e.op)
  }
}

function naiveCall(fn: Operator, args: (() => Outcome)[]): Outcome {
  const known = (o: Outcome): Outcome => (o.value === null ? { value: undefined, reason: 'null' } : o)
  if (fn === 'and' || fn === 'or') {
    const [x, y] = args.map((a) => known(a()))
    const decides = fn === 'or'
    if (x.value === decides || y.value === decides) return { value: decides, reason: null }
    return x.value === undefined ? x : y
  }
  if (fn === 'cond') {
    const c = known(args[0]())
    return c.value === undefined ? c : c.value ? args[1]() : args[2]()
  }
  const raw = args.map((a) => a())
  const values = fn === 'eq' || fn === 'ne' ? raw : raw.map(known)
  const missing = values.find((v) => v.value === undefined)
  if (missing) return missing
  const [x, y] = values.map((v) => v.value as number)
  if ((fn === 'div' || fn === 'mod') && y === 0) return { value: undefined, reason: 'division_by_zero' }
  const value = OPERATIONS[fn]!(
    x,
    y,
    values.map((v) => v.value as number),
  )
  return Number.isNaN(value) ? { value: undefined, reason: 'null' } : { value, reason: null }
}

const OPERATIONS: Partial<Record<Operator, (x: number, y: number, all: number[]) => Value>> = {
  not: (x) => !x,
  eq: (x, y) => x === y,
  ne: (x, y) => x !== y,
  lt: (x, y) => x < y,
  le: (x, y) => x <= y,
  gt: (x, y) => x > y,
  ge: (x, y) => x >= y,
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  mod: (x, y) => x % y,
  neg: (x) => -x,
  abs: (x) => Math.abs(x),
  min: (_x, _y, all) => Math.min(...all),
  max: (_x, _y, all) => Math.max(...all),
  round: (x) => (x < 0 ? -Math.round(-x) : Math.round(x)),
}

const call = (fn: Operator, type: 'number' | 'boolean', ...args: Expression[]): Expression => ({
  op: 'call',
  type,
  fn,
  args,
})

function trees(numberLeaf: fc.Arbitrary<Expression>, flagLeaf: fc.Arbitrary<Expression>, arithmetic: Operator[]) {
  return fc.letrec<{ number: Expression; flag: Expression }>((tie) => {
    const number = tie('number')
    const flag = tie('flag')
    return {
      number: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        numberLeaf,
        fc.tuple(fc.constantFrom(...arithmetic), number, number).map(([fn, x, y]) => call(fn, 'number', x, y)),
        number.map((x) => call('neg', 'number', x)),
        fc.tuple(flag, number, number).map(([c, x, y]) => call('cond', 'number', c, x, y)),
      ),
      flag: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        flagLeaf,
        fc
          .tuple(fc.constantFrom<Operator>('lt', 'le', 'gt', 'ge', 'eq', 'ne'), number, number)
          .map(([fn, x, y]) => call(fn, 'boolean', x, y)),
        fc
          .tuple(fc.constantFrom<Operator>('and', 'or', 'eq', 'ne'), flag, flag)
          .map(([fn, x, y]) => call(fn, 'boolean', x, y)),
        flag.map((x) => call('not', 'boolean', x)),
        number.map((value) => ({ op: 'in', type: 'boolean', value, items: [0, 1, 2, 3] }) as Expression),
        fc.tuple(flag, flag, flag).map(([c, x, y]) => call('cond', 'boolean', c, x, y)),
      ),
    }
  })
}

const numberLiteral = fc
  .constantFrom(0, 1, -1, 2, 3, 0.5, 1e9)
  .map((value): Expression => ({ op: 'literal', type: 'number', value }))
const measure = fc.constantFrom(...NAMES).map((name): Expression => ({ op: 'measure', type: 'number', name }))
const param = fc.constantFrom(...NAMES).map((name): Expression => ({ op: 'param', type: 'number', name }))
const flagField = fc.constantFrom(...NAMES).map((name): Expression => ({ op: 'field', type: 'boolean', name }))
const flagLiteral = fc.boolean().map((value): Expression => ({ op: 'literal', type: 'boolean', value }))
const nothing: Expression = { op: 'literal', type: 'null', value: null }

const same = (x: Value, y: Value) => Object.is(x, y) || (x === 0 && y === 0)

describe('agrees with the rules of RULES.md', () => {
  const anyNumber = fc.oneof(measure, measure, param, numberLiteral, fc.constant(nothing))
  const arbitrary = trees(anyNumber, fc.oneof(flagField, flagField, flagLiteral), [
    'add',
    'sub',
    'mul',
    'div',
    'mod',
    'min',
    'max',
  ])
  const leaves = fc.record({
    numbers: fc.array(fc.constantFrom<Value>(0, 1, 2, 3, -1.5, 1e308, Infinity, null, undefined), {
      minLength: 3,
      maxLength: 3,
    }),
    flags: fc.array(fc.constantFrom<Value>(true, false, null, undefined), { minLength: 3, maxLength: 3 }),
  })

  test('conditions', () => {
    fc.assert(
      fc.property(arbitrary.flag, leaves, (e, l) => {
        const scope = scopeOf(l)
        const got = compileCondition(e, scope)()
        const { value, reason } = naive(e, l)
        const wanted = value === null ? undefined : value
        expect([got, got === undefined ? scope.reason : null]).toEqual([wanted, value === null ? 'null' : reason])
      }),
      { numRuns: 20_000 },
    )
  })

  test('conditions as generated code', () => {
    fc.assert(
      fc.property(arbitrary.flag, leaves, (e, l) => {
        const cells = Float64Array.from(l.numbers, (v) => (typeof v === 'number' ? v : Number.NaN))
        // a: null or a number in its cell; b: sure to be one; c: asked of its closure
        const wholly = { ...l, numbers: [l.numbers[0] ?? null, l.numbers[1] ?? 7, l.numbers[2]] }
        cells[1] = wholly.numbers[1] as number
        const code = conditionCode(e, scopeOf(wholly), (name) => {
          if (name === 'a')
            return { code: `(cells[base - 1] === cells[base - 1] ? cells[base - 1] : (${NOT_SURE}))`, isSure: false }
          return name === 'b' ? { code: 'sum(cells, base)', isSure: true } : null
        })
        const condition = generateCondition(code, (all, at) => all[at]!)
        const got = condition(cells, 1)
        const { value, reason } = naive(e, wholly)
        const why = 2 + ABSTAIN_REASONS.indexOf((value === null ? 'null' : reason) as AbstainReason)
        expect(got).toBe(value === true ? 1 : value === false ? 0 : why)
      }),
      { numRuns: 5_000 },
    )
  })

  test('numbers, and the same as values', () => {
    fc.assert(
      fc.property(arbitrary.number, leaves, (e, l) => {
        const { value, reason } = naive(e, l)
        const scope = scopeOf(l)
        const number = compileNumber(e, scope)()
        if (typeof value === 'number') expect(same(number, value)).toBe(true)
        else expect([number, scope.reason]).toEqual([Number.NaN, reason ?? 'null'])
        const other = scopeOf(l)
        const any = compileExpression(e, other)()
        expect(same(any, value)).toBe(true)
        if (any === undefined) expect(other.reason).toBe(reason)
      }),
      { numRuns: 20_000 },
    )
  })

  test('a closure gives the same again, and follows its leaves', () => {
    const now = { numbers: [1, 2, 3] as Value[], flags: [true, false, null] as Value[] }
    const closure = compileCondition(
      call('gt', 'boolean', { op: 'measure', type: 'number', name: 'a' }, { op: 'param', type: 'number', name: 'a' }),
      scopeOf(now),
    )
    expect([closure(), closure()]).toEqual([false, false])
    now.numbers[0] = 4
    expect(closure()).toBe(true)
    now.numbers[0] = null
    expect(closure()).toBe(undefined)
  })
})

const SYMBOLS: Partial<Record<Operator, string>> = {
  or: '||',
  and: '&&',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
}

function cel(e: Expression): string {
  switch (e.op) {
    case 'literal':
      return typeof e.value === 'number' ? `(${e.value.toFixed(4)})` : String(e.value)
    case 'measure':
      return `n${e.name}`
    case 'field':
      return `f${e.name}`
    case 'in':
      return `(${cel(e.value)} in [${e.items.map((i) => (i as number).toFixed(1)).join(', ')}])`
    case 'call': {
      const args = e.args.map(cel)
      if (e.fn === 'not') return `!(${args[0]})`
      if (e.fn === 'neg') return `-(${args[0]})`
      if (e.fn === 'cond') return `(${args[0]} ? ${args[1]} : ${args[2]})`
      return `(${args[0]} ${SYMBOLS[e.fn]} ${args[1]})`
    }
    default:
      throw new Error(e.op)
  }
}

test('agrees with CEL itself where CEL has doubles, and nothing is null or divided by zero', () => {
  const literal = fc
    .constantFrom(1, 2, 3, 0.5, 7.25)
    .map((value): Expression => ({ op: 'literal', type: 'number', value }))
  const { flag } = trees(fc.oneof(measure, literal), fc.oneof(flagField, flagLiteral), ['add', 'sub', 'mul', 'div'])
  const values = fc.record({
    numbers: fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 3, maxLength: 3 }),
    flags: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  })
  let compared = 0
  fc.assert(
    fc.property(flag, values, (e, l) => {
      const scope = scopeOf(l)
      const ours = compileCondition(e, scope)()
      if (ours === undefined) return // divided by zero: CEL's doubles give infinity there
      const text = cel(e)
      const context: Record<string, number | boolean> = {}
      NAMES.forEach((n, i) => {
        context[`n${n}`] = l.numbers[i]
        context[`f${n}`] = l.flags[i]
      })
      // A zero divisor that a choice or a short circuit steps over is none; one that is decided elsewhere is.
      if (text.includes('/') && hasZeroDivisor(e, l)) return
      compared += 1
      expect([text, parse(text)(context)]).toEqual([text, ours])
    }),
    { numRuns: 10_000 },
  )
  expect(compared).toBeGreaterThan(5_000)
})

function hasZeroDivisor(e: Expression, l: Leaves): boolean {
  if (e.op === 'in') return hasZeroDivisor(e.value, l)
  if (e.op !== 'call') return false
  return (e.fn === 'div' && naive(e.args[1], l).value === 0) || e.args.some((a) => hasZeroDivisor(a, l))
}
