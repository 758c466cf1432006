import type { Cell } from '../../model/output.ts'
import { isRunning, type Measure, type RatioMeasure, type RunningMeasure } from '../../model/rule.ts'
import type { FixedPoint } from './event.ts'
import { Abstain, type Result } from './expression.ts'
import type { TakenEvent } from './taken.ts'

/**
 * All measures of one rule and key, counted anew from the events of the key that stand in each measure's window.
 * `inWindow(w)`: those events for a window of `w` ms, oldest first.
 */
export function measureAll(
  measures: readonly Measure[],
  inWindow: (windowMs: number) => readonly TakenEvent[],
): ReadonlyMap<string, Result> {
  const running = new Map<string, number | null>()
  for (const measure of measures)
    if (isRunning(measure))
      running.set(
        measure.name,
        measureOne(
          measure,
          inWindow(measure.windowMs).filter((e) => e.isMeasuredBy(measure)),
        ),
      )
  const valueOfMeasure = (name: string): Result => {
    const measure = measures.find((m) => m.name === name)!
    return measure.kind === 'ratio' ? ratio(measure, valueOfMeasure) : running.get(name)!
  }
  return new Map(measures.map((m) => [m.name, valueOfMeasure(m.name)]))
}

function measureOne(measure: RunningMeasure, events: readonly TakenEvent[]): number | null {
  if (measure.kind === 'count' && measure.of === null) return events.length
  const of = measure.of!
  const cells = events.map((e) => e.cell(of)).filter((c) => c !== null)
  switch (measure.kind) {
    case 'count':
      return cells.length
    case 'distinct':
      return new Set(cells).size
    case 'min':
      return least(cells, (a, b) => a < b)
    case 'max':
      return least(cells, (a, b) => a > b)
  }
  const fixed = events.map((e) => e.fixedPoint(of)).filter((f) => f !== null)
  const scale = fixed[0]?.scale ?? 0
  const total = fixed.reduce((sum, v) => sum + v.digits, 0n)
  const sum = Number(total) / 10 ** scale
  if (measure.kind === 'sum') return sum
  if (fixed.length === 0) return null
  if (measure.kind === 'avg') return sum / fixed.length
  const squares = fixed.reduce((all, v) => all + v.digits * v.digits, 0n)
  const radicand = BigInt(fixed.length) * squares - total * total
  return Math.sqrt(Number(radicand)) / fixed.length / 10 ** scale
}

function least(cells: readonly Cell[], isBefore: (a: number, b: number) => boolean): number | null {
  let best: number | null = null
  for (const cell of cells as readonly number[]) if (best === null || isBefore(cell, best)) best = cell
  return best
}

function ratio(measure: RatioMeasure, valueOfMeasure: (name: string) => Result): Result {
  for (const [name, atLeast] of Object.entries(measure.atLeast)) {
    const value = valueOfMeasure(name)
    if (typeof value !== 'number' || value < atLeast) return new Abstain('minimum_sample')
  }
  const a = valueOfMeasure(measure.numerator)
  const b = valueOfMeasure(measure.denominator)
  if (a instanceof Abstain) return a
  if (b instanceof Abstain) return b
  if (a === null || b === null) return new Abstain('null')
  if (b === 0) return new Abstain('division_by_zero')
  return (a as number) / (b as number)
}

/** What a record shows of the measures: one that abstains is null. */
export function shown(measures: ReadonlyMap<string, Result>): Record<string, number | null> {
  return Object.fromEntries(
    [...measures].map(([name, v]) => [name, v instanceof Abstain ? null : (v as number | null)]),
  )
}

/** A double at `scale` decimals, rounded. */
export function fixedFromDouble(value: number, scale: number): FixedPoint {
  return { digits: BigInt(Math.round(value * 10 ** scale)), scale }
}
