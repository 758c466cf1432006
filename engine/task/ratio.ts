import type { Value } from '../model/expression.ts'
import type { RatioMeasure } from '../model/rule.ts'
import type { RowScope } from './context.ts'

/**
 * Abstains (undefined) below the minimum sample, on null, on a denominator of 0 and, with a lower bound, where the two
 * make no share; says why in the scope.
 */
export function readRatio(
  measure: RatioMeasure,
  readers: ReadonlyMap<string, () => Value>,
  scope: Pick<RowScope, 'reason'>,
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
    if (z === undefined) return a / b
    if (a < 0 || a > b) {
      scope.reason = 'not_a_share'
      return undefined
    }
    return wilsonLowerBound(a / b, b, z)
  }
}

/** Lower end of the Wilson score interval of a share `p` of `n`. */
function wilsonLowerBound(p: number, n: number, z: number): number {
  return (p + (z * z) / (2 * n) - z * Math.sqrt((p * (1 - p) + (z * z) / (4 * n)) / n)) / (1 + (z * z) / n)
}
