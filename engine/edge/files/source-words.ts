import { type MappedRecords, mappedRecords, type SourceRecord } from '../../model/mapped-records.ts'
import { type Stream, typeMatches } from '../../model/stream.ts'

/** Puts the records of a file into the words of their streams, where these have a mapping. */
export class SourceWords {
  readonly #only: MappedRecords | null
  readonly #several: readonly (readonly [Stream, MappedRecords])[]

  /** With `only`, every record belongs to it. */
  constructor(streams: readonly Stream[], only: Stream | null) {
    this.#only = only && mappedRecords(only)
    this.#several = (only ? [] : streams).flatMap((stream) => {
      const records = mappedRecords(stream)
      return records ? [[stream, records] as const] : []
    })
  }

  of(record: SourceRecord): { readonly record: SourceRecord } | { readonly problem: string } {
    if (this.#only) return this.#only.of(record)
    for (const [stream, records] of this.#several) {
      const type = records.typeOf(record)
      if (typeof type === 'string' && typeMatches(stream.types, type)) return records.of(record)
    }
    return { record }
  }
}

/** What the names of a CSV's columns are to a stream: its fields, or the names themselves. */
export function namesFor(stream: Stream, names: readonly string[]): string[] {
  const records = mappedRecords(stream)
  return records ? names.map((name) => records.fieldOf(name)) : [...names]
}

/** Columns that a stream's mapping speaks of, and that are not there under any of their names, each with its field. */
export function columnsLacking({ mapping }: Stream, names: readonly string[]): (readonly [string, string])[] {
  const columns = Object.entries(mapping?.columns ?? {})
  const there = new Set(columns.filter(([name]) => names.includes(name)).map(([, field]) => field))
  return columns.filter(([, field]) => !there.has(field) && !names.includes(field))
}
