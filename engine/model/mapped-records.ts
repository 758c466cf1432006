import { type Mapping, numberReader } from './mapping.ts'
import { shown } from './shown.ts'
import type { Stream } from './stream.ts'

export type SourceRecord = Readonly<Record<string, unknown>>

/** What a mapping did to a record, or what is wrong with it. */
export type Mapped = { readonly record: Record<string, unknown> } | { readonly problem: string }

/** What is done with what stands under one name of the source. */
interface Plan {
  readonly field: string
  readonly holds: 'type' | 'boolean' | 'number' | 'other'
  /** Another name may be the same field. */
  readonly mayClash: boolean
}

/** Names are few; a source that has more than this is asked anew each time. */
const NAMES_MAX = 10_000

/**
 * Puts the records of a source into the words of a stream: fields by their names, types, true, false, null and numbers as
 * `RecordCells` takes them. What the mapping does not speak of stays as it is.
 */
export class MappedRecords {
  readonly #fields: ReadonlyMap<string, string>
  readonly #targets: ReadonlySet<string>
  readonly #types: ReadonlyMap<string, string>
  readonly #typeField: string | null
  readonly #numbers: ReadonlySet<string>
  readonly #number: ((text: string) => string | null) | null
  readonly #booleans: ReadonlySet<string>
  readonly #flags: ReadonlyMap<string, boolean>
  readonly #nulls: ReadonlySet<string>
  readonly #plans = new Map<string, Plan>()

  constructor({ fields, type, timeField }: Stream, mapping: Mapping) {
    const named = (wanted: (kind: string) => boolean) =>
      new Set(fields.filter(({ kind, name }) => name !== timeField && wanted(kind)).map(({ name }) => name))
    this.#fields = new Map(Object.entries(mapping.columns))
    this.#targets = new Set(Object.values(mapping.columns))
    this.#types = new Map(Object.entries(mapping.types))
    this.#typeField = 'field' in type ? type.field : null
    this.#number = mapping.numbers && numberReader(mapping.numbers)
    this.#numbers = this.#number ? named((kind) => kind === 'number' || kind === 'decimal') : new Set()
    this.#booleans = named((kind) => kind === 'boolean')
    this.#flags = new Map([
      ...mapping.trueWords.map((word) => [word, true] as const),
      ...mapping.falseWords.map((word) => [word, false] as const),
    ])
    this.#nulls = new Set(mapping.nullWords)
  }

  /** The field that a name of the source stands for. */
  fieldOf(name: string): string {
    return this.#fields.get(name) ?? name
  }

  /** The event type that a record of the source has; undefined where its stream has but one, or it has none. */
  typeOf(record: SourceRecord): unknown {
    if (this.#typeField === null) return undefined
    const name = Object.keys(record).find((name) => this.fieldOf(name) === this.#typeField)
    return name === undefined ? undefined : this.#type(record[name])
  }

  of(record: SourceRecord): Mapped {
    const mapped: Record<string, unknown> = {}
    for (const name of Object.keys(record)) {
      const plan = this.#planOf(name)
      const { field } = plan
      if (plan.mayClash && Object.hasOwn(mapped, field))
        return { problem: `"${field}" stands there twice: ${this.#sourcesOf(field, record)}` }
      const value = this.#value(plan, record[name])
      if (value === undefined) return { problem: `"${field}" is not written as "numbers" says: ${shown(record[name])}` }
      if (field === '__proto__') define(mapped, field, value)
      else mapped[field] = value
    }
    return { record: mapped }
  }

  #planOf(name: string): Plan {
    const known = this.#plans.get(name)
    if (known) return known
    const field = this.fieldOf(name)
    const holds =
      field === this.#typeField
        ? 'type'
        : this.#booleans.has(field)
          ? 'boolean'
          : this.#numbers.has(field)
            ? 'number'
            : 'other'
    const plan: Plan = { field, holds, mayClash: this.#targets.has(field) }
    if (this.#plans.size < NAMES_MAX) this.#plans.set(name, plan)
    return plan
  }

  /** Undefined: a number that is not of the form. */
  #value({ holds }: Plan, value: unknown): unknown {
    if (typeof value !== 'string') return value === undefined ? null : value
    if (this.#nulls.size > 0 && this.#nulls.has(value.trim())) return null
    if (holds === 'other') return value
    if (holds === 'type') return this.#type(value)
    if (holds === 'boolean') return this.#flags.get(value.trim()) ?? value
    return this.#number!(value) ?? undefined
  }

  #type(value: unknown): unknown {
    return typeof value === 'string' ? (this.#types.get(value.trim()) ?? value) : value
  }

  #sourcesOf(field: string, record: SourceRecord): string {
    const names = Object.keys(record).filter((name) => this.fieldOf(name) === field)
    return names.map((name) => `"${name}"`).join(' and ')
  }
}

/** A field like others, where an assignment would set the prototype. */
function define(record: Record<string, unknown>, field: string, value: unknown): void {
  Object.defineProperty(record, field, { value, enumerable: true, writable: true, configurable: true })
}

/** Null for a stream whose sources speak its own words. */
export function mappedRecords(stream: Stream): MappedRecords | null {
  return stream.mapping ? new MappedRecords(stream, stream.mapping) : null
}
