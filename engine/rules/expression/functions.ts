import type { Operator } from '../../model/expression.ts'

/** What a function takes: `scalar` = string or number, `sized` = string or list. */
export interface Signature {
  readonly fn: Operator
  readonly takes: readonly ('number' | 'string' | 'scalar' | 'sized')[]
  /** More arguments of the last kind are allowed, up to this many in all. */
  readonly most: number
  readonly gives: 'number' | 'string' | 'boolean'
  /** For messages. */
  readonly usage: string
}

function of(
  fn: Operator,
  takes: Signature['takes'],
  gives: Signature['gives'],
  usage: string,
  most = takes.length,
): Signature {
  return { fn, takes, most, gives, usage }
}

/** `name(a, b)` */
export const FUNCTIONS: ReadonlyMap<string, Signature> = new Map([
  ['size', of('size', ['sized'], 'number', 'size(text)')],
  ['abs', of('abs', ['number'], 'number', 'abs(x)')],
  ['min', of('min', ['number', 'number'], 'number', 'min(a, b)', 8)],
  ['max', of('max', ['number', 'number'], 'number', 'max(a, b)', 8)],
  ['round', of('round', ['number'], 'number', 'round(x)')],
  ['lower', of('lower', ['string'], 'string', 'lower(text)')],
  ['unordered', of('unordered', ['scalar', 'scalar'], 'string', 'unordered(a, b)')],
  ['subnet', of('subnet', ['string', 'number'], 'string', 'subnet(ip, v4bits, v6bits)', 3)],
  ['hour', of('hour', ['number', 'string'], 'number', 'hour(time, "Asia/Shanghai")')],
  ['weekday', of('weekday', ['number', 'string'], 'number', 'weekday(time, "Asia/Shanghai")')],
])

/** `a.name(b)`; `takes[0]` is what stands before the dot. */
export const METHODS: ReadonlyMap<string, Signature> = new Map([
  ['size', of('size', ['sized'], 'number', 'text.size()')],
  ['startsWith', of('startsWith', ['string', 'string'], 'boolean', 'text.startsWith("a")')],
  ['endsWith', of('endsWith', ['string', 'string'], 'boolean', 'text.endsWith("a")')],
  ['contains', of('contains', ['string', 'string'], 'boolean', 'text.contains("a")')],
  ['matches', of('matches', ['string', 'string'], 'boolean', 'text.matches("^a+$")')],
])

/** `duration("15m")` is taken when the rule is loaded. */
export const DURATION = 'duration'
