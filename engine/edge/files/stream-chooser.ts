import { own } from '../../kit/own.ts'
import { type Stream, streamOfType, typeMatches } from '../../model/stream.ts'

/** Types are few; a file that holds more than this is asked anew each time. */
const TYPES_MAX = 10_000

export type Choice = { readonly stream: Stream; readonly type: string } | { readonly problem: string }

/** Finds the stream of a record by its type: that is all that a line of a file says about where it belongs. */
export class StreamChooser {
  readonly #streams: readonly Stream[]
  readonly #only: Stream | null
  /** Names of type fields, each once, in the order of the streams. */
  readonly typeFields: readonly string[]
  readonly #byType = new Map<string, Choice>()

  /** With `only`, every record belongs to it. */
  constructor(streams: readonly Stream[], only: Stream | null) {
    this.#streams = streams
    this.#only = only
    const asked = only ? [only] : streams
    this.typeFields = [...new Set(asked.flatMap((s) => ('field' in s.type ? [s.type.field] : [])))]
  }

  choose(record: Readonly<Record<string, unknown>>): Choice {
    const only = this.#only
    if (only && 'fixed' in only.type) return this.#known(only.type.fixed)
    for (const field of this.typeFields) {
      const type = own(record, field)
      if (typeof type === 'string' && type !== '') return this.#known(type)
    }
    return { problem: only ? `no "${this.typeFields[0]}"` : 'no type, and no stream was named' }
  }

  #known(type: string): Choice {
    const known = this.#byType.get(type)
    if (known) return known
    const choice = this.#find(type)
    if (this.#byType.size < TYPES_MAX) this.#byType.set(type, choice)
    return choice
  }

  #find(type: string): Choice {
    const only = this.#only
    if (!only) {
      const stream = streamOfType(this.#streams, type)
      return stream ? { stream, type } : { problem: `no stream carries the type "${type}"` }
    }
    const carried = 'fixed' in only.type || typeMatches(only.types, type)
    return carried ? { stream: only, type } : { problem: `stream "${only.name}" does not carry the type "${type}"` }
  }
}
