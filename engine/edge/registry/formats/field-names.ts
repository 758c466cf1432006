import type { Field, Stream } from '../../../model/stream.ts'
import type { JsonObject } from './json-object.ts'

/**
 * Which field of a stream a column of a record is: the one that the stream's `columns` give it, that of its name, or the
 * one with its name among the `aliases`.
 */
export class FieldNames {
  readonly #fields = new Map<string, Field>()
  readonly #aliases: readonly (readonly [alias: string, name: string])[]

  constructor(stream: Stream) {
    const { fields } = stream.avro as { fields: readonly { name: string; aliases?: readonly string[] }[] }
    this.#aliases = fields.flatMap(({ name, aliases = [] }) => aliases.map((alias) => [alias, name] as const))
    const byName = new Map(stream.fields.map((field) => [field.name, field]))
    for (const [alias, name] of this.#aliases) this.#fields.set(alias, byName.get(name)!)
    for (const field of stream.fields) this.#fields.set(field.name, field)
    for (const [column, name] of Object.entries(stream.mapping?.columns ?? {}))
      this.#fields.set(column, byName.get(name)!)
  }

  fieldOf(column: string): Field | undefined {
    return this.#fields.get(column)
  }

  /** Puts what stands under an alias under the field's name too, where the record has nothing of that name. */
  rename(record: JsonObject): void {
    for (const [alias, name] of this.#aliases) {
      if (Object.hasOwn(record, name) || !Object.hasOwn(record, alias)) continue
      Object.defineProperty(record, name, { value: record[alias], enumerable: true, writable: true })
    }
  }
}
