import type { ValueType } from '../../model/expression.ts'
import { type FieldKind, type Stream, streamOfType } from '../../model/stream.ts'
import type { Span } from '../source/text.ts'
import type { Ranges } from './ranges.ts'

/** `unknown`: its fault was reported already; it fits everything. */
export type Type = ValueType | 'unknown'

/** What is read of a baseline. */
export const BASELINE_PARTS = ['mean', 'stddev', 'points'] as const

export interface FieldNames {
  /** Fields that every stream of the rule has, with one type. */
  readonly types: ReadonlyMap<string, Type>
  /** Fields that only some have, or with several types -> what is wrong. */
  readonly faults: ReadonlyMap<string, { code: 'field-not-everywhere' | 'field-type-differs'; message: string }>
  /** For messages: "order.created". */
  readonly label: string
  readonly eventTypes: readonly string[]
  /** The field with the event's type, where all streams of the rule have it under one name. */
  readonly typeField: string | null
  /** True when an event type is unknown, so that nothing can be said about fields. */
  readonly open: boolean
}

/** What a feature can be asked for. */
export interface FeatureNames {
  /** The field or let that it is read by. */
  readonly by: string
  readonly key: Type
  /** Null: its faults were reported, and anything may be read of it. */
  readonly measures: ReadonlyMap<string, Type> | null
  /** What the values of its list measures are. */
  readonly elements: ReadonlyMap<string, Type>
}

/** What an expression may read at its place, and a note of what it did read. */
export interface Names {
  /** For messages: `where`, `when`, … */
  readonly place: string
  readonly fields: FieldNames
  /** Why `event` cannot be read here; null where it can. */
  readonly noEvent: string | null
  readonly lets: ReadonlyMap<string, Type>
  /** Those of a baseline by their dotted names: `usual.mean`. */
  readonly measures: ReadonlyMap<string, Type>
  /** What the values of a list measure are. */
  readonly elements: ReadonlyMap<string, Type>
  /** Names that exist in the rule but may not be read here -> why. */
  readonly hidden: ReadonlyMap<string, string>
  /** `by` names; null where the key cannot be read. */
  readonly keys: ReadonlyMap<string, Type> | null
  /** True: `key.x` is compiled to the field or let that it comes from, for conditions asked before there is a key. */
  readonly keysAtReading: boolean
  readonly params: ReadonlyMap<string, Type>
  readonly lists: ReadonlyMap<string, 'string' | 'number'>
  readonly features: ReadonlyMap<string, FeatureNames>
  /** True when the measures, params, lists or features could not all be read: unknown names are let pass. */
  readonly open: {
    readonly measures: boolean
    readonly params: boolean
    readonly lists: boolean
    readonly features: boolean
  }
  /** What measures can come to, where conditions that are always the same are warned of; else null. */
  readonly ranges: Ranges | null
  readonly uses: Uses
}

/** What the expressions of one document read. */
export class Uses {
  readonly params = new Set<string>()
  readonly lets = new Set<string>()
  readonly lists = new Set<string>()
  /** `feature.measure` */
  readonly features = new Set<string>()
  /** By the names that the file gives: `usual` for `usual.mean`. */
  readonly measures = new Set<string>()
  /** First place in the current expressions that reads the event, directly or through a let. */
  event: Span | null = null
}

function typeOfKind(kind: FieldKind): ValueType {
  return kind === 'decimal' ? 'number' : kind
}

export function fieldNames(types: readonly string[], streams: readonly Stream[], open: boolean): FieldNames {
  const byType = types.map((type) => ({ type, stream: streamOfType(streams, type) })).filter((t) => t.stream)
  const label = types.length <= 2 ? types.join(' and ') : `${types.slice(0, 2).join(', ')} and ${types.length - 2} more`
  const found = new Map<string, Type>()
  const faults = new Map<string, { code: 'field-not-everywhere' | 'field-type-differs'; message: string }>()
  for (const { stream } of byType) {
    for (const field of stream!.fields) {
      if (found.has(field.name) || faults.has(field.name)) continue
      const type = typeOfKind(field.kind)
      const without = byType.find((t) => !t.stream!.fields.some((f) => f.name === field.name))
      const other = byType.find((t) =>
        t.stream!.fields.some((f) => f.name === field.name && typeOfKind(f.kind) !== type),
      )
      if (without) {
        const having = byType.find((t) => t.stream!.fields.some((f) => f.name === field.name))!.type
        const message = `"${field.name}" is a field of ${having} but not of ${without.type}`
        faults.set(field.name, { code: 'field-not-everywhere', message })
      } else if (other) {
        const message = `"${field.name}" is a ${type} in ${byType[0].type} but something else in ${other.type}`
        faults.set(field.name, { code: 'field-type-differs', message })
      } else found.set(field.name, type)
    }
  }
  const typeFields = new Set(byType.map(({ stream }) => ('field' in stream!.type ? stream!.type.field : null)))
  const typeField = typeFields.size === 1 ? [...typeFields][0] : null
  return { types: found, faults, label, eventTypes: types, typeField, open: open || byType.length === 0 }
}
