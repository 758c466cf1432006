import type { Definition, RatioMeasure, RunningMeasure } from '../model/rule.ts'
import { ABSTAIN_REASONS, NOT_SURE, type NumberCode } from '../rules/evaluate/generate.ts'
import type { ColumnRef } from '../state/chunk.ts'
import type { Columns } from './columns.ts'
import type { Feed, FeedKind } from './measures.ts'

interface Host {
  readonly columns: Columns
  readonly feed: (kind: FeedKind, column: ColumnRef | null) => Feed
}

const MINIMUM_SAMPLE = 2 + ABSTAIN_REASONS.indexOf('minimum_sample')
const DIVISION_BY_ZERO = 2 + ABSTAIN_REASONS.indexOf('division_by_zero')

/** Code that reads a measure of a sliding window from its cells; null = only its closure can. The same as `readRunning`. */
export function codeOfRunning(
  { columns, feed }: Host,
  definition: Definition,
  { kind, of }: RunningMeasure,
): NumberCode | null {
  const cellOf = ({ cell }: Feed): string => `cells[base + ${cell}]`
  if (kind === 'count' || of === null) return { code: cellOf(feed('events', null)), isSure: true }
  if (kind === 'distinct') return { code: cellOf(feed('distinct', columns.code(definition, of))), isSure: true }
  if (kind !== 'sum' && kind !== 'avg') return null
  const column = columns.number(definition, of)
  const sum = feed('sum', column)
  if (kind === 'sum') return { code: sumCode(sum, '1'), isSure: true }
  const values = cellOf(feed('values', column))
  return { code: `(${values} === 0 ? (${NOT_SURE}) : ${sumCode(sum, values)})`, isSure: false }
}

/** As `quotientOfSum` does it, without a call where total and divisor are surely whole doubles. */
function sumCode({ cell, column }: Feed, n: string): string {
  const at = (i: number): string => `cells[base + ${cell + i}]`
  const scale = column?.scale ?? 0
  const called = `sum(cells, base + ${cell}, ${n}, ${scale})`
  if (scale > 6) return called
  const isSmall = `${at(2)} === 0 && ${at(1)} < 1048576 && ${at(1)} > -1048576`
  const divisor = n === '1' ? `${10 ** scale}` : `(${n} * ${10 ** scale})`
  return `(${isSmall} ? (${at(1)} * 4294967296 + ${at(0)}) / ${divisor} : ${called})`
}

/** Code of a ratio of two whole numbers; null = only its closure can. The same as `readRatio`. */
export function codeOfRatio(
  measure: RatioMeasure,
  codes: ReadonlyMap<string, NumberCode>,
  scaleOf: (name: string) => number | null,
): NumberCode | null {
  const a = codes.get(measure.numerator)
  const b = codes.get(measure.denominator)
  if (measure.lowerBoundZ !== undefined || !a?.isSure || !b?.isSure) return null
  if (scaleOf(measure.numerator) !== 0 || scaleOf(measure.denominator) !== 0) return null
  let code = `${b.code} === 0 ? (w = ${DIVISION_BY_ZERO}, NaN) : ${a.code} / ${b.code}`
  for (const [name, least] of Object.entries(measure.atLeast).reverse()) {
    const sample = codes.get(name)
    if (!sample) return null
    code = `!(${sample.code} >= ${least}) ? (w = ${MINIMUM_SAMPLE}, NaN) : ${code}`
  }
  return { code: `(${code})`, isSure: false }
}
