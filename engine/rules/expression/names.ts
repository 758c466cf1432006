import type { ValueType } from '../../model/expression.ts'
import { type FieldKind, type Stream, streamOfType } from '../../model/stream.ts'
import type { Span } from '../source/text.ts'

/** `unknown`: its fault was reported already; it fits everything. */
export type Type = ValueType | 'unknown'

export interface FieldNames {
  /** Fields that every stream of the rule has, with one type. */
  readonly types: ReadonlyMap<string, Type>
  /** Fields that only some have, or with several types -> what is wrong. */
  readonly faults: ReadonlyMap<string, { code: 'field-not-everywhere' | 'field-type-differs'; message: string }>
  /** For messages: "order.created". */
  readonly label: string
  /** True when an event type is unknown, so that nothing can be said about fields. */
  readonly open: boolean
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
  /** True when the measures, params or lists could not all be read: unknown names are let pass. */
  readonly open: { readonly measures: boolean; readonly params: boolean; readonly lists: boolean }
  readonly uses: Uses
}

/** What the expressions of one document read. */
export class Uses {
  readonly params = new Set<string>()
  readonly lets = new Set<string>()
  readonly lists = new Set<string>()
  /** First place in the current expressions that reads the event, directly or through a let. */
  event: Span | null = null
}

export function typeOfKind(kind: FieldKind): ValueType {
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
  return { types: found, faults, label, open: open || byType.length === 0 }
}
