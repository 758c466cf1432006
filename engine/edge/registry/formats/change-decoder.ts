import { own } from '../../../kit/own.ts'
import type { BlockBuilder } from '../../../model/block-builder.ts'
import type { Counters } from '../../../model/counters.ts'
import { type MappedRecords, mappedRecords } from '../../../model/mapped-records.ts'
import { textOf } from '../../../model/record-cells.ts'
import { offsetOfRow, ROWS_PER_RECORD_MAX } from '../../../model/source-position.ts'
import type { Captured, ChangeOutcome, Stream } from '../../../model/stream.ts'
import type { DeadLetter } from '../record-decoder.ts'
import { type Change, isTable, type Reading } from './change.ts'
import { FieldNames } from './field-names.ts'
import type { JsonObject } from './json-object.ts'
import { RecordRows } from './record-rows.ts'

/** Reads the records of one tool; `prepare` as that of a decoder. */
export interface ChangeReader {
  prepare(bytes: Uint8Array | null, start: number, end: number): Promise<void> | null
  read(bytes: Uint8Array, start: number, end: number): Reading
}

/**
 * Turns changes of a captured table into rows, as the stream's configuration says.
 *
 * One record   all its rows, at fractions of its offset, or none: one that is bad makes the record a dead letter
 * Passed over  changes that are not configured, and records that are none: `cdc_passed_over_total`, by what they are
 * Time         the row's own; else the source's, but not for rows of a snapshot: it was taken much later
 */
export class ChangeDecoder {
  readonly #captured: Captured
  readonly #reader: ChangeReader
  readonly #rows: RecordRows
  readonly #names: FieldNames
  readonly #mapped: MappedRecords | null
  readonly #passedOver: (change: string) => void

  constructor(stream: Stream, reader: ChangeReader, counters: Counters) {
    this.#captured = stream.captured!
    this.#reader = reader
    this.#rows = new RecordRows(stream)
    this.#names = new FieldNames(stream)
    this.#mapped = mappedRecords(stream)
    this.#passedOver = (change) => {
      counters.counter('cdc_passed_over_total', { stream: stream.name, change }).value++
    }
  }

  prepare(bytes: Uint8Array | null, start: number, end: number): Promise<void> | null {
    return this.#reader.prepare(bytes, start, end)
  }

  decode(
    bytes: Uint8Array | null,
    start: number,
    end: number,
    builder: BlockBuilder,
    offset: number,
    clockMs: number | null,
  ): DeadLetter | null {
    if (bytes === null) return this.#pass('tombstone')
    const reading = this.#reader.read(bytes, start, end)
    if ('bad' in reading) return reading.bad
    if ('passed' in reading) return this.#pass(reading.passed)
    const { changes, table } = reading
    const isOurs = this.#captured.table === null || isTable(table, this.#captured.table)
    if (isOurs === null) return { reason: 'MALFORMED', detail: 'it does not say which table it is about' }
    if (!isOurs) return this.#pass('other_table')
    if (changes.length > ROWS_PER_RECORD_MAX)
      return { reason: 'OVERSIZED', detail: `${changes.length} rows, at most ${ROWS_PER_RECORD_MAX}` }
    return this.#append(changes, builder, offset, clockMs)
  }

  #append(
    changes: readonly Change[],
    builder: BlockBuilder,
    offset: number,
    clockMs: number | null,
  ): DeadLetter | null {
    const before = builder.length
    const passed: string[] = []
    for (const [i, change] of changes.entries()) {
      const bad = this.#appendOne(change, builder, offsetOfRow(offset, i), clockMs, passed)
      if (!bad) continue
      while (builder.length > before) builder.undo()
      return changes.length === 1 ? bad : { ...bad, detail: `row ${i + 1} of ${changes.length}: ${bad.detail}` }
    }
    for (const change of passed) this.#passedOver(change)
    return null
  }

  /** What becomes no event goes to `passed`. */
  #appendOne(
    change: Change,
    builder: BlockBuilder,
    offset: number,
    clockMs: number | null,
    passed: string[],
  ): DeadLetter | null {
    const mapped = this.#mapped?.of(change.row) ?? { record: change.row }
    if ('problem' in mapped) return { reason: 'MALFORMED', detail: mapped.problem }
    const row = mapped.record
    this.#names.rename(row)
    const outcome = this.#outcomeOf(change, row)
    if ('passed' in outcome) {
      passed.push(outcome.passed)
      return null
    }
    const event = { row, type: outcome.type, timeMs: this.#timeOf(change, row) }
    return this.#rows.add(event, builder, offset, clockMs)
  }

  #timeOf({ ownMs, sourceMs }: Change, row: JsonObject): number {
    if (!this.#rows.hasTime(row)) return sourceMs
    return ownMs ?? this.#rows.timeOf(row)
  }

  /** `row`: that of the change, in the words of the stream. */
  #outcomeOf(change: Change, row: JsonObject): { type: unknown } | { passed: string } {
    const { kind } = change
    const captured = this.#captured
    if (kind !== 'snapshot') return this.#typeBy(captured[kind], change, row)
    if (!captured.snapshot) return { passed: 'snapshot' }
    return this.#rows.hasTime(row) ? this.#typeBy(captured.insert, change, row) : { passed: 'snapshot_without_time' }
  }

  #typeBy(outcome: ChangeOutcome, change: Change, row: JsonObject): { type: unknown } | { passed: string } {
    const { kind, before } = change
    if (outcome === 'ignored') return { passed: kind }
    if (outcome === 'own') return { type: this.#rows.typeOf(row) }
    if ('type' in outcome) return outcome
    if (kind === 'update' && before === null) return { passed: 'update_before_unknown' }
    const value = textOf(own(change.row, outcome.column))
    const isNews = kind !== 'update' || hasChanged(before!, outcome.column, value)
    return value !== null && isNews && Object.hasOwn(outcome.types, value)
      ? { type: outcome.types[value] }
      : { passed: kind }
  }

  #pass(change: string): null {
    this.#passedOver(change)
    return null
  }
}

/** A column that is not among those before has kept its value. */
function hasChanged(before: JsonObject, column: string, value: string | null): boolean {
  return Object.hasOwn(before, column) && textOf(before[column]) !== value
}
