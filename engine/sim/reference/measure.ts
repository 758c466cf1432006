import type { MeasureValue } from '../../model/output.ts'
import {
  type BaselineMeasure,
  isRunning,
  type Measure,
  type RatioMeasure,
  type RunningMeasure,
} from '../../model/rule.ts'
import { type FixedPoint, toNumber } from './event.ts'
import { Abstain, type Result } from './expression.ts'
import { compareCells, groupBy } from './order.ts'
import type { TakenEvent } from './taken.ts'

/** What the measures of one key are counted from. */
export interface Sample {
  /** Events of the key in the measure's window, oldest first. */
  held(measure: RunningMeasure): readonly TakenEvent[]
  /** Points that count, in ascending order of their step ends. */
  points(measure: BaselineMeasure): readonly number[]
}

/** All measures by the names that conditions and records have for them, counted anew. */
export function measureAll(measures: readonly Measure[], sample: Sample): ReadonlyMap<string, Result> {
  const values = new Map<string, Result>()
  for (const measure of measures) {
    if (isRunning(measure)) values.set(measure.name, measureOne(measure, sample.held(measure)))
    if (measure.kind === 'baseline')
      for (const [name, value] of baseline(measure, sample.points(measure)))
        values.set(`${measure.name}.${name}`, value)
  }
  const take = (name: string): Result => {
    const measure = measures.find((m) => m.name === name)
    return measure?.kind === 'ratio' ? ratio(measure, take, exact) : values.get(name)!
  }
  const exact = (name: string) => {
    const measure = measures.find((m) => m.name === name)
    return measure && isRunning(measure) ? exactOf(measure, sample.held(measure), values.get(name)!) : null
  }
  for (const { kind, name } of measures) if (kind === 'ratio') values.set(name, take(name))
  return values
}

type Known = number | string | boolean

/** `events`: those in the window, oldest first; the measure's own filter is still to be asked. */
export function measureOne(measure: RunningMeasure, events: readonly TakenEvent[]): Result {
  const measured = events.filter((e) => e.isMeasuredBy(measure))
  if (measure.kind === 'count' && measure.of === null) return measured.length
  const of = measure.of!
  const cells = measured.map((e) => e.cell(of)).filter((c) => c !== null)
  const numbers = cells as number[]
  switch (measure.kind) {
    case 'count':
      return cells.length
    case 'distinct':
      return byFrequency(measured, of).length
    case 'min':
      return numbers.reduce<number | null>((least, v) => (least === null || v < least ? v : least), null)
    case 'max':
      return numbers.reduce<number | null>((most, v) => (most === null || v > most ? v : most), null)
    case 'last':
      return cells.at(-1) ?? null
    case 'share':
      return cells.length === 0 ? null : byFrequency(measured, of)[0]!.events / cells.length
    case 'top':
      return cells.length === 0
        ? null
        : byFrequency(measured, of)
            .slice(0, measure.k)
            .map(({ value }) => value)
    case 'percentile':
      return percentile(numbers, measure.p!)
    default:
      return moments(
        measure.kind,
        measured.map((e) => e.fixedPoint(of)).filter((f) => f !== null),
      )
  }
}

function byFrequency(events: readonly TakenEvent[], of: string): { value: Known; events: number }[] {
  const known = events.filter((e) => e.cell(of) !== null)
  return [...groupBy(known, (e) => e.identity(of)).values()]
    .map((equal) => ({ value: equal[0]!.cell(of) as Known, events: equal.length }))
    .sort((a, b) => b.events - a.events || compareCells(a.value, b.value))
}

const GROWTH = 1.01 / 0.99

function percentile(values: readonly number[], p: number): number | null {
  if (values.length === 0) return null
  const rank = Math.max(1, Math.ceil((p / 100) * values.length))
  const value = [...values].sort((a, b) => a - b)[rank - 1]!
  if (value === 0) return 0
  const bucket = Math.ceil(Math.log(Math.abs(value)) / Math.log(GROWTH))
  return (Math.sign(value) * (2 * GROWTH ** bucket)) / (GROWTH + 1)
}

function moments(kind: 'sum' | 'avg' | 'stddev', fixed: readonly FixedPoint[]): number | null {
  const scale = fixed[0]?.scale ?? 0
  const total = totalOf(fixed)
  if (kind === 'sum') return toNumber(total)
  if (fixed.length === 0) return null
  if (kind === 'avg') return quotient(total, { digits: BigInt(fixed.length), scale: 0 })
  const squares = fixed.reduce((all, v) => all + v.digits * v.digits, 0n)
  const radicand = BigInt(fixed.length) * squares - total.digits * total.digits
  return Math.sqrt(Number(radicand)) / (fixed.length * 10 ** scale)
}

function totalOf(fixed: readonly FixedPoint[]): FixedPoint {
  return { digits: fixed.reduce((sum, v) => sum + v.digits, 0n), scale: fixed[0]?.scale ?? 0 }
}

/** a / b, worked out to 60 digits behind those of the scales, then rounded. */
function quotient(a: FixedPoint, b: FixedPoint): number {
  return toNumber({ digits: (a.digits * 10n ** 60n) / b.digits, scale: 60 + a.scale - b.scale })
}

/** A measure as a decimal: counts, sums, and values of decimal fields. */
function exactOf(measure: RunningMeasure, events: readonly TakenEvent[], value: Result): FixedPoint | null {
  if (typeof value !== 'number') return null
  const { kind, of } = measure
  if (kind === 'count' || kind === 'distinct') return { digits: BigInt(value), scale: 0 }
  const measured = events.filter((e) => e.isMeasuredBy(measure))
  const isOne = kind === 'min' || kind === 'max' || kind === 'last'
  if (kind !== 'sum' && !(isOne && measured[0]?.isDecimal(of!))) return null
  const fixed = measured.map((e) => e.fixedPoint(of!)).filter((f) => f !== null)
  return kind === 'sum' ? totalOf(fixed) : fixed.find((f) => toNumber(f) === value)!
}

const WHOLE_MAX = 2n ** 50n

function divided(a: number, b: number, exactA: FixedPoint | null, exactB: FixedPoint | null): number {
  if (exactA === null || exactB === null) return a / b
  const scale = Math.max(exactA.scale, exactB.scale)
  const wholes = [exactA, exactB].map((v) => v.digits * 10n ** BigInt(scale - v.scale))
  if (wholes.some((w) => w > WHOLE_MAX || w < -WHOLE_MAX)) return a / b
  return quotient(exactA, exactB)
}

function ratio(
  measure: RatioMeasure,
  take: (name: string) => Result,
  exact: (name: string) => FixedPoint | null,
): Result {
  for (const [name, atLeast] of Object.entries(measure.atLeast)) {
    const value = take(name)
    if (typeof value !== 'number' || value < atLeast) return new Abstain('minimum_sample')
  }
  const a = take(measure.numerator)
  const b = take(measure.denominator)
  if (a instanceof Abstain) return a
  if (b instanceof Abstain) return b
  if (a === null || b === null) return new Abstain('null')
  if (b === 0) return new Abstain('division_by_zero')
  const share = divided(a as number, b as number, exact(measure.numerator), exact(measure.denominator))
  return measure.lowerBoundZ === undefined ? share : lowerBound(a as number, b as number, share, measure.lowerBoundZ)
}

/** Lower end of the Wilson score interval of a share. */
function lowerBound(a: number, b: number, p: number, z: number): Result {
  if (a < 0 || a > b) return new Abstain('not_a_share')
  const n = b
  return (p + (z * z) / (2 * n) - z * Math.sqrt((p * (1 - p) + (z * z) / (4 * n)) / n)) / (1 + (z * z) / n)
}

function baseline({ minPoints }: BaselineMeasure, points: readonly number[]): [string, Result][] {
  const n = points.length
  const tooFew = new Abstain('minimum_sample')
  const isEnough = n > 0 && n >= minPoints
  const first = points[0] ?? 0
  const mean = first + points.reduce((sum, x) => sum + (x - first), 0) / n
  const squares = points.reduce((sum, x) => sum + (x - mean) * (x - mean), 0)
  return [
    ['mean', isEnough ? mean : tooFew],
    ['stddev', isEnough ? Math.sqrt(Math.max(0, squares / n)) : tooFew],
    ['points', n],
  ]
}

/** What a record shows of the measures: one that abstains is null. */
export function shown(measures: ReadonlyMap<string, Result>): Record<string, MeasureValue> {
  return Object.fromEntries([...measures].map(([name, v]) => [name, v instanceof Abstain ? null : v]))
}

/** A double at `scale` decimals, rounded. */
export function fixedFromDouble(value: number, scale: number): FixedPoint {
  return { digits: BigInt(Math.round(value * 10 ** scale)), scale }
}
