import { strict as assert } from 'node:assert'
import { crc32 } from 'node:zlib'
import type { Batch, Block, Column, DecimalColumn, LogEntry, StringColumn } from './block.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { nullColumn } from './column.ts'
import { ALL_NULL, readColumn, readDoubles } from './column-codec.ts'
import { type ColumnRows, writeColumn, writeDoubles } from './column-writer.ts'
import { EngineError } from './errors.ts'
import { type Picked, type PickedRows, wholeBlock } from './picked.ts'
import { numbers, readPlaces, writePlaces } from './places-codec.ts'
import type { Field, Stream } from './stream.ts'

/*
 * One log entry as bytes, little-endian.
 *
 *    0  u32  magic "LPW1"
 *    4  u8   version, u8 kind, u16 zero
 *    8  u32  size of all of it
 *   12  u32  CRC-32 of bytes 0..12 and 16..end
 *   16  a block: u32 rows, stream, topic, where its rows come from (places-codec.ts), times, types, u32 columns, then for
 *       each: name, u8 kind, u8 scale, column (column-codec.ts), or for SAME u32, which of the columns before it equals;
 *       a batch: u32 blocks, each as above, u32 runs, then which block and how many rows of each as columns of numbers;
 *       or JSON of any other. Texts are u32 size + UTF-8
 *
 * A block carries its fields' names and kinds, so that a reader with another version of the schema finds them: one
 * that the block lacks is all null, one that the reader does not know is passed over, one of another kind or scale is
 * refused. The columns of the stream's type and time are stored once.
 */
const MAGIC = 0x3157504c
const VERSION = 1
export const ENTRY_HEADER_BYTES = 16
const ENTRY_KINDS: readonly LogEntry['kind'][] = ['block', 'mark', 'rules', 'list', 'broadcast', 'batch']
const COLUMN_KINDS = ['string', 'number', 'boolean', 'decimal', 'types', 'times', 'same'] as const
const COLUMNS_MAX = 100_000
assert(new Uint8Array(Uint32Array.of(1).buffer)[0] === 1, 'needs a little-endian machine')

const writer = new ByteWriter()

/** In memory of its own. `streams` must hold the block's stream, in the shape that the block was built for (assert). */
export function encodeEntry(entry: LogEntry, streams: readonly Stream[]): Uint8Array {
  begin(entry.kind)
  if (entry.kind === 'block') writeBlock(wholeBlock(entry), streams)
  else if (entry.kind === 'batch') writeBlocks(entry.blocks.map(wholeBlock), entry.runs, streams)
  else writer.text(JSON.stringify(entry))
  return finish()
}

/** The same bytes as the batch of these rows would have, without one being made. At least one row. */
export function encodeRows(rows: PickedRows, streams: readonly Stream[]): Uint8Array {
  const { picked, runs } = rows.byStream()
  begin('batch')
  writeBlocks(picked, runs, streams)
  return finish()
}

/** Size of the entry that begins with these bytes; null if none does. */
export function entrySize(header: Uint8Array): number | null {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength)
  const size = view.getUint32(8, true)
  return view.getUint32(0, true) === MAGIC && size >= ENTRY_HEADER_BYTES ? size : null
}

function begin(kind: LogEntry['kind']): void {
  const number = ENTRY_KINDS.indexOf(kind)
  assert(number >= 0, `an entry of a kind that there is: ${kind}`)
  writer.reset()
  writer.u32(MAGIC)
  writer.u32(VERSION | (number << 8))
  writer.u32(0)
  writer.u32(0)
}

function finish(): Uint8Array {
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
  const input = new ByteReader(bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes), ENTRY_HEADER_BYTES)
  try {
    const entry = readEntry(kind, input, streams)
    if (!input.atEnd || entry.kind !== kind) throw corrupt('the parts do not fit together')
    return entry
  } catch (error) {
    if (error instanceof EngineError) throw error
    throw corrupt((error as Error).message, error)
  }
}

function readEntry(kind: LogEntry['kind'], input: ByteReader, streams: readonly Stream[]): LogEntry {
  if (kind === 'block') return readBlock(input, streams)
  return kind === 'batch' ? readBatch(input, streams) : (JSON.parse(input.text()) as LogEntry)
}

function checkedKind(bytes: Uint8Array): LogEntry['kind'] {
  if (bytes.length < ENTRY_HEADER_BYTES) throw corrupt(`${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== MAGIC) throw corrupt('not a log entry')
  if (bytes[4] !== VERSION) throw corrupt(`version ${bytes[4]}, this engine reads ${VERSION}`)
  if (view.getUint32(8, true) !== bytes.length) throw corrupt(`${bytes.length} bytes of ${view.getUint32(8, true)}`)
  if (view.getUint32(12, true) !== checksum(bytes)) throw corrupt('checksum')
  const kind = ENTRY_KINDS[bytes[5]!]
  if (!kind) throw corrupt(`kind ${bytes[5]}`)
  return kind
}

function writeBlocks(blocks: readonly Picked[], runs: ArrayLike<number>, streams: readonly Stream[]): void {
  writer.u32(blocks.length)
  for (const block of blocks) writeBlock(block, streams)
  writer.u32(runs.length / 2)
  for (const part of [0, 1]) {
    const values = Float64Array.from({ length: runs.length / 2 }, (_, i) => runs[2 * i + part]!)
    if (values.length > 0) writeDoubles(writer, values)
  }
}

function readBatch(input: ByteReader, streams: readonly Stream[]): Batch {
  const blocks: Block[] = []
  for (let left = input.u32(); left > 0; left--) blocks.push(readBlock(input, streams))
  const count = input.u32()
  const runs = new Uint32Array(2 * input.sized(count, 8))
  for (const part of count > 0 ? [0, 1] : []) {
    const values = numbers(readDoubles(input, count), count)
    for (let i = 0; i < values.length; i++) runs[2 * i + part] = values[i]!
  }
  const rows = new Float64Array(blocks.length)
  for (let i = 0; i < runs.length; i += 2) {
    if (runs[i]! >= blocks.length) throw corrupt(`a run of block ${runs[i]}`)
    rows[runs[i]!]! += runs[i + 1]!
  }
  if (blocks.some((block, i) => block.length !== rows[i])) throw corrupt('runs and blocks differ')
  return { kind: 'batch', blocks, runs, length: blocks.reduce((sum, { length }) => sum + length, 0) }
}

function writeBlock(picked: Picked, streams: readonly Stream[]): void {
  const { blocks, which, rows, length } = picked
  const first = blocks[which[0]!]!
  const stream = streams.find((s) => s.name === first.stream)
  assert(stream, `unknown stream ${first.stream}`)
  const of = <C extends Column>(column: (block: Block) => C): ColumnRows<C> => ({
    columns: blocks.map((block) => (block.stream === first.stream ? column(block) : column(first))),
    which,
    rows,
    length,
  })
  writer.u32(length)
  writer.text(first.stream)
  writer.text(first.sourceTopic)
  writePlaces(writer, picked)
  writeWhole(of(({ timesMs }) => ({ kind: 'number', values: timesMs })))
  writeWhole(of(({ types }) => types))
  const written = writer.hole32()
  let count = 0
  const decimals: { readonly index: number; readonly scale: number; readonly from: ColumnRows<DecimalColumn> }[] = []
  for (let i = 0; i < stream.fields.length; i++) {
    const { name, kind, scale } = stream.fields[i]!
    const from = of((block) => block.columns[i]!)
    const column = first.columns[i]
    assert(column?.kind === kind && from.columns.every((c) => c.kind === kind), `${name} is a column of its kind`)
    const isTimes = column.kind === 'number' && column.values === first.timesMs
    const start = writer.position
    writer.text(name)
    if (column === first.types || isTimes) {
      writer.u8(COLUMN_KINDS.indexOf(isTimes ? 'times' : 'types'))
      writer.u8(0)
    } else if (kind === 'decimal') {
      const rows = from as ColumnRows<DecimalColumn>
      const like = decimals.find((other) => other.scale === scale && areEqual(other.from, rows))
      writer.u8(COLUMN_KINDS.indexOf(like ? 'same' : kind))
      writer.u8(scale)
      if (like) writer.u32(like.index)
      else if (writeColumn(writer, kind, from)) decimals.push({ index: count, scale, from: rows })
      else {
        writer.back(start)
        continue
      }
    } else {
      writer.u8(COLUMN_KINDS.indexOf(kind))
      writer.u8(0)
      if (!writeColumn(writer, kind, from)) {
        writer.back(start)
        continue
      }
    }
    count += 1
  }
  writer.fill32(written, count)
}

/** Also where all of it is null. */
function writeWhole(from: ColumnRows): void {
  if (!writeColumn(writer, from.columns[0]!.kind, from)) writer.u8(ALL_NULL)
}

function areEqual(a: ColumnRows<DecimalColumn>, b: ColumnRows<DecimalColumn>): boolean {
  const { which, rows, length } = a
  for (let k = 0; k < length; k++) {
    const [one, other, row] = [a.columns[which[k]!]!, b.columns[which[k]!]!, rows[k]!]
    if (one.low[row] !== other.low[row] || one.high[row] !== other.high[row]) return false
  }
  return true
}

function readBlock(input: ByteReader, streams: readonly Stream[]): Block {
  const length = input.u32()
  const name = input.text()
  const stream = streams.find((s) => s.name === name)
  if (!stream) throw corrupt(`a block of the stream "${name}", which is not configured`)
  const sourceTopic = input.text()
  const places = readPlaces(input, length)
  const timesMs = numbers(readDoubles(input, length), length)
  const types = (readColumn(input, 'string', 0, length) ?? nullColumn(TYPES, input.sized(length, 5))) as StringColumn
  const times: Column = { kind: 'number', values: timesMs }
  const columns: Column[] = new Array(stream.fields.length)
  const read: (Column | null)[] = []
  const count = input.u32()
  if (count > COLUMNS_MAX) throw corrupt(`${count} columns`)
  for (let i = 0; i < count; i++) {
    const fieldName = input.text()
    const kind = COLUMN_KINDS[input.u8()]
    const scale = input.u8()
    if (!kind) throw corrupt(`kind of "${fieldName}"`)
    const column = readOne(kind, { input, scale, length, types, times, read })
    read.push(column)
    const index = stream.fields.findIndex((f) => f.name === fieldName)
    if (index < 0) continue
    const field = stream.fields[index]!
    const columnKind = column?.kind ?? (kind as Column['kind'])
    if (field.kind !== columnKind || (columnKind === 'decimal' && field.scale !== scale))
      throw corrupt(
        `"${name}.${fieldName}" was ${described(columnKind, scale)}, is ${described(field.kind, field.scale)}`,
      )
    columns[index] = column ?? nullColumn(field, input.sized(length, 8))
  }
  for (let i = 0; i < columns.length; i++) columns[i] ??= nullColumn(stream.fields[i]!, input.sized(length, 8))
  return { kind: 'block', stream: name, sourceTopic, ...places, length, timesMs, types, columns }
}

interface Reading {
  readonly input: ByteReader
  readonly scale: number
  readonly length: number
  readonly types: StringColumn
  readonly times: Column
  readonly read: readonly (Column | null)[]
}

function readOne(kind: (typeof COLUMN_KINDS)[number], reading: Reading): Column | null {
  const { input, scale, length, types, times, read } = reading
  if (kind === 'types') return types
  if (kind === 'times') return times
  if (kind !== 'same') return readColumn(input, kind, scale, length)
  const column = read[input.u32()]
  if (!column) throw corrupt('a column that equals none')
  return column
}

const TYPES: Pick<Field, 'kind' | 'scale'> = { kind: 'string', scale: 0 }

function described(kind: Column['kind'], scale: number): string {
  return kind === 'decimal' ? `a decimal with ${scale} digits` : `a ${kind}`
}

function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(ENTRY_HEADER_BYTES), crc32(bytes.subarray(0, 12)))
}

function corrupt(what: string, cause?: unknown): EngineError {
  return new EngineError('STATE_CORRUPT', `log entry cannot be read: ${what}`, cause)
}
