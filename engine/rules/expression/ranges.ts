import type { Expression, Operator } from '../../model/expression.ts'

/** The values that a number can take when it is there; infinite where nothing is known. */
export interface Range {
  readonly min: number
  readonly max: number
  /** Whole numbers only. */
  readonly whole: boolean
}

/** Ranges of measures by name; those that are not there can be anything. */
export type Ranges = ReadonlyMap<string, Range>

export const ANYTHING: Range = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY, whole: false }
export const FROM_ZERO: Range = { ...ANYTHING, min: 0 }
export const COUNT: Range = { ...FROM_ZERO, whole: true }
export const SHARE: Range = { ...FROM_ZERO, max: 1 }

type Call = Expression & { op: 'call' }

function rangeOf(e: Expression, ranges: Ranges): Range {
  if (e.op === 'literal' && typeof e.value === 'number') {
    return { min: e.value, max: e.value, whole: Number.isInteger(e.value) }
  }
  if (e.op === 'measure') return ranges.get(e.name) ?? ANYTHING
  return e.op === 'call' ? rangeOfCall(e, ranges) : ANYTHING
}

function rangeOfCall({ fn, args }: Call, ranges: Ranges): Range {
  if (fn === 'size') return COUNT
  if (fn === 'hour') return { min: 0, max: 23, whole: true }
  if (fn === 'weekday') return { min: 0, max: 6, whole: true }
  const [a, b] = args.map((arg) => rangeOf(arg, ranges))
  if (fn === 'abs') return a.min >= 0 ? a : { ...FROM_ZERO, whole: a.whole }
  if (fn === 'neg') return { min: -a.max, max: -a.min, whole: a.whole }
  if (fn === 'add') return known(a.min + b.min, a.max + b.max, a.whole && b.whole)
  if (fn === 'sub') return known(a.min - b.max, a.max - b.min, a.whole && b.whole)
  const positive = args.length === 2 && a.min >= 0 && b.min >= 0
  if (fn === 'mul' && positive) return known(a.min * b.min, a.max * b.max, a.whole && b.whole)
  return fn === 'div' && positive ? FROM_ZERO : ANYTHING
}

/** Zero times infinity and its like are not known. */
function known(min: number, max: number, whole: boolean): Range {
  return {
    min: Number.isNaN(min) ? Number.NEGATIVE_INFINITY : min,
    max: Number.isNaN(max) ? Number.POSITIVE_INFINITY : max,
    whole,
  }
}

/** True or false if a condition is always that where it does not abstain, by itself or by its parts together; else null. */
export function constantOf(e: Expression, ranges: Ranges): boolean | null {
  if (e.op === 'in') return e.items.length === 0 ? false : null
  if (e.op !== 'call') return null
  if (e.fn === 'and') return contradict(chain(e, 'and'), false, ranges) ? false : null
  if (e.fn === 'or') return contradict(chain(e, 'or'), true, ranges) ? true : null
  const [left, right] = e.args
  if ((e.fn === 'eq' || e.fn === 'ne') && left.op === 'literal' && right.op === 'literal') {
    return (left.value === right.value) === (e.fn === 'eq')
  }
  if (e.fn in OF_EQUALS && isSame(left, right)) return OF_EQUALS[e.fn]!
  if (left?.type !== 'number' || right?.type !== 'number') return null
  return compared(e.fn, rangeOf(left, ranges), rangeOf(right, ranges))
}

function compared(fn: Operator, a: Range, b: Range): boolean | null {
  switch (fn) {
    case 'lt':
      return a.max < b.min ? true : a.min >= b.max ? false : null
    case 'le':
      return a.max <= b.min ? true : a.min > b.max ? false : null
    case 'gt':
      return compared('lt', b, a)
    case 'ge':
      return compared('le', b, a)
    case 'eq':
      return a.max < b.min || a.min > b.max ? false : null
    case 'ne':
      return a.max < b.min || a.min > b.max ? true : null
    default:
      return null
  }
}

/** What a comparison of a value with itself comes to. */
const OF_EQUALS: Readonly<Partial<Record<Operator, boolean>>> = {
  lt: false,
  le: true,
  gt: false,
  ge: true,
  eq: true,
  ne: false,
}

export function isSame(a: Expression, b: Expression): boolean {
  return a.op === b.op && JSON.stringify(a) === JSON.stringify(b)
}

/** True if `e` never holds where none of `earlier` does. */
export function isNeverReached(e: Expression, earlier: readonly Expression[], ranges: Ranges): boolean {
  if (constantOf(e, ranges) !== null) return false
  return earlier.some((other) => {
    if (isSame(e, other)) return true
    if (other.op !== 'call' || !(other.fn in NEGATED) || constantOf(other, ranges) !== null) return false
    return contradict([...chain(e, 'and'), { ...other, fn: NEGATED[other.fn]! }], false, ranges)
  })
}

function chain(e: Expression, fn: 'and' | 'or'): Expression[] {
  return e.op === 'call' && e.fn === fn ? e.args.flatMap((arg) => chain(arg, fn)) : [e]
}

interface Bounds {
  min: number
  minOpen: boolean
  max: number
  maxOpen: boolean
  readonly whole: boolean
  equal: unknown
}

const NEGATED: Readonly<Partial<Record<Operator, Operator>>> = {
  lt: 'ge',
  le: 'gt',
  gt: 'le',
  ge: 'lt',
  eq: 'ne',
  ne: 'eq',
}
const MIRRORED: Readonly<Partial<Record<Operator, Operator>>> = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' }

/** True if comparisons of one leaf with written values cannot all hold; `negated`: cannot all fail. */
function contradict(conditions: readonly Expression[], negated: boolean, ranges: Ranges): boolean {
  const leaves = new Map<string, Bounds>()
  for (const e of conditions) {
    if (e.op !== 'call' || !(e.fn in NEGATED)) continue
    const isTurned = e.args[0].op === 'literal'
    const [leaf, value] = isTurned ? [e.args[1], e.args[0]] : e.args
    if (value.op !== 'literal' || value.value === null || !('name' in leaf)) continue
    const fn = negated ? NEGATED[e.fn]! : e.fn
    const key = `${leaf.op} ${leaf.name}`
    const bounds = leaves.get(key) ?? boundsOf(rangeOf(leaf, ranges))
    leaves.set(key, bounds)
    if (narrow(bounds, isTurned ? (MIRRORED[fn] ?? fn) : fn, value.value)) return true
  }
  return false
}

function boundsOf({ min, max, whole }: Range): Bounds {
  return { min, minOpen: false, max, maxOpen: false, whole, equal: undefined }
}

/** True if nothing is left. */
function narrow(bounds: Bounds, fn: Operator, value: string | number | boolean): boolean {
  if (fn === 'ne') return bounds.equal === value
  if (fn === 'eq') {
    if (bounds.equal !== undefined && bounds.equal !== value) return true
    bounds.equal = value
  }
  if (typeof value !== 'number') return false
  if ((fn === 'gt' || fn === 'ge' || fn === 'eq') && value >= bounds.min) {
    bounds.minOpen = fn === 'gt' || (bounds.minOpen && value === bounds.min)
    bounds.min = value
  }
  if ((fn === 'lt' || fn === 'le' || fn === 'eq') && value <= bounds.max) {
    bounds.maxOpen = fn === 'lt' || (bounds.maxOpen && value === bounds.max)
    bounds.max = value
  }
  // `eq` beyond a bound leaves nothing, and so does a bound beyond an `eq`.
  if (typeof bounds.equal === 'number' && (bounds.equal < bounds.min || bounds.equal > bounds.max)) return true
  const { min, max, minOpen, maxOpen, whole } = bounds
  if (whole) return firstWhole(min, minOpen) > -firstWhole(-max, maxOpen)
  return min > max || (min === max && (minOpen || maxOpen))
}

function firstWhole(min: number, isOpen: boolean): number {
  return isOpen && Number.isInteger(min) ? min + 1 : Math.ceil(min)
}
