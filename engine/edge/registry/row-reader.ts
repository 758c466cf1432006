import type { BlockBuilder } from '../../model/block-builder.ts'
import type { DecimalColumnBuilder } from '../../model/column-builder.ts'
import { type TimeReader, timeReaderOf } from '../../model/event-time.ts'
import type { Stream } from '../../model/stream.ts'
import { FAULT, faultAt } from './fault.ts'
import type { Head, Reader } from './reader.ts'
import { branchesOf, holdsText, isBytes, isRecord, isUnion, type Matched, type RecordType } from './schemas-matched.ts'
import { checkOf, type Skip, skipOf } from './skip.ts'
import type { Source } from './source.ts'
import { cursor, readLong } from './varint.ts'

type AvroRecord = Readonly<Record<string, unknown>>

/**
 * The reference that generated code (read-code.ts) is tested and measured against: reads a writer's schema by way of avsc's
 * objects and Avro's own rules, some ten times slower.
 */
export class RowReader implements Reader {
  readonly names: readonly string[]
  readonly #stream: Stream
  readonly #matched: Matched
  readonly #resolver: ReturnType<RecordType['createResolver']> | undefined
  /** What the bytes must pass before avsc has them, which trusts them: by branch, by field. */
  readonly #checks: readonly (readonly Skip[])[]
  readonly #time: TimeReader
  /** By field of the stream; 0 where it is no decimal. */
  readonly #scales: readonly number[]

  /** Throws an Error where a union's records have decimals of different scales for one field. */
  constructor(stream: Stream, matched: Matched) {
    this.#stream = stream
    this.#matched = matched
    this.#time = timeReaderOf(stream)
    const { reader, writer } = matched
    this.#resolver = reader === writer ? undefined : reader.createResolver(writer)
    const records = branchesOf(matched.writer).filter(isRecord)
    this.names = isRecord(matched.writer) ? matched.writer.fields.map(({ name }) => name) : []
    this.#checks = records.map((record) => checksOf(record, matched))
    this.#scales = stream.fields.map((_, i) => scaleOf(stream, i, records, matched))
  }

  read({ bytes }: Source, start: number, end: number, builder: BlockBuilder, row: number, head: Head): number {
    const fault = this.#check(bytes, start, end)
    if (fault !== 0) return fault
    const { reader } = this.#matched
    const buffer = Buffer.from(bytes.buffer, start, end - start)
    this.#fill(reader.decode(buffer, 0, this.#resolver).value as AvroRecord, builder, row, head)
    return 0
  }

  #check(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    let checks = this.#checks[0]
    if (isUnion(this.#matched.writer)) {
      checks = this.#checks[readLong(bytes, at)]
      if (!checks) return FAULT.branch
      at = cursor.at
    }
    for (let i = 0; i < checks.length; i++) {
      at = checks[i](bytes, at, end, 0)
      if (at < 0) return faultAt(i, -at)
    }
    return at === end ? 0 : FAULT.size
  }

  #fill(record: AvroRecord, builder: BlockBuilder, row: number, head: Head): void {
    const { fields, timeField } = this.#stream
    for (let i = 0; i < fields.length; i++) {
      const { name, kind } = fields[i]
      const value = record[name]
      if (name === timeField) head.timeMs = this.#time(value)
      if (value === null || value === undefined) continue
      if (kind === 'decimal') {
        const bytes = value as Buffer
        const column = builder.columns[i] as DecimalColumnBuilder
        if (!column.setBytes(row, bytes, 0, bytes.length, this.#scales[i])) head.unfit = i
      } else if (builder.columns[i] === builder.types) builder.types.set(row, String(value))
      else if (kind === 'string') builder.string(i, String(value))
      else builder.number(i, Number(value))
    }
  }
}

function checksOf(record: RecordType, { reader, readersOf }: Matched): Skip[] {
  return record.fields.map((field) => {
    const readers = readersOf(field).map((i) => reader.fields[i])
    return readers.length === 0 ? skipOf(field.type) : checkOf(field.type, readers.some(holdsText))
  })
}

function scaleOf(stream: Stream, index: number, records: readonly RecordType[], matched: Matched): number {
  const { name, kind, scale } = stream.fields[index]
  if (kind !== 'decimal') return 0
  const types = records.flatMap(({ fields }) =>
    fields.filter((field) => matched.readersOf(field).includes(index)).flatMap(({ type }) => branchesOf(type)),
  )
  const scales = new Set(
    types.filter((type) => isBytes(type) || type.typeName === 'fixed').map((type) => matched.scaleOf(type) ?? scale),
  )
  if (scales.size > 1) throw new Error(`decimals of several scales for field "${name}"`)
  return scales.size === 0 ? scale : [...scales][0]
}
