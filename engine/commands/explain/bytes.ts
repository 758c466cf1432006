import type { RunningMeasure } from '../../model/rule.ts'
import { SQUARE_CELLS, SUM_CELLS } from '../../state/exact.ts'

export const CELL_BYTES = 8
/** Slot, table entry, texts of a key; an estimate. */
export const KEY_BYTES = 96
/** One value in a distinct count, a share or a list of candidates; an estimate. */
export const VALUE_BYTES = 24

export const CELLS: Readonly<Record<RunningMeasure['kind'], number>> = {
  count: 1,
  distinct: 1,
  sum: SUM_CELLS,
  avg: SUM_CELLS + 1,
  min: 2,
  max: 2,
  stddev: SUM_CELLS + SQUARE_CELLS + 1,
  last: 2,
  share: 2,
  top: 2,
  percentile: 2,
}
/** Kinds that also keep something for each different value in the window. */
export const PER_VALUE: readonly RunningMeasure['kind'][] = [
  'distinct',
  'min',
  'max',
  'last',
  'share',
  'top',
  'percentile',
]

export interface MeasureNeeds {
  readonly name: string
  readonly what: string
  readonly window_ms: number | null
  readonly bytes_per_key: number
  readonly bytes_per_value: number
  /** `rule@version.measure` of other rules that keep the very same number. */
  readonly shared_with: readonly string[]
}
