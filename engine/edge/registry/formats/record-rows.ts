import { own } from '../../../kit/own.ts'
import type { BlockBuilder } from '../../../model/block-builder.ts'
import { isPlausible, type TimeReader, timeFault, timeReaderOf } from '../../../model/event-time.ts'
import { RecordCells } from '../../../model/record-cells.ts'
import { shown } from '../../../model/shown.ts'
import { type Stream, typeMatches } from '../../../model/stream.ts'
import type { DeadLetter } from '../record-decoder.ts'
import type { JsonObject } from './json-object.ts'

/** An event on its way into a row. */
export interface RowEvent {
  readonly row: JsonObject
  readonly type: unknown
  /** Epoch ms; NaN where there is none. */
  readonly timeMs: number
}

/** Puts records that are objects into the rows of a stream, or says why one is no event of it. */
export class RecordRows {
  readonly #stream: Stream
  readonly #cells: RecordCells
  readonly #time: TimeReader

  constructor(stream: Stream) {
    this.#stream = stream
    this.#cells = new RecordCells(stream)
    this.#time = timeReaderOf(stream)
  }

  /** True where the row has a time of its own, good or bad. */
  hasTime(row: JsonObject): boolean {
    const time = own(row, this.#stream.timeField)
    return time !== undefined && time !== null && time !== ''
  }

  /** Epoch ms of the row's own time; NaN where there is none that can be read. */
  timeOf(row: JsonObject): number {
    return this.#time(own(row, this.#stream.timeField))
  }

  /** The type that the row itself holds, or the only one that there is. */
  typeOf(row: JsonObject): unknown {
    const { type } = this.#stream
    return 'fixed' in type ? type.fixed : own(row, type.field)
  }

  /** Appends one row; or appends none and says why. `clockMs` null: no event is from the future. */
  add(event: RowEvent, builder: BlockBuilder, offset: number, clockMs: number | null): DeadLetter | null {
    const { row, type, timeMs } = event
    const { maxAheadMs } = this.#stream
    if (typeof type !== 'string' || type === '') return { reason: 'UNKNOWN_TYPE', detail: this.#noType(type) }
    if (!this.#carries(type)) return { reason: 'UNKNOWN_TYPE', detail: `type ${shown(type)}` }
    if (!isPlausible(timeMs)) return { reason: 'NO_TIME', detail: this.#noTime(row, timeMs) }
    if (clockMs !== null && timeMs > clockMs + maxAheadMs)
      return { reason: 'FUTURE_TIME', detail: `${timeMs - clockMs} ms ahead, at most ${maxAheadMs}` }
    builder.begin(offset, timeMs, type)
    const problem = this.#cells.fill(row, builder)
    if (problem === null) return null
    builder.undo()
    return { reason: 'MALFORMED', detail: problem }
  }

  #carries(type: string): boolean {
    return 'fixed' in this.#stream.type ? type === this.#stream.type.fixed : typeMatches(this.#stream.types, type)
  }

  #noTime(row: JsonObject, timeMs: number): string {
    const fault = timeFault(this.#stream, own(row, this.#stream.timeField))
    if (this.hasTime(row) || Number.isNaN(timeMs)) return fault
    return `${fault}, and its own is in the year ${new Date(timeMs).getUTCFullYear()}`
  }

  #noType(type: unknown): string {
    const field = 'field' in this.#stream.type ? this.#stream.type.field : 'type'
    return type === undefined || type === null || type === ''
      ? `no "${field}"`
      : `"${field}" is no text: ${shown(type)}`
  }
}
