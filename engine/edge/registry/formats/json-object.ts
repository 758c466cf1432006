import { type Encoding, wholeText } from '../../../kit/encodings.ts'
import { parseExactJson } from '../../../kit/exact-json.ts'
import type { DeadLetter } from '../record-decoder.ts'
import { WIRE_HEADER_BYTES } from '../wire.ts'

/** An object of a parsed record. Names are what others chose: read them by `own`. */
export type JsonObject = Record<string, unknown>

const RECORD_BYTES_MAX = 1 << 20

/**
 * The JSON object in `bytes[start..end)`; numbers of 16 digits or more are texts, and those that `written` finds. A byte order mark is passed over,
 * and so are the five bytes that JSON converters with a schema registry write first.
 */
export function jsonObject(
  bytes: Uint8Array,
  start: number,
  end: number,
  encoding: Encoding = 'utf-8',
  written: RegExp | null = null,
): { object: JsonObject } | { bad: DeadLetter } {
  const bad = oversized(start, end)
  if (bad) return { bad }
  const from = end - start > WIRE_HEADER_BYTES && bytes[start] === 0 ? start + WIRE_HEADER_BYTES : start
  const part = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from)
  const text = wholeText(part, encoding)
  if (text === null) return malformed(encoding === 'utf-8' ? 'not UTF-8' : `not ${encoding}`)
  let value: unknown
  try {
    value = parseExactJson(text, written)
  } catch {
    return malformed(end === start ? 'no bytes' : 'not JSON')
  }
  return isObject(value) ? { object: value } : malformed('not a JSON object')
}

/** A record that is longer than any is read. */
export function oversized(start: number, end: number): DeadLetter | null {
  return end - start > RECORD_BYTES_MAX ? { reason: 'OVERSIZED', detail: `${end - start} bytes` } : null
}

export function malformed(detail: string): { bad: DeadLetter } {
  return { bad: { reason: 'MALFORMED', detail } }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}
