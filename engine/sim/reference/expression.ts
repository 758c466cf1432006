import type { Expression, Operator } from '../../model/expression.ts'
import type { Cell } from '../../model/output.ts'
import type { NamedList, Scalar } from '../../model/rule.ts'
import type { Event } from './event.ts'
import type { Published } from './feature.ts'

export type AbstainReason = 'null' | 'division_by_zero' | 'minimum_sample' | 'not_a_share'

/** "The rule takes no position", and why. */
export class Abstain {
  readonly reason: AbstainReason
  constructor(reason: AbstainReason) {
    this.reason = reason
  }
}

export type Result = number | string | boolean | null | Abstain | readonly (number | string | boolean)[]

/** Where names are looked up. Outside of an arrival there is no event. */
export interface Scope {
  readonly event: Event | null
  readonly lets: ReadonlyMap<string, Result>
  readonly measures: ReadonlyMap<string, Result>
  readonly key: Readonly<Record<string, Result>>
  readonly params: Readonly<Record<string, Scalar>>
  readonly lists: readonly NamedList[]
  readonly features: Published
}

/** A naive interpreter: every operand is evaluated, then the operator looks at what came out. */
export function evaluate(expression: Expression, scope: Scope): Result {
  switch (expression.op) {
    case 'literal':
      return expression.value
    case 'field':
      return scope.event?.fields.get(expression.name) ?? null
    case 'let':
      return scope.lets.get(expression.name) ?? null
    case 'measure':
      return scope.measures.get(expression.name) ?? null
    case 'key':
      return scope.key[expression.name] ?? null
    case 'param':
      return scope.params[expression.name] ?? null
    case 'in': {
      const value = evaluate(expression.value, scope)
      return value instanceof Abstain ? value : (expression.items as readonly unknown[]).includes(value)
    }
    case 'inList': {
      const value = evaluate(expression.value, scope)
      if (value instanceof Abstain) return value
      const list = scope.lists.find((l) => l.id === expression.list)!
      return (list.items as readonly unknown[]).includes(value)
    }
    case 'feature': {
      const key = evaluate(expression.key, scope)
      if (key === null || key instanceof Abstain) return key
      return scope.features.get(expression.feature)?.get(key as Cell)?.[expression.measure] ?? null
    }
    case 'call':
      return call(
        expression.fn,
        expression.args.map((a) => evaluate(a, scope)),
      )
  }
}

function call(fn: Operator, args: readonly Result[]): Result {
  const [a, b, c] = args as [Result, Result, Result]
  switch (fn) {
    case 'and':
      if (a === false || b === false) return false
      return abstainOrNull([a, b]) ?? true
    case 'or':
      if (a === true || b === true) return true
      return abstainOrNull([a, b]) ?? false
    case 'cond':
      return abstainOrNull([a]) ?? (a === true ? b : c)
    case 'eq':
      return abstainOnly([a, b]) ?? a === b
    case 'ne':
      return abstainOnly([a, b]) ?? a !== b
    case 'member':
      return abstainOrNull([b]) ?? abstainOnly([a]) ?? (b as readonly Result[]).includes(a)
    default:
      return abstainOrNull(args) ?? known(plain(fn, args as Plain[]))
  }
}

type Plain = number | string | boolean | readonly (number | string | boolean)[]

function abstainOnly(args: readonly Result[]): Abstain | undefined {
  return args.find((a) => a instanceof Abstain)
}

function abstainOrNull(args: readonly Result[]): Abstain | undefined {
  const first = args.find((a) => a === null || a instanceof Abstain)
  return first === null ? new Abstain('null') : (first as Abstain | undefined)
}

/** What a double cannot tell (infinity minus infinity) is not known. */
function known(result: Result): Result {
  return Number.isNaN(result) ? new Abstain('null') : result
}

/** Operators whose operands are all there. */
function plain(fn: Operator, args: readonly Plain[]): Result {
  const [a, b] = args as [number, number]
  const [text, other] = args as [string, string]
  switch (fn) {
    case 'not':
      return !a
    case 'lt':
      return a < b
    case 'le':
      return a <= b
    case 'gt':
      return a > b
    case 'ge':
      return a >= b
    case 'add':
      return a + b
    case 'sub':
      return a - b
    case 'mul':
      return a * b
    case 'div':
      return b === 0 ? new Abstain('division_by_zero') : a / b
    case 'mod':
      return b === 0 ? new Abstain('division_by_zero') : a % b
    case 'neg':
      return -a
    case 'abs':
      return Math.abs(a)
    case 'min':
      return Math.min(...(args as number[]))
    case 'max':
      return Math.max(...(args as number[]))
    case 'round':
      return Math.sign(a) * Math.round(Math.abs(a)) // halves away from zero, as in CEL
    case 'concat':
      return text + other
    case 'size':
      return [...(args[0] as string | readonly unknown[])].length
    case 'startsWith':
      return text.startsWith(other)
    case 'endsWith':
      return text.endsWith(other)
    case 'contains':
      return text.includes(other)
    case 'matches':
      return new RegExp(other, 'u').test(text) // RE2's answer, for the patterns both know (regex.test.ts)
    case 'lower':
      return text.toLowerCase()
    case 'unordered':
      return unordered(args[0]!, args[1]!)
    case 'subnet':
      return subnet(text, args[1] as number)
    case 'hour':
      return Number(inZone(a, other, { hour: '2-digit', hourCycle: 'h23' }))
    case 'weekday':
      return ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'].indexOf(inZone(a, other, { weekday: 'short' }))
    default:
      throw new Error(`${fn} takes null or abstaining operands and is not here`)
  }
}

/** The two values as text, the smaller one first, so that (a, b) and (b, a) are one; a bar within a value is escaped. */
function unordered(a: Plain, b: Plain): string {
  const escaped = [a, b].map((v) => String(v).replace(/[\\|]/g, (c) => `\\${c}`))
  return escaped.sort().join('|')
}

/** `10.1.2.3`, 16 -> `10.1.0.0/16`; null for what is no IPv4 address. */
function subnet(address: string, bits: number): string | null {
  if (!/^(\d{1,3}\.){3}\d{1,3}$/.test(address) || address.split('.').some((part) => Number(part) > 255)) return null
  const all = address.split('.').map((part) => Number(part).toString(2).padStart(8, '0'))
  const kept = all.join('').slice(0, bits).padEnd(32, '0')
  const parts = [0, 8, 16, 24].map((at) => Number.parseInt(kept.slice(at, at + 8), 2))
  return `${parts.join('.')}/${bits}`
}

function inZone(timeMs: number, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-US', { timeZone, ...options }).format(timeMs)
}
