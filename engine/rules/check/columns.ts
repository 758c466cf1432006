import { formatDuration } from '../../kit/duration.ts'
import type { RankingColumn } from '../../model/rule.ts'
import { COLUMN_STEPS_MAX, COLUMNS_MAX } from '../shape/limits.ts'
import { RUNNING_KINDS } from '../shape/measures.ts'
import { ITEM_KEYS, RANK_CHANGE_KEYS, SPARKLINE_KEYS } from '../shape/ranking.ts'
import { type Entry, entryOf, type Node } from '../source/tree.ts'
import { durationOf, goodName, WINDOW_MAX_MS } from '../source/values.ts'
import type { Draft } from './definition.ts'
import { MeasureNames, misplaced, type Spec } from './measure-names.ts'
import { kindOf } from './measures.ts'
import { checkRunning } from './running.ts'

const KINDS = [...Object.keys(RUNNING_KINDS), 'rank_change', 'sparkline']

/** `columns:` of a ranking, in the order of the file; faulty ones are left out. 0 for a window or step that is faulty. */
export function checkColumns(draft: Draft, windowMs: number, stepMs: number): RankingColumn[] {
  const { read } = draft
  const node = draft.value('columns')
  const map = node && read.map(node, 'columns')
  if (!map) return []
  if (map.entries.length > COLUMNS_MAX)
    read.fault('too-many', map, `${map.entries.length} columns; at most ${COLUMNS_MAX}`)
  const names = new MeasureNames(draft)
  return map.entries.flatMap((entry) => checkColumn(names, entry, windowMs, stepMs) ?? [])
}

function checkColumn(names: MeasureNames, entry: Entry, windowMs: number, stepMs: number): RankingColumn | null {
  const { read } = names.draft
  const { key: name, keySpan: span, value } = entry
  goodName(read, name, span, 'a column')
  if (ITEM_KEYS.includes(name)) read.fault('duplicate-name', span, `every item has its "${name}" already`)
  if (value.kind === 'broken') return null
  if (value.kind !== 'map')
    return read.fault('wrong-value', value, `the column "${name}" is a mapping`, 'such as { distinct: user_id }')
  const kind = kindOf(read, value, KINDS, 'a column')
  if (!kind) return null
  const spec: Spec = { name, span, kind, node: value }
  if (kind.key === 'rank_change') {
    read.keys(value, Object.keys(RANK_CHANGE_KEYS), 'of a rank_change')
    const overMs = multipleOf(names.draft, kind.value, 'rank_change', stepMs)
    if (overMs !== null) tooFar(names.draft, kind.value, overMs, stepMs)
    return overMs === null ? null : { kind: 'rank_change', name, overMs }
  }
  if (kind.key === 'sparkline') return checkSparkline(names.draft, spec, stepMs)
  misplaced(names, spec, ['window', 'prior'], 'a column is over the window of the ranking')
  return checkRunning(names, spec, { windowMs })
}

function checkSparkline(draft: Draft, { name, kind, node }: Spec, rankingStepMs: number): RankingColumn | null {
  const { read } = draft
  read.keys(node, Object.keys(SPARKLINE_KEYS), 'of a sparkline')
  const points = read.integer(kind.value, 'sparkline', 2, COLUMN_STEPS_MAX)
  const step = read.required(node, 'step', kind.keySpan, 'a sparkline')
  const stepMs = step && multipleOf(draft, step, 'step', rankingStepMs)
  if (points === null || stepMs === null) return null
  tooFar(draft, entryOf(node, 'sparkline')!.value, (points - 1) * stepMs, rankingStepMs)
  return { kind: 'sparkline', name, points, stepMs }
}

function multipleOf({ read }: Draft, node: Node, what: string, stepMs: number): number | null {
  const ms = durationOf(read, node, what, 1, WINDOW_MAX_MS)
  if (ms === null || stepMs === 0 || ms % stepMs === 0) return ms
  const message = `${what} is a multiple of the step of the ranking, ${formatDuration(stepMs)}`
  return read.fault('out-of-range', node, message, `such as ${formatDuration(Math.ceil(ms / stepMs) * stepMs)}`)
}

function tooFar({ read }: Draft, node: Node, ms: number, stepMs: number): void {
  if (stepMs > 0 && ms / stepMs > COLUMN_STEPS_MAX)
    read.fault('too-many', node, `this looks back over ${ms / stepMs} rankings; at most ${COLUMN_STEPS_MAX}`)
}
