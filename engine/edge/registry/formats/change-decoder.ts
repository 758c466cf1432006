import { own } from '../../../kit/own.ts'
import type { BlockBuilder } from '../../../model/block-builder.ts'
import type { Counters } from '../../../model/counters.ts'
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
  readonly #passedOver: (change: string) => void

  constructor(stream: Stream, reader: ChangeReader, counters: Counters) {
    this.#captured = stream.captured!
    this.#reader = reader
    this.#rows = new RecordRows(stream)
    this.#names = new FieldNames(stream)
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
      const { row } = change
      this.#names.rename(row)
      const outcome = this.#outcomeOf(change)
      if ('passed' in outcome) {
        passed.push(outcome.passed)
        continue
      }
      const event = { row, type: outcome.type, timeMs: this.#timeOf(change) }
      const bad = this.#rows.add(event, builder, offsetOfRow(offset, i), clockMs)
      if (!bad) continue
      while (builder.length > before) builder.undo()
      return changes.length === 1 ? bad : { ...bad, detail: `row ${i + 1} of ${changes.length}: ${bad.detail}` }
    }
    for (const change of passed) this.#passedOver(change)
    return null
  }

  #timeOf({ row, ownMs, sourceMs }: Change): number {
    if (!this.#rows.hasTime(row)) return sourceMs
    return ownMs ?? this.#rows.timeOf(row)
  }

  #outcomeOf(change: Change): { type: unknown } | { passed: string } {
    const { kind, row } = change
    const captured = this.#captured
    if (kind !== 'snapshot') return this.#typeBy(captured[kind], change)
    if (!captured.snapshot) return { passed: 'snapshot' }
    return this.#rows.hasTime(row) ? this.#typeBy(captured.insert, change) : { passed: 'snapshot_without_time' }
  }

  #typeBy(outcome: ChangeOutcome, { kind, row, before }: Change): { type: unknown } | { passed: string } {
    if (outcome === 'ignored') return { passed: kind }
    if (outcome === 'own') return { type: this.#rows.typeOf(row) }
    if ('type' in outcome) return outcome
    if (kind === 'update' && before === null) return { passed: 'update_before_unknown' }
    const value = textOf(own(row, outcome.column))
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
