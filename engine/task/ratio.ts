import type { Value } from '../model/expression.ts'
import type { RatioMeasure } from '../model/rule.ts'
import type { RowScope } from './context.ts'

/** Abstains (undefined) below the minimum sample, on null, and on a denominator of 0; says why in the scope. */
export function readRatio(
  measure: RatioMeasure,
  readers: ReadonlyMap<string, () => Value>,
  scope: RowScope,
): () => Value {
  const of = (name: string): (() => Value) => {
    const read = readers.get(name)
    if (!read) throw new TypeError(`no measure ${name}`)
    return read
  }
  const numerator = of(measure.numerator)
  const denominator = of(measure.denominator)
  const samples = Object.entries(measure.atLeast).map(([name, least]) => ({ read: of(name), least }))
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
    return a / b
  }
}
