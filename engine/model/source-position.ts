import type { SourcePosition } from './output.ts'

/** Rows that one record of a source may come to. A power of two: fractions of offsets below 2^41 are exact. */
export const ROWS_PER_RECORD_MAX = 4096

/** The rows of one record stand at its offset and at fractions above it, so that the offsets of rows rise. */
export function offsetOfRow(offset: number, row: number): number {
  return offset + row / ROWS_PER_RECORD_MAX
}

const ID_CHARS = 32

/**
 * How a log names a topic whose id is known: one that is deleted and made again under its name is another source, whose
 * offsets begin anew. `topicId`: 32 hexadecimal digits; empty = not known.
 */
export function sourceName(topic: string, topicId: string): string {
  return topicId === '' ? topic : `${topic}#${topicId}`
}

/** The topic itself. Topics of Kafka have no `#` in their names. */
export function topicOf(name: string): string {
  const at = name.length - ID_CHARS - 1
  return at > 0 && name[at] === '#' ? name.slice(0, at) : name
}

/** Where the record of a row stands, as outputs say it. */
export function recordPosition({ topic, partition, offset }: SourcePosition): SourcePosition {
  return { topic: topicOf(topic), partition, offset: Math.floor(offset) }
}

/** Stands in for the id of an event that has none: `topic/0/17`, for a later row of the same record `topic/0/17#2`. */
export function positionId({ topic: name, partition, offset }: SourcePosition): string {
  const topic = topicOf(name)
  const record = Math.floor(offset)
  const row = (offset - record) * ROWS_PER_RECORD_MAX
  return row === 0 ? `${topic}/${partition}/${record}` : `${topic}/${partition}/${record}#${row + 1}`
}
