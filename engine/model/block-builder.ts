import { strict as assert } from 'node:assert'
import type { Block, Column } from './block.ts'
import {
  Arena,
  type ColumnBuilder,
  DecimalColumnBuilder,
  NumberColumnBuilder,
  padded,
  StringColumnBuilder,
  type TextLimit,
} from './column-builder.ts'
import { type Stream, TEXT_BYTES_MAX } from './stream.ts'

/**
 * Makes blocks of one source partition, row by row: `begin`, then the row's fields in any order, then the next `begin`.
 *
 * Fields that a row does not set are null; setting one twice keeps the latter. The stream's type and time fields come
 * from `begin`: their columns are the very objects `types` and a view of `timesMs`, and setting them does nothing.
 * A field index must be that of a field of the method's kind: anything else is a programmer's mistake and throws.
 */
export class BlockBuilder {
  readonly stream: Stream
  readonly sourceTopic: string
  readonly sourcePartition: number
  readonly #strings: (StringColumnBuilder | undefined)[] = []
  readonly #numbers: (NumberColumnBuilder | undefined)[] = []
  readonly #decimals: (DecimalColumnBuilder | undefined)[] = []
  /**
   * For code that fills columns itself, between `beginAt` and `endAt`: in the order of the fields; the type's is `types`,
   * the time has none.
   */
  readonly columns: readonly (ColumnBuilder | null)[]
  readonly types: StringColumnBuilder
  readonly #textLimit: TextLimit
  readonly #typeIndex: number
  readonly #timeIndex: number
  #offsets = new Float64Array(64)
  #timesMs = new Float64Array(64)
  #row = -1

  constructor(stream: Stream, sourceTopic: string, sourcePartition: number) {
    this.stream = stream
    this.sourceTopic = sourceTopic
    this.sourcePartition = sourcePartition
    this.#textLimit = { bytesMax: stream.textBytesMax ?? TEXT_BYTES_MAX, exceeded: null }
    this.types = new StringColumnBuilder(this.#textLimit)
    const typeField = 'field' in stream.type ? stream.type.field : null
    this.#typeIndex = stream.fields.findIndex((f) => f.name === typeField)
    this.#timeIndex = stream.fields.findIndex((f) => f.name === stream.timeField && f.kind === 'number')
    stream.fields.forEach((field, i) => {
      if (i === this.#typeIndex || i === this.#timeIndex) return
      if (field.kind === 'string') this.#strings[i] = new StringColumnBuilder(this.#textLimit)
      else if (field.kind === 'decimal') this.#decimals[i] = new DecimalColumnBuilder(field.scale)
      else this.#numbers[i] = new NumberColumnBuilder(field.kind)
    })
    this.columns = stream.fields.map((_, i) =>
      i === this.#typeIndex ? this.types : (this.#strings[i] ?? this.#numbers[i] ?? this.#decimals[i] ?? null),
    )
  }

  /** Rows begun since the last `build`. */
  get length(): number {
    return this.#row + 1
  }

  /** Starts a row. `offset` must rise; a fraction of a millisecond is cut off. */
  begin(offset: number, timeMs: number, type: string): void {
    const row = this.beginAt(offset)
    this.types.set(row, type)
    this.endAt(timeMs)
  }

  /** Starts a row whose time and type come later: `types` must be filled, and `endAt` or `undo` called. Its number. */
  beginAt(offset: number): number {
    const row = ++this.#row
    if (row >= this.#offsets.length) this.#grow()
    // Not `assert(…)`, whose call costs more than the rest.
    if (row > 0 && !(offset > this.#offsets[row - 1]!)) assert.fail('source offsets must rise')
    this.#offsets[row] = offset
    this.#textLimit.exceeded = null
    return row
  }

  /** The time of the row that was started by `beginAt`; a fraction of a millisecond is cut off. */
  endAt(timeMs: number): void {
    this.#timesMs[this.#row] = Math.floor(timeMs)
  }

  /** Why the row must be taken back, where one of its texts is longer than the stream allows; null = none is. */
  get tooLong(): string | null {
    const { exceeded, bytesMax } = this.#textLimit
    if (exceeded === null) return null
    const { name, fields } = this.stream
    const field = fields[this.columns.indexOf(exceeded)]?.name ?? 'type'
    const bytes = exceeded.endOf(this.#row) - exceeded.startOf(this.#row)
    return `"${field}" has ${bytes} bytes, at most ${bytesMax}: max_text_bytes of stream ${name}`
  }

  /** Takes the row back that was begun last. */
  undo(): void {
    assert(this.#row >= 0, 'no row to take back')
    this.#row -= 1
    this.types.truncate(this.length)
    for (let i = 0; i < this.stream.fields.length; i++) {
      this.#strings[i]?.truncate(this.length)
      this.#numbers[i]?.truncate(this.length)
      this.#decimals[i]?.truncate(this.length)
    }
  }

  /** Lone surrogates become U+FFFD. */
  string(fieldIndex: number, value: string | null): void {
    if (fieldIndex === this.#typeIndex) return
    const column = this.#strings[fieldIndex]!
    if (value === null) column.setNull(this.#row)
    else column.set(this.#row, value)
  }

  /** `source[start..end)` must be UTF-8. */
  stringBytes(fieldIndex: number, source: Uint8Array, start: number, end: number): void {
    if (fieldIndex !== this.#typeIndex) this.#strings[fieldIndex]!.setBytes(this.#row, source, start, end)
  }

  /** NaN is null; booleans are 0 and 1. */
  number(fieldIndex: number, value: number): void {
    if (fieldIndex !== this.#timeIndex) this.#numbers[fieldIndex]!.set(this.#row, value)
  }

  /** In the field's own scale. */
  decimal(fieldIndex: number, high: number, low: number): void {
    this.#decimals[fieldIndex]!.set(this.#row, high, low)
  }

  /** Rounded half away from zero to the field's scale. False, and null, when it is no number or does not fit. */
  decimalFrom(fieldIndex: number, value: number | string): boolean {
    return this.#decimals[fieldIndex]!.setFrom(this.#row, value)
  }

  /** The rows since the last time, in memory of their own; the builder is empty again. */
  build(): Block {
    const rows = this.length
    let sizeBytes = 2 * 8 * rows + this.types.sizeBytes(rows)
    const fields = this.stream.fields
    for (let i = 0; i < fields.length; i++) {
      const column = this.#strings[i] ?? this.#numbers[i] ?? this.#decimals[i]
      if (column) sizeBytes += column.sizeBytes(rows)
    }
    const arena = new Arena(padded(sizeBytes))
    const timesMs = arena.doubles(this.#timesMs, rows)
    const types = this.types.build(rows, arena)
    const columns: Column[] = []
    for (let i = 0; i < fields.length; i++) {
      if (i === this.#typeIndex) columns.push(types)
      else if (i === this.#timeIndex) columns.push({ kind: 'number', values: timesMs })
      else columns.push((this.#strings[i] ?? this.#numbers[i] ?? this.#decimals[i])!.build(rows, arena))
    }
    const offsets = arena.doubles(this.#offsets, rows)
    this.#row = -1
    const { name: stream } = this.stream
    const { sourceTopic, sourcePartition } = this
    return { kind: 'block', stream, sourceTopic, sourcePartition, length: rows, offsets, timesMs, types, columns }
  }

  #grow(): void {
    const rows = 2 * this.#offsets.length
    const offsets = new Float64Array(rows)
    offsets.set(this.#offsets)
    this.#offsets = offsets
    const timesMs = new Float64Array(rows)
    timesMs.set(this.#timesMs)
    this.#timesMs = timesMs
  }
}
