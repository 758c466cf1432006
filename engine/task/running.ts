import type { Value } from '../model/expression.ts'
import type { Definition, RunningMeasure } from '../model/rule.ts'
import type { ColumnRef } from '../state/chunk.ts'
import type { StringTable } from '../state/string-table.ts'
import type { Columns } from './columns.ts'
import type { Context } from './context.ts'
import { type Feed, type FeedKind, readers } from './measures.ts'
import type { TumblingWindow } from './tumbling.ts'

interface Host {
  readonly context: Context
  readonly columns: Columns
  readonly strings: StringTable
  /** The feed of a kind in the measure's window. */
  readonly feed: (kind: FeedKind, column: ColumnRef | null) => Feed
}

/** Feeds and reader of one running measure in one window. */
export function readRunning(host: Host, definition: Definition, measure: RunningMeasure): () => Value {
  const { context, columns, strings, feed } = host
  const { kind, of } = measure
  if (kind === 'count' || of === null) return readers.count(context, feed('events', null))
  const isBoolean = columns.isBoolean(definition, of)
  if (kind === 'distinct') return readers.count(context, feed('distinct', columns.code(definition, of)))
  if (kind === 'share') return readers.share(context, feed('tally', columns.code(definition, of)))
  if (kind === 'top') {
    return readers.top(context, feed('tally', columns.code(definition, of)), strings, measure.k ?? 1, isBoolean)
  }
  const column = columns.number(definition, of)
  switch (kind) {
    case 'last':
      return readers.last(context, feed('last', column), strings, isBoolean)
    case 'min':
    case 'max':
      return readers.extreme(context, feed(kind, column))
    case 'percentile':
      return readers.percentile(context, feed('ranks', column), measure.p ?? 50)
    case 'sum':
      return readers.sum(context, feed('sum', column))
    case 'avg':
      return readers.avg(context, feed('sum', column), feed('values', column))
    case 'stddev':
      return readers.stddev(context, feed('sum', column), feed('squares', column), feed('values', column))
  }
}

/** What the measure says of a window without events. */
export function emptyValue(kind: RunningMeasure['kind']): Value {
  return kind === 'count' || kind === 'distinct' || kind === 'sum' ? 0 : null
}

/** The same measure of a tumbling window, whose cells may stand for one that is over. */
export function readTumbling(
  context: Context,
  window: TumblingWindow,
  epochCell: number,
  read: () => Value,
  empty: Value,
): () => Value {
  return () => (context.cells[context.base + epochCell] === window.readEpoch ? read() : empty)
}
