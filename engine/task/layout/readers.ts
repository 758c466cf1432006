import type { Value } from '../../model/expression.ts'
import type { Definition, RunningMeasure } from '../../model/rule.ts'
import type { NumberCode } from '../../rules/evaluate/generate.ts'
import type { ColumnRef } from '../../state/chunk.ts'
import type { RowScope } from '../context.ts'
import { codeOfRunning } from '../measure-code.ts'
import { type FeedKind, readers } from '../measures.ts'
import { emptyValue, readRunning, readTumbling } from '../running.ts'
import type { Draft } from './draft.ts'
import { type Place, placeOf, type Selection } from './place.ts'

/** Makes the feeds of one running measure; what reads it, and the code that does, where there is any. */
export function addRunning(
  draft: Draft,
  definition: Definition,
  scope: RowScope,
  at: Selection,
  measure: RunningMeasure,
): { read: () => Value; code: NumberCode | null } {
  const { context, columns, strings } = draft
  const filter = draft.filters.within(definition, scope, at.filter, measure.where)
  const place = placeOf(draft.clocks, { ...at, filter }, measure)
  const feed = (kind: FeedKind, column: ColumnRef | null) => draft.feeds.of(definition, place, kind, column)
  const host = { context, columns, strings, feed }
  const read = readerOf(draft, place, measure.kind, () => readRunning(host, definition, measure))
  return { read, code: place.tumbling ? null : codeOfRunning(host, definition, measure) }
}

/** Reads how many of the definition's events are in the window. */
export function addCount(draft: Draft, definition: Definition, place: Place): () => Value {
  return readerOf(draft, place, 'count', () =>
    readers.count(draft.context, draft.feeds.of(definition, place, 'events', null)),
  )
}

/** The reader that `make` gives, asked only while the key's cells stand for the window that is read. */
function readerOf(
  draft: Draft,
  { space, tumbling }: Place,
  kind: RunningMeasure['kind'],
  make: () => () => Value,
): () => Value {
  const read = make()
  if (tumbling === null) return read
  const { epochCell } = draft.spaces.tumblingGroup(tumbling, space)
  return readTumbling(draft.context, tumbling, epochCell, read, emptyValue(kind))
}
