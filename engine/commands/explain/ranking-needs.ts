import { formatDuration } from '../../kit/duration.ts'
import type { Ranking, RankingColumn } from '../../model/rule.ts'
import { CELL_BYTES, CELLS, type MeasureNeeds, PER_VALUE, VALUE_BYTES } from './bytes.ts'

/** What a ranking counts of each item, and its columns. */
export function rankingNeeds({ columns, cap, weights, windowMs, limit, per }: Ranking): MeasureNeeds[] {
  const points = Object.entries(weights).map(([type, weight]) => `${type} ${weight}`)
  const most = cap ? `, at most ${cap.points} of each ${cap.per}` : ''
  const shared = { window_ms: windowMs, shared_with: [] }
  return [
    { name: 'events', what: 'count of events', bytes_per_key: CELL_BYTES, bytes_per_value: 0, ...shared },
    {
      name: 'score',
      what: `points: ${points.join(', ')}${most}`,
      bytes_per_key: CELL_BYTES,
      bytes_per_value: cap ? VALUE_BYTES : 0,
      ...shared,
    },
    ...columns.map((column) => ({
      ...columnNeeds(column, limit, per),
      shared_with: [],
      window_ms: windowOf(column, windowMs),
    })),
  ]
}

function columnNeeds(column: RankingColumn, limit: number, per: readonly string[]) {
  const { name } = column
  const rows = `first ${limit}${per.length === 0 ? '' : ` of each ${per.join(', ')}`}`
  if (column.kind === 'rank_change')
    return {
      name,
      what: `rank ${formatDuration(column.overMs)} ago, of the ${rows}`,
      bytes_per_key: 0,
      bytes_per_value: 0,
    }
  if (column.kind === 'sparkline') {
    const what = `scores in ${column.points} rankings, ${formatDuration(column.stepMs)} apart, of the ${rows}`
    return { name, what, bytes_per_key: 0, bytes_per_value: 0 }
  }
  return {
    name,
    what: `${column.kind} of ${column.of ?? 'events'}`,
    bytes_per_key: CELL_BYTES * CELLS[column.kind],
    bytes_per_value: PER_VALUE.includes(column.kind) ? VALUE_BYTES : 0,
  }
}

function windowOf(column: RankingColumn, windowMs: number): number | null {
  return column.kind === 'rank_change' || column.kind === 'sparkline' ? null : windowMs
}
