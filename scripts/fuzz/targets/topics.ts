import { decoderFor } from '../../../engine/edge/registry/formats/decoder-for.ts'
import type { Schemas } from '../../../engine/edge/registry/schemas.ts'
import { BlockBuilder } from '../../../engine/model/block-builder.ts'
import { Counters } from '../../../engine/model/counters.ts'
import type { Stream } from '../../../engine/model/stream.ts'
import type { Reading } from '../target.ts'
import { readingOf } from './blocks.ts'

export const NOON_MS = 1_767_614_400_000

/** Words that all formats of JSON share. */
export const WORDS = [
  ...['null', 'true', '{}', '[]', '""', '0', '-1', '1.5', '1e400', '1767614400000', '9007199254740993', '99999999999'],
  ...['{', '}', '[', ']', ',', ':', '"', '\\', '\\u0000', '\\ud800', '\ufeff', '店', '"__proto__":1,', '[[[[[['],
]

/**
 * Reads one record after the other with the same decoder, as a lane does: a row, rows, a dead letter, or nothing. Where a
 * record ends too early the details may differ: a number is read over its end, before that is seen.
 */
export function topicReader(stream: Stream, schemas: Schemas | null): (bytes: Buffer) => Reading | Promise<Reading> {
  const counters = new Counters()
  const decoder = decoderFor(stream, schemas, counters)
  const builder = new BlockBuilder(stream, stream.topic, 0)
  const decoded = (bytes: Buffer): Reading => {
    const letter = decoder.decode(bytes, 0, bytes.length, builder, 1, NOON_MS + 86_400_000)
    if (letter && builder.length > 0) throw new Error(`rows were left of a dead letter: ${letter.detail}`)
    if (letter) return { count: 0, digest: letter.reason }
    return builder.length === 0 ? { count: 0, digest: 'passed over' } : readingOf(builder.build())
  }
  return (bytes) => {
    const prepared = decoder.prepare(bytes, 0, bytes.length)
    return prepared === null ? decoded(bytes) : prepared.then(() => decoded(bytes))
  }
}
