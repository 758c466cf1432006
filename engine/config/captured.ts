import { type Captured, type ChangeOutcome, typeMatches } from '../model/stream.ts'
import type { Settings } from './settings.ts'
import type { OutcomeShape, StreamShape } from './shape.ts'

const KINDS = ['insert', 'update', 'delete'] as const

/** What a stream of changes makes of them; null for other formats, which have no such keys. */
export function capturedOf(name: string, shape: StreamShape, settings: Settings): Captured | null {
  const { format, table, changes, decimals } = shape
  const path = (...keys: string[]) => ['streams', name, ...keys]
  if (format === 'avro' || format === 'json') {
    for (const key of ['table', 'changes', 'decimals'] as const)
      if (shape[key] !== undefined)
        settings.fault(
          'wrong-value',
          path(key),
          'key',
          `"${key}" is for debezium, canal and maxwell, not for ${format}`,
        )
    return null
  }
  if (decimals !== undefined && format !== 'debezium')
    settings.fault('wrong-value', path('decimals'), 'key', `"decimals" is for debezium, not for ${format}`)
  if (typeof shape.type === 'string' && shape.types.length === 0 && changes && changes.insert === undefined)
    settings.fault('missing-key', path('changes'), 'value', '"changes" must say what an insert becomes, in "insert"')
  const carried = typeof shape.type === 'string' ? typesOf(shape) : [shape.type.fixed]
  for (const kind of KINDS)
    for (const [type, ...at] of namedIn(changes?.[kind])) {
      if (typeMatches(carried, type)) continue
      const whose = typeof shape.type === 'string' ? 'is none of the "types" of' : 'is not the type of'
      settings.fault('wrong-value', path('changes', kind, ...at), 'value', `"${type}" ${whose} the stream`)
    }
  return {
    table: table ?? null,
    insert: changes?.insert === undefined ? 'own' : outcomeOf(changes.insert),
    update: outcomeOf(changes?.update ?? 'ignore'),
    delete: outcomeOf(changes?.delete ?? 'ignore'),
    snapshot: changes?.snapshot !== 'ignore',
    decimals: decimals ?? {},
  }
}

/** The types that a stream carries: where it does not say so, those that its values and its changes become. */
export function typesOf({ type, types, changes, values }: StreamShape): readonly string[] {
  if (typeof type !== 'string' || types.length > 0) return types
  const changed = changes ? KINDS.flatMap((kind) => namedIn(changes[kind]).map(([type]) => type)) : []
  return [...new Set([...Object.values(values ?? {}), ...changed])]
}

/** Each event type of an outcome, with the keys that lead to it. */
function namedIn(outcome: OutcomeShape | undefined): [type: string, ...at: string[]][] {
  if (outcome === undefined || outcome === 'ignore') return []
  if (typeof outcome === 'string') return [[outcome]]
  return Object.entries(outcome).flatMap(([column, types]) =>
    Object.entries(types).map(([value, type]): [string, ...string[]] => [type, column, value]),
  )
}

function outcomeOf(outcome: OutcomeShape): ChangeOutcome {
  if (outcome === 'ignore') return 'ignored'
  if (typeof outcome === 'string') return { type: outcome }
  const [[column, types]] = Object.entries(outcome)
  return { column, types }
}
