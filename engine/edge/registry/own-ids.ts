import type { Stream } from '../../model/stream.ts'

/**
 * Which schema id means a stream's own schema where no registry says what ids mean: the configured one, else the first
 * that was seen, for as long as this lives.
 */
export class OwnIds {
  readonly #byStream = new Map<string, number>()
  readonly #say: (stream: Stream, id: number) => void

  /** `say` hears of the first id of a stream without `schema_id`. */
  constructor(say: (stream: Stream, id: number) => void = () => {}) {
    this.#say = say
  }

  of(stream: Stream, seen: number): number {
    if (stream.schemaId !== undefined) return stream.schemaId
    const known = this.#byStream.get(stream.name)
    if (known !== undefined) return known
    this.#byStream.set(stream.name, seen)
    this.#say(stream, seen)
    return seen
  }
}

/** What is to be said of a first id. */
export function firstIdText({ topic }: Stream, id: number): string {
  return `${topic}: without a registry, records of schema id ${id} are read by the stream's own schema, and no others; schema_id in the stream's configuration says which`
}
