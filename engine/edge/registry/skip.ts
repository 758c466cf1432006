import type avsc from 'avsc'
import { isUtf8 } from '../../kit/utf8.ts'
import { FAULT } from './fault.ts'
import { type AvroType, isRecord, isUnion } from './schemas-matched.ts'
import { cursor, readLong, skipLong } from './varint.ts'

/**
 * The position behind the value at `at`, or minus a code of FAULT. It may lie beyond `end`: a record that ends too early.
 * The work is in proportion to the bytes, whatever they declare.
 */
export type Skip = (bytes: Uint8Array, at: number, end: number, depth: number) => number

const DEPTH_MAX = 100
/** Items that take no bytes: nothing else bounds how many there are. */
const EMPTY_ITEMS_MAX = 1_000

/** Passes over values of `type` without a look into them. */
export function skipOf(type: AvroType, known = new Map<AvroType, Skip>()): Skip {
  const found = known.get(type)
  if (found) return found
  if (isRecord(type)) return skipRecord(type, known)
  if (isUnion(type)) return skipUnion(type.types.map((branch) => skipOf(branch, known)))
  switch (type.typeName) {
    case 'null':
      return fixedSkip(0)
    case 'boolean':
      return fixedSkip(1)
    case 'float':
      return fixedSkip(4)
    case 'double':
      return fixedSkip(8)
    case 'fixed':
      return fixedSkip((type as avsc.types.FixedType).size)
    case 'bytes':
    case 'string':
      return skipBytes
    case 'array':
      return skipArray((type as avsc.types.ArrayType).itemsType, known)
    case 'map':
      return skipMap((type as avsc.types.MapType).valuesType, known)
    default: // int, long, enum
      return skipNumber
  }
}

/** Passes over a value that is read: refuses what no column can hold. */
export function checkOf(type: AvroType, mustBeText: boolean): Skip {
  if (isUnion(type)) return skipUnion(type.types.map((branch) => checkOf(branch, mustBeText)))
  if (type.typeName === 'enum') return checkEnum((type as avsc.types.EnumType).symbols.length)
  if (type.typeName === 'int') return checkInt
  if (type.typeName === 'long') return checkLong
  return mustBeText && (type.typeName === 'string' || type.typeName === 'bytes') ? checkText : skipOf(type)
}

/** One branch for each of a union's. */
export function skipUnion(branches: readonly Skip[]): Skip {
  return (bytes, at, end, depth) => {
    const branch = branches[readLong(bytes, at)]
    return branch ? branch(bytes, cursor.at, end, depth) : -FAULT.branch
  }
}

function skipRecord(type: avsc.types.RecordType, known: Map<AvroType, Skip>): Skip {
  const parts: Skip[] = []
  const skip: Skip = (bytes, at, end, depth) => {
    if (depth > DEPTH_MAX) return -FAULT.depth
    for (let i = 0; i < parts.length && at >= 0; i++) at = parts[i](bytes, at, end, depth + 1)
    return at
  }
  known.set(type, skip)
  for (const field of type.fields) if (!isEmpty(field.type)) parts.push(skipOf(field.type, known))
  return skip
}

function skipArray(items: AvroType, known: Map<AvroType, Skip>): Skip {
  const empty = isEmpty(items)
  const item = skipOf(items, known)
  return (bytes, at, end, depth) => {
    if (depth > DEPTH_MAX) return -FAULT.depth
    for (;;) {
      const count = blockAt(bytes, at, end)
      at = cursor.at
      const { behind } = block
      if (at > end || count === 0) return at
      if (!(count > 0)) return -FAULT.length
      if (!(count <= (empty ? EMPTY_ITEMS_MAX : end - at))) return -FAULT.count
      if (!empty) for (let i = 0; i < count && at >= 0 && at <= end; i++) at = item(bytes, at, end, depth + 1)
      if (at < 0) return at
      if (behind >= 0 && at !== behind) return -FAULT.length
    }
  }
}

function skipMap(values: AvroType, known: Map<AvroType, Skip>): Skip {
  const value = skipOf(values, known)
  return (bytes, at, end, depth) => {
    if (depth > DEPTH_MAX) return -FAULT.depth
    for (;;) {
      const count = blockAt(bytes, at, end)
      at = cursor.at
      const { behind } = block
      if (at > end || count === 0) return at
      if (!(count > 0)) return -FAULT.length
      if (!(count <= end - at)) return -FAULT.count
      for (let i = 0; i < count && at >= 0 && at <= end; i++) {
        at = skipBytes(bytes, at, end, depth)
        if (at >= 0) at = value(bytes, at, end, depth + 1)
      }
      if (at < 0) return at
      if (behind >= 0 && at !== behind) return -FAULT.length
    }
  }
}

/** Where the block ends that was begun last, if it says so; else -1: a result beside the result, without an object. */
const block = { behind: -1 }

/**
 * The items of the block at `at`; sets `cursor` and `block`. A block may say its size, which other readers do not believe
 * either: its items are passed over one by one. Negative where that size reaches beyond the record, NaN where there is no number.
 */
function blockAt(bytes: Uint8Array, at: number, end: number): number {
  const count = readLong(bytes, at)
  block.behind = -1
  if (!(count < 0)) return count
  const size = readLong(bytes, cursor.at)
  if (!(size >= 0 && size <= end - cursor.at)) return -1
  block.behind = cursor.at + size
  return -count
}

function fixedSkip(size: number): Skip {
  return (_, at) => at + size
}

function skipNumber(bytes: Uint8Array, at: number): number {
  const behind = skipLong(bytes, at)
  return behind < 0 ? -FAULT.number : behind
}

function skipBytes(bytes: Uint8Array, at: number, end: number, _depth: number): number {
  const length = readLong(bytes, at)
  return length >= 0 && length <= end - cursor.at ? cursor.at + length : -FAULT.length
}

function checkInt(bytes: Uint8Array, at: number): number {
  const value = readLong(bytes, at)
  return value === (value | 0) ? cursor.at : -FAULT.number
}

/** avsc reads the sign of what is below -2^52 wrong. */
function checkLong(bytes: Uint8Array, at: number): number {
  return readLong(bytes, at) >= -(2 ** 52) ? cursor.at : -FAULT.number
}

function checkEnum(symbols: number): Skip {
  return (bytes, at) => {
    const index = readLong(bytes, at)
    return index >= 0 && index < symbols ? cursor.at : -FAULT.symbol
  }
}

function checkText(bytes: Uint8Array, at: number, end: number, depth: number): number {
  const behind = skipBytes(bytes, at, end, depth)
  if (behind < 0) return behind
  return isUtf8(bytes, cursor.at, behind) ? behind : -FAULT.text
}

const emptiness = new WeakMap<AvroType, boolean>()

/** True where every value of the type takes no byte. */
function isEmpty(type: AvroType): boolean {
  if (type.typeName === 'null') return true
  if (type.typeName === 'fixed') return (type as avsc.types.FixedType).size === 0
  if (!isRecord(type)) return false
  const found = emptiness.get(type)
  if (found !== undefined) return found
  emptiness.set(type, false) // a record in itself has no end
  const empty = type.fields.every((field) => isEmpty(field.type))
  emptiness.set(type, empty)
  return empty
}
