import type { Value } from '../model/expression.ts'
import { type Definition, isRunning, type Measure, type RatioMeasure } from '../model/rule.ts'
import type { Columns } from './columns.ts'
import type { RowScope } from './context.ts'

/**
 * Abstains (undefined) below the minimum sample, on null, on a denominator of 0 and, with a lower bound, where the two
 * make no share; says why in the scope.
 */
export function readRatio(
  measure: RatioMeasure,
  readers: ReadonlyMap<string, () => Value>,
  scope: Pick<RowScope, 'reason'>,
  scaleOf: (name: string) => number | null,
): () => Value {
  const of = (name: string): (() => Value) => {
    const read = readers.get(name)
    if (!read) throw new TypeError(`no measure ${name}`)
    return read
  }
  const numerator = of(measure.numerator)
  const denominator = of(measure.denominator)
  const samples = Object.entries(measure.atLeast).map(([name, least]) => ({ read: of(name), least }))
  const z = measure.lowerBoundZ
  const divide = division(scaleOf(measure.numerator), scaleOf(measure.denominator))
  return () => {
    for (const { read, least } of samples) {
      const value = read()
      if (typeof value !== 'number' || value < least) {
        scope.reason = 'minimum_sample'
        return undefined
      }
    }
    const a = numerator()
    const b = denominator()
    if (typeof a !== 'number' || typeof b !== 'number') {
      scope.reason = 'null'
      return undefined
    }
    if (b === 0) {
      scope.reason = 'division_by_zero'
      return undefined
    }
    if (z === undefined) return divide(a, b)
    if (a < 0 || a > b) {
      scope.reason = 'not_a_share'
      return undefined
    }
    return wilsonLowerBound(divide(a, b), b, z)
  }
}

type Measuring = Definition & { readonly measures: readonly Measure[] }

/** Digits behind the point that a measure's values have at most; null = any. */
export function scaleOfMeasure(columns: Columns, definition: Measuring): (name: string) => number | null {
  return (name) => {
    const measure = definition.measures.find((m) => m.name === name)
    if (!measure || !isRunning(measure)) return null
    const { kind, of } = measure
    if (kind === 'count' || kind === 'distinct' || of === null) return 0
    if (kind !== 'sum' && kind !== 'min' && kind !== 'max' && kind !== 'last') return null
    const { store, scale } = columns.number(definition, of)
    return kind === 'sum' || store === 'decimal' ? scale : null
  }
}

const WHOLE_MAX = 2 ** 50

/** a / b; of decimals the quotient of their whole numbers, rounded once, where doubles hold those. */
function division(scaleA: number | null, scaleB: number | null): (a: number, b: number) => number {
  if (scaleA === null || scaleB === null || (scaleA === 0 && scaleB === 0)) return (a, b) => a / b
  const [unitA, unitB] = [10 ** scaleA, 10 ** scaleB]
  const factorA = 10 ** Math.max(0, scaleB - scaleA)
  const factorB = 10 ** Math.max(0, scaleA - scaleB)
  return (a, b) => {
    const wholeA = Math.round(a * unitA) * factorA
    const wholeB = Math.round(b * unitB) * factorB
    return Math.abs(wholeA) <= WHOLE_MAX && Math.abs(wholeB) <= WHOLE_MAX ? wholeA / wholeB : a / b
  }
}

/** Lower end of the Wilson score interval of a share `p` of `n`. */
function wilsonLowerBound(p: number, n: number, z: number): number {
  return (p + (z * z) / (2 * n) - z * Math.sqrt((p * (1 - p) + (z * z) / (4 * n)) / n)) / (1 + (z * z) / n)
}
