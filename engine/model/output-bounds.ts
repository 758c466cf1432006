import type { Cell, Evidence, MeasureValue } from './output.ts'

/*
 * How large outputs may become, in bytes of their JSON or Avro, whichever is larger. The same on every log.
 *
 * A Kafka topic takes records of up to 1 MiB unless it says otherwise. An alert stays below 400 KiB and its key, a
 * ranking and a list of what a feature says below 600 KiB; an open alert, as commits keep it with all its suspects,
 * below 850 KiB and twice its key. 1,000 events of evidence with three fields of 16 characters fit.
 */
export const EVIDENCE_BYTES_MAX = 256 << 10
/** All different suspects that an alert counts. */
export const SUSPECTS_BYTES_MAX = 512 << 10
/** Those that an alert record shows. */
export const SUSPECTS_SHOWN_BYTES_MAX = 64 << 10
export const MEASURES_BYTES_MAX = 64 << 10
export const EXPLAIN_CHARS_MAX = 4_000
export const RANKING_BYTES_MAX = 512 << 10

const NUMBER_BYTES = 16
/** Of a text that does not fit: so much of its beginning is shown. */
const TEXT_CHARS_SHOWN = 200

/** UTF-8 bytes of a text as JSON, quotes included. */
export function textBytes(text: string): number {
  let bytes = 2
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x20 || (c >= 0xd800 && c <= 0xdfff)) bytes += 6
    else if (c < 0x80) bytes += c === 0x22 || c === 0x5c ? 2 : 1
    else bytes += c < 0x800 ? 2 : 3
  }
  return bytes
}

export function valueBytes(value: MeasureValue | readonly (number | null)[] | undefined): number {
  if (typeof value === 'string') return textBytes(value)
  if (!Array.isArray(value)) return NUMBER_BYTES
  return value.reduce((sum: number, one) => sum + 1 + valueBytes(one), 2)
}

/** With the names of its members. */
export function memberBytes(members: Readonly<Record<string, MeasureValue | readonly (number | null)[]>>): number {
  let bytes = 2
  for (const name in members) bytes += textBytes(name) + 2 + valueBytes(members[name])
  return bytes
}

/** The first `charsMax` UTF-16 units, or one less, and an ellipsis; the text itself where it is no longer. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text
  const isSplit = (text.charCodeAt(charsMax - 1) & 0xfc00) === 0xd800
  return `${text.slice(0, isSplit ? charsMax - 1 : charsMax)}…`
}

/** Without its oldest events where it is too large; itself where it is not. */
export function boundedEvidence(evidence: Evidence): Evidence {
  let bytes = 0
  for (let i = evidence.events.length - 1; i >= 0; i--) {
    bytes += memberBytes(evidence.events[i])
    if (bytes > EVIDENCE_BYTES_MAX) return { ...evidence, events: evidence.events.slice(i + 1), truncated: true }
  }
  return evidence
}

/** As many of the first as have room together. */
export function firstWithin<T>(all: readonly T[], bytesMax: number, bytesOf: (one: T) => number): readonly T[] {
  let bytes = 0
  for (let i = 0; i < all.length; i++) {
    bytes += bytesOf(all[i])
    if (bytes > bytesMax) return all.slice(0, i)
  }
  return all
}

/** Lists cut from the end, and texts, where the values are too large together; the very array where they are not. */
export function boundedValues(values: readonly MeasureValue[]): readonly MeasureValue[] {
  let left = MEASURES_BYTES_MAX
  let isCut = false
  const bounded = values.map((value): MeasureValue => {
    const kept = valueBytes(value) <= left ? value : cutValue(value, left)
    if (kept !== value) isCut = true
    left -= valueBytes(kept)
    return kept
  })
  return isCut ? bounded : values
}

/** The same for values by name. */
export function boundedMeasures(measures: Record<string, MeasureValue>): Record<string, MeasureValue> {
  const values = Object.values(measures)
  const kept = boundedValues(values)
  return kept === values ? measures : Object.fromEntries(Object.keys(measures).map((name, i) => [name, kept[i]]))
}

function cutValue(value: MeasureValue, bytesMax: number): MeasureValue {
  if (typeof value === 'string') return cutText(value, TEXT_CHARS_SHOWN)
  if (!Array.isArray(value)) return value
  return firstWithin(
    value as readonly (string | number | boolean)[],
    bytesMax - 2,
    (one) => 1 + valueBytes(one as Cell),
  )
}
