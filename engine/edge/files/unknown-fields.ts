import { own } from '../../kit/own.ts'
import type { Stream } from '../../model/stream.ts'
import { nearest } from '../../rules/source/suggest.ts'

/** A name with values in the input that is no field of their stream: they are passed over. */
export interface UnknownField {
  readonly stream: string
  /** Null: all further names together. */
  readonly name: string | null
  /** Of the first event that has it. */
  readonly line: number
  /** A field that this event lacks, and that may have been meant. */
  readonly meant: string | null
  /** Values passed over; grows as the input is read. */
  values: number
}

/** Of one stream are told apart: an input may have names without end. */
const NAMES_MAX = 20

/** Finds the names of a stream's records that are none of its fields. */
export class UnknownFields {
  readonly #stream: Stream
  readonly #known: ReadonlySet<string>
  readonly #found = new Map<string | null, UnknownField>()
  readonly #tell: (field: UnknownField) => void

  /** `known`: names beside the stream's fields that say something; `tell` is told of each unknown one once. */
  constructor(stream: Stream, known: readonly string[], tell: (field: UnknownField) => void) {
    this.#stream = stream
    this.#known = new Set([...stream.fields.map(({ name }) => name), ...known])
    this.#tell = tell
  }

  look(record: Readonly<Record<string, unknown>>, line: number): void {
    for (const name in record) {
      if (!this.#known.has(name) && record[name] !== null) this.#count(record, name, line)
    }
  }

  #count(record: Readonly<Record<string, unknown>>, written: string, line: number): void {
    const name = this.#found.has(written) || this.#found.size < NAMES_MAX ? written : null
    const found = this.#found.get(name)
    if (found) {
      found.values += 1
      return
    }
    const lacking = this.#stream.fields.map((f) => f.name).filter((field) => (own(record, field) ?? null) === null)
    const meant = name === null ? null : nearest(name, lacking)
    const field = { stream: this.#stream.name, name, line, meant, values: 1 }
    this.#found.set(name, field)
    this.#tell(field)
  }
}
