import type avsc from 'avsc'
import { isUtf8 } from '../../../kit/utf8.ts'
import { type AvroType, isRecord, isUnion } from '../schemas-matched.ts'
import { skipOf } from '../skip.ts'
import { cursor, longText, readLong } from '../varint.ts'
import type { JsonObject } from './json-object.ts'

/** Where a record is read: the next byte, and the end of the record. */
export interface Place {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
}

/** Reads one value and moves the place behind it. Throws an Error that says what is wrong with the bytes. */
export type ReadValue = (place: Place, depth: number) => unknown

const DEPTH_MAX = 100
/** Arrays and maps are passed over: no column takes them. Fields that are to hold one say so. */
const NO_COLUMN: readonly unknown[] = []

/**
 * Reads values of a writer's type as plain JavaScript: records as objects, longs beyond 2^53 as texts, bytes as views.
 * The work is in proportion to the bytes, whatever they declare.
 */
export function readerOf(type: AvroType, known = new Map<AvroType, ReadValue>()): ReadValue {
  const found = known.get(type)
  if (found) return found
  if (isRecord(type)) return recordReader(type, known)
  if (isUnion(type)) return unionReader(type.types.map((branch) => readerOf(branch, known)))
  switch (type.typeName) {
    case 'null':
      return () => null
    case 'boolean':
      return (place) => place.bytes[take(place, 1)] !== 0
    case 'int':
    case 'long':
      return readWhole
    case 'float':
      return (place) => viewOf(place, 4).getFloat32(0, true)
    case 'double':
      return (place) => viewOf(place, 8).getFloat64(0, true)
    case 'bytes':
      return readBytes
    case 'string':
      return readText
    case 'fixed': {
      const { size } = type as avsc.types.FixedType
      return (place) => place.bytes.subarray(take(place, size), place.at)
    }
    case 'enum': {
      const { symbols } = type as avsc.types.EnumType
      return (place) => symbols[readIndex(place, symbols.length)]
    }
    default:
      return passedOver(type)
  }
}

function recordReader(type: avsc.types.RecordType, known: Map<AvroType, ReadValue>): ReadValue {
  const fields: { readonly name: string; readonly read: ReadValue }[] = []
  const read: ReadValue = (place, depth) => {
    if (depth > DEPTH_MAX) throw new Error('nested too deeply')
    const record = {} as JsonObject
    for (const field of fields) {
      const value = field.read(place, depth + 1)
      if (field.name === '__proto__')
        Object.defineProperty(record, field.name, { value, enumerable: true, writable: true })
      else record[field.name] = value
    }
    return record
  }
  known.set(type, read)
  for (const field of type.fields) fields.push({ name: field.name, read: readerOf(field.type, known) })
  return read
}

function unionReader(branches: readonly ReadValue[]): ReadValue {
  return (place, depth) => branches[readIndex(place, branches.length)](place, depth)
}

function passedOver(type: AvroType): ReadValue {
  const skip = skipOf(type)
  return (place, depth) => {
    const behind = skip(place.bytes, place.at, place.end, depth)
    if (behind < 0 || behind > place.end) throw new Error('a list that reaches beyond the record')
    place.at = behind
    return NO_COLUMN
  }
}

function readWhole(place: Place): number | string {
  const value = readLong(place.bytes, place.at)
  const start = place.at
  take(place, cursor.at - start)
  if (!Number.isNaN(value)) return value
  const digits = longText(place.bytes, start, place.at)
  if (digits === null) throw new Error('a number of more than 64 bits')
  return digits
}

function readIndex(place: Place, count: number): number {
  const index = readWhole(place)
  if (typeof index === 'number' && index >= 0 && index < count) return index
  throw new Error('no such branch of a union, or symbol of an enum')
}

function readBytes(place: Place): Uint8Array {
  const length = readWhole(place)
  if (typeof length !== 'number' || length < 0) throw new Error('a length that is none')
  return place.bytes.subarray(take(place, length), place.at)
}

function readText(place: Place): string {
  const { byteOffset, byteLength, buffer } = readBytes(place)
  const text = Buffer.from(buffer, byteOffset, byteLength)
  if (!isUtf8(text, 0, byteLength)) throw new Error('text that is not UTF-8')
  return text.toString()
}

function viewOf(place: Place, size: number): DataView {
  const { buffer, byteOffset } = place.bytes
  return new DataView(buffer, byteOffset + take(place, size), size)
}

/** Where the next `size` bytes begin; they must be within the record. */
function take(place: Place, size: number): number {
  const { at, end } = place
  if (size > end - at) throw new Error('a record that ends too early')
  place.at += size
  return at
}
