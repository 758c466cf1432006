import { strict as assert } from 'node:assert'
import { crc32 } from 'node:zlib'
import type { Block, Column, LogEntry, StringColumn } from './block.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { nullColumn } from './column.ts'
import { readColumn, readDoubles, writeColumn, writeDoubles } from './column-codec.ts'
import { EngineError } from './errors.ts'
import type { Field, Stream } from './stream.ts'

/*
 * One log entry as bytes, little-endian.
 *
 *    0  u32  magic "LPW1"
 *    4  u8   version, u8 kind, u16 zero
 *    8  u32  size of all of it
 *   12  u32  CRC-32 of bytes 0..12 and 16..end
 *   16  a block: u32 rows, stream, topic, u32 partition, offsets, times, types, u32 columns, then for each: name,
 *       u8 kind, u8 scale, column (column-codec.ts); or JSON of any other. Texts are u32 size + UTF-8
 *
 * A block carries its fields' names and kinds, so that a reader with another version of the schema finds them: one
 * that the block lacks is all null, one that the reader does not know is passed over, one of another kind or scale is
 * refused. The columns of the stream's type and time are stored once.
 */
const MAGIC = 0x3157504c
const VERSION = 1
const HEADER_BYTES = 16
const ENTRY_KINDS: readonly LogEntry['kind'][] = ['block', 'mark', 'rules', 'list', 'broadcast']
const COLUMN_KINDS = ['string', 'number', 'boolean', 'decimal', 'types', 'times'] as const
assert(new Uint8Array(Uint32Array.of(1).buffer)[0] === 1, 'needs a little-endian machine')

const writer = new ByteWriter()

/** In memory of its own. `streams` must hold the block's stream, in the shape that the block was built for (assert). */
export function encodeEntry(entry: LogEntry, streams: readonly Stream[]): Uint8Array {
  const kind = ENTRY_KINDS.indexOf(entry.kind)
  assert(kind >= 0, `an entry of a kind that there is: ${entry.kind}`)
  writer.reset()
  writer.u32(MAGIC)
  writer.u32(VERSION | (kind << 8))
  writer.u32(0)
  writer.u32(0)
  if (entry.kind === 'block') writeBlock(entry, streams)
  else writer.text(JSON.stringify(entry))
  const bytes = writer.finish()
  const view = new DataView(bytes.buffer)
  view.setUint32(8, bytes.length, true)
  view.setUint32(12, checksum(bytes), true)
  return bytes
}

/**
 * Columns are views of `bytes` where it begins at a multiple of 8 of its buffer, else of one copy of it: do not change
 * it afterwards. EngineError STATE_CORRUPT on anything but what `encodeEntry` has made for a stream of `streams`.
 */
export function decodeEntry(bytes: Uint8Array, streams: readonly Stream[]): LogEntry {
  const kind = checkedKind(bytes)
  const input = new ByteReader(bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes), HEADER_BYTES)
  try {
    const entry = kind === 'block' ? readBlock(input, streams) : (JSON.parse(input.text()) as LogEntry)
    if (!input.atEnd || entry.kind !== kind) throw corrupt('the parts do not fit together')
    return entry
  } catch (error) {
    if (error instanceof EngineError) throw error
    throw corrupt((error as Error).message, error)
  }
}

function checkedKind(bytes: Uint8Array): LogEntry['kind'] {
  if (bytes.length < HEADER_BYTES) throw corrupt(`${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== MAGIC) throw corrupt('not a log entry')
  if (bytes[4] !== VERSION) throw corrupt(`version ${bytes[4]}, this engine reads ${VERSION}`)
  if (view.getUint32(8, true) !== bytes.length) throw corrupt(`${bytes.length} bytes of ${view.getUint32(8, true)}`)
  if (view.getUint32(12, true) !== checksum(bytes)) throw corrupt('checksum')
  const kind = ENTRY_KINDS[bytes[5]!]
  if (!kind) throw corrupt(`kind ${bytes[5]}`)
  return kind
}

function writeBlock(block: Block, streams: readonly Stream[]): void {
  const stream = streams.find((s) => s.name === block.stream)
  assert(stream, `unknown stream ${block.stream}`)
  assert(stream.fields.length === block.columns.length, 'a column for each field')
  writer.u32(block.length)
  writer.text(block.stream)
  writer.text(block.sourceTopic)
  writer.u32(block.sourcePartition)
  writeDoubles(writer, block.offsets)
  writeDoubles(writer, block.timesMs)
  writeColumn(writer, block.types, block.length)
  writer.u32(block.columns.length)
  block.columns.forEach((column, i) => {
    const field = stream.fields[i]!
    assert(column.kind === field.kind, `${field.name} is a column of its kind`)
    writer.text(field.name)
    const isTimes = column.kind === 'number' && column.values === block.timesMs
    const kind = column === block.types ? 'types' : isTimes ? 'times' : column.kind
    writer.u8(COLUMN_KINDS.indexOf(kind))
    writer.u8(column.kind === 'decimal' ? column.scale : 0)
    if (kind === column.kind) writeColumn(writer, column, block.length)
  })
}

function readBlock(input: ByteReader, streams: readonly Stream[]): Block {
  const length = input.u32()
  const name = input.text()
  const stream = streams.find((s) => s.name === name)
  if (!stream) throw corrupt(`a block of the stream "${name}", which is not configured`)
  const sourceTopic = input.text()
  const sourcePartition = input.u32()
  const offsets = readDoubles(input, length) ?? new Float64Array(0)
  const timesMs = readDoubles(input, length) ?? new Float64Array(0)
  const types = (readColumn(input, 'string', 0, length) ?? nullColumn(TYPES, length)) as StringColumn
  const times: Column = { kind: 'number', values: timesMs }
  const columns: Column[] = new Array(stream.fields.length)
  for (let left = input.u32(); left > 0; left--) {
    const fieldName = input.text()
    const kind = COLUMN_KINDS[input.u8()]
    const scale = input.u8()
    if (!kind) throw corrupt(`kind of "${fieldName}"`)
    const shared = kind === 'types' ? types : kind === 'times' ? times : undefined
    const columnKind = shared ? shared.kind : (kind as Column['kind'])
    const column = shared ?? readColumn(input, columnKind, scale, length)
    const index = stream.fields.findIndex((f) => f.name === fieldName)
    if (index < 0) continue
    const field = stream.fields[index]!
    if (field.kind !== columnKind || (columnKind === 'decimal' && field.scale !== scale))
      throw corrupt(
        `"${name}.${fieldName}" was ${described(columnKind, scale)}, is ${described(field.kind, field.scale)}`,
      )
    columns[index] = column ?? nullColumn(field, length)
  }
  for (let i = 0; i < columns.length; i++) columns[i] ??= nullColumn(stream.fields[i]!, length)
  return { kind: 'block', stream: name, sourceTopic, sourcePartition, length, offsets, timesMs, types, columns }
}

const TYPES: Pick<Field, 'kind' | 'scale'> = { kind: 'string', scale: 0 }

function described(kind: Column['kind'], scale: number): string {
  return kind === 'decimal' ? `a decimal with ${scale} digits` : `a ${kind}`
}

function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, 12)))
}

function corrupt(what: string, cause?: unknown): EngineError {
  return new EngineError('STATE_CORRUPT', `log entry cannot be read: ${what}`, cause)
}
