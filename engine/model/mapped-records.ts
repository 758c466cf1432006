import { type Mapping, numberReader } from './mapping.ts'
import { shown } from './shown.ts'
import type { Stream } from './stream.ts'

export type SourceRecord = Readonly<Record<string, unknown>>

/** What a mapping did to a record, or what is wrong with it. */
export type Mapped = { readonly record: Record<string, unknown> } | { readonly problem: string }

/**
 * Puts the records of a source into the words of a stream: fields by their names, types, true, false, null and numbers as
 * `RecordCells` takes them. What the mapping does not speak of stays as it is.
 */
export class MappedRecords {
  readonly #fields: ReadonlyMap<string, string>
  readonly #types: ReadonlyMap<string, string>
  readonly #typeField: string | null
  readonly #numbers: ReadonlySet<string>
  readonly #number: ((text: string) => string | null) | null
  readonly #booleans: ReadonlySet<string>
  readonly #flags: ReadonlyMap<string, boolean>
  readonly #nulls: ReadonlySet<string>

  constructor({ fields, type, timeField }: Stream, mapping: Mapping) {
    const named = (wanted: (kind: string) => boolean) =>
      new Set(fields.filter(({ kind, name }) => name !== timeField && wanted(kind)).map(({ name }) => name))
    this.#fields = new Map(Object.entries(mapping.columns))
    this.#types = new Map(Object.entries(mapping.types))
    this.#typeField = 'field' in type ? type.field : null
    this.#numbers = named((kind) => kind === 'number' || kind === 'decimal')
    this.#number = mapping.numbers && numberReader(mapping.numbers)
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
    const mapped: Record<string, unknown> = Object.create(null)
    for (const name of Object.keys(record)) {
      const field = this.fieldOf(name)
      if (field in mapped) return { problem: `"${field}" stands there twice: ${this.#sourcesOf(field, record)}` }
      const value = this.#value(field, record[name])
      if (value === undefined) return { problem: `"${field}" is not written as "numbers" says: ${shown(record[name])}` }
      mapped[field] = value
    }
    return { record: mapped }
  }

  /** Undefined: a number that is not of the form. */
  #value(field: string, value: unknown): unknown {
    if (typeof value !== 'string') return value === undefined ? null : value
    const word = value.trim()
    if (this.#nulls.has(word)) return null
    if (field === this.#typeField) return this.#type(value)
    if (this.#booleans.has(field)) return this.#flags.get(word) ?? value
    if (!this.#number || !this.#numbers.has(field)) return value
    return this.#number(value) ?? undefined
  }

  #type(value: unknown): unknown {
    return typeof value === 'string' ? (this.#types.get(value.trim()) ?? value) : value
  }

  #sourcesOf(field: string, record: SourceRecord): string {
    const names = Object.keys(record).filter((name) => this.fieldOf(name) === field)
    return names.map((name) => `"${name}"`).join(' and ')
  }
}

/** Null for a stream whose sources speak its own words. */
export function mappedRecords(stream: Stream): MappedRecords | null {
  return stream.mapping ? new MappedRecords(stream, stream.mapping) : null
}
