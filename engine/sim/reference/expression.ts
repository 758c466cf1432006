import { isIP, isIPv4, isIPv6 } from 'node:net'
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
      return subnet(text, args[1] as number, (args[2] ?? args[1]) as number)
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

/** `10.1.2.3`, 16 -> `10.1.0.0/16`, of IPv6 by `v6Bits`; null for what is no address, or has fewer bits. */
function subnet(address: string, v4Bits: number, v6Bits: number): string | null {
  const mapped = isIPv6(address)
    ? /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(new URL(`http://[${address}]`).hostname)
    : null
  const bytes = (mapped?.slice(1) ?? []).flatMap((g) => [Number.parseInt(g, 16) >> 8, Number.parseInt(g, 16) & 255])
  const plain = mapped ? bytes.join('.') : address
  const [bits, most] = isIPv4(plain) ? [v4Bits, 32] : [v6Bits, 128]
  if (!isIP(plain) || !Number.isInteger(bits) || bits < 0 || bits > most) return null
  return `${isIPv4(plain) ? maskedV4(plain, bits) : maskedV6(plain, bits)}/${bits}`
}

function maskedV4(address: string, bits: number): string {
  const all = address.split('.').map((part) => Number(part).toString(2).padStart(8, '0'))
  const kept = all.join('').slice(0, bits).padEnd(32, '0')
  return [0, 8, 16, 24].map((at) => Number.parseInt(kept.slice(at, at + 8), 2)).join('.')
}

/** By the URL parser, which writes an address in its shortest form. */
function maskedV6(address: string, bits: number): string {
  const shortest = (text: string) => new URL(`http://[${text}]`).hostname.slice(1, -1)
  const [head = '', tail] = shortest(address).split('::')
  const [left, right] = [head, tail ?? ''].map((half) => half.split(':').filter(Boolean))
  const groups = [...left!, ...Array<string>(8 - left!.length - right!.length).fill('0'), ...right!]
  const all = groups.map((g) => Number.parseInt(g, 16).toString(2).padStart(16, '0')).join('')
  const kept = all.slice(0, bits).padEnd(128, '0').match(/.{16}/g)!
  return shortest(kept.map((group) => Number.parseInt(group, 2).toString(16)).join(':'))
}

function inZone(timeMs: number, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-US', { timeZone, ...options }).format(timeMs)
}
