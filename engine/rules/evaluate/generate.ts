import type { Expression } from '../../model/expression.ts'
import { compileCondition, compileNumber } from './compile.ts'
import type { AbstainReason, Scope } from './scope.ts'

/** A number as JavaScript over `cells` and `base`; one that is not sure may be NaN, and has then set `w`, the reason. */
export interface NumberCode {
  readonly code: string
  readonly isSure: boolean
}

/** 0 = false, 1 = true, else it abstains: 2 + the place of the reason in ABSTAIN_REASONS. */
export type GeneratedCondition = (cells: Float64Array, base: number) => number

/** `null` must be the first: `w` begins with it. */
export const ABSTAIN_REASONS: readonly AbstainReason[] = ['null', 'division_by_zero', 'minimum_sample', 'not_a_share']
export const NOT_SURE = 'w = 2, NaN'

/** Text over `cells`, `base`, `sum`, and the closures `f` and `reason`. */
export interface ConditionCode {
  readonly declarations: string
  /** An expression: what a GeneratedCondition gives. */
  readonly code: string
  readonly closures: readonly (() => unknown)[]
  readonly reason: () => number
}

/** total / (n * 10^scale) of the sum that begins at `at`. */
export type SumOfCells = (cells: Float64Array, at: number, n: number, scale: number) => number

type Call = Expression & { op: 'call' }

const COMPARISONS: Readonly<Record<string, string>> = { lt: '<', le: '<=', gt: '>', ge: '>=' }
const ARITHMETIC: Readonly<Record<string, string>> = { add: '+', sub: '-', mul: '*', div: '/', mod: '%' }

export function generateCondition(
  { declarations, code, closures, reason }: ConditionCode,
  sum: SumOfCells,
): GeneratedCondition {
  const text = `return (cells, base) => { ${declarations}; return ${code} }`
  return new Function('f', 'reason', 'sum', text)(closures, reason, sum)
}

/**
 * A condition as JavaScript over a key's cells, three to five times as fast as closures, to stand in a function, alone
 * or in a block among others. Its text is made of operators and numbers of our own only: names and strings of a rule
 * never get into it; what it has no code for, it asks of the closures that `compileCondition` makes.
 *
 * `leaf`: the code of a measure; null = ask its closure.
 */
export function conditionCode(
  e: Expression,
  scope: Scope,
  leaf: (measure: string) => NumberCode | null,
): ConditionCode {
  const generator = new Generator(scope, leaf)
  const code = generator.condition(e)
  const variables = Array.from({ length: generator.variables }, (_, i) => `, t${i} = 0`).join('')
  const reason = (): number => 2 + ABSTAIN_REASONS.indexOf(scope.reason)
  return { declarations: `let w = 2${variables}`, code, closures: generator.closures, reason }
}

class Generator {
  readonly closures: (() => unknown)[] = []
  variables = 0
  readonly #scope: Scope
  readonly #leaf: (measure: string) => NumberCode | null

  constructor(scope: Scope, leaf: (measure: string) => NumberCode | null) {
    this.#scope = scope
    this.#leaf = leaf
  }

  condition(e: Expression): string {
    if (e.op === 'call') {
      if (e.fn === 'and') return this.#both(e, 0)
      if (e.fn === 'or') return this.#both(e, 1)
      if (e.fn === 'not') {
        const t = this.#variable()
        return `((${t} = ${this.condition(e.args[0])}) < 2 ? 1 - ${t} : ${t})`
      }
      const compare = COMPARISONS[e.fn]
      if (compare && e.args.every((a) => a.type === 'number')) return this.#compare(e, compare)
    }
    const t = this.#variable()
    const f = this.#closure(compileCondition(e, this.#scope))
    return `((${t} = ${f}()) === true ? 1 : ${t} === false ? 0 : reason())`
  }

  /** `decides`: the value that either side decides alone; else the left one's reason goes before the right one's. */
  #both(e: Call, decides: 0 | 1): string {
    const [a, b] = [this.#variable(), this.#variable()]
    const [left, right] = e.args.map((arg) => this.condition(arg))
    return `((${a} = ${left}) === ${decides} ? ${decides} : (${b} = ${right}) === ${decides} ? ${decides} : ${a} > 1 ? ${a} : ${b})`
  }

  #compare(e: Call, sign: string): string {
    const [left, right] = e.args.map((arg) => this.number(arg))
    if (left.isSure && right.isSure) return `(${left.code} ${sign} ${right.code} ? 1 : 0)`
    const [a, b] = [this.#variable(), this.#variable()]
    const first = left.isSure ? `(${a} = ${left.code}, false)` : `(${a} = ${left.code}) !== ${a}`
    const second = right.isSure ? `(${b} = ${right.code}, false)` : `(${b} = ${right.code}) !== ${b}`
    return `(${first} || ${second} ? w : ${a} ${sign} ${b} ? 1 : 0)`
  }

  number(e: Expression): NumberCode {
    if (e.op === 'literal' && typeof e.value === 'number') return { code: numberText(e.value), isSure: true }
    if (e.op === 'param') {
      const value = this.#scope.param(e.name)
      if (typeof value === 'number') return { code: numberText(value), isSure: true }
    }
    if (e.op === 'measure') {
      const code = this.#leaf(e.name)
      if (code) return code
    }
    if (e.op === 'call' && ARITHMETIC[e.fn]) return this.#arithmetic(e, ARITHMETIC[e.fn])
    const t = this.#variable()
    const f = this.#closure(compileNumber(e, this.#scope))
    return { code: `((${t} = ${f}()) === ${t} ? ${t} : (w = reason(), NaN))`, isSure: false }
  }

  #arithmetic(e: Call, sign: string): NumberCode {
    const [left, right] = e.args.map((arg) => this.number(arg))
    const [a, b] = [this.#variable(), this.#variable()]
    const divides = sign === '/' || sign === '%'
    const result = `(${a} = ${a} ${sign} ${b}) === ${a} ? ${a} : (${NOT_SURE})`
    const checked = divides ? `${b} === 0 ? (w = 3, NaN) : ${result}` : result
    const second = right.isSure
      ? `(${b} = ${right.code}, ${checked})`
      : `((${b} = ${right.code}) !== ${b} ? NaN : ${checked})`
    const first = left.isSure
      ? `(${a} = ${left.code}, ${second})`
      : `((${a} = ${left.code}) !== ${a} ? NaN : ${second})`
    return { code: first, isSure: false }
  }

  #closure(f: () => unknown): string {
    return `f[${this.closures.push(f) - 1}]`
  }

  #variable(): string {
    return `t${this.variables++}`
  }
}

/** Infinity has no literal of its own in a rule, but a long one comes to it. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '(-0)' : `(${value})`
}
