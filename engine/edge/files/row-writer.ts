import { own } from '../../kit/own.ts'
import { BlockBuilder } from '../../model/block-builder.ts'
import { type TimeReader, timeFault, timeReaderOf } from '../../model/event-time.ts'
import { RecordCells } from '../../model/record-cells.ts'
import type { Stream } from '../../model/stream.ts'

/** Puts records as people write them into the blocks of one stream. */
export class RowWriter {
  readonly stream: Stream
  readonly builder: BlockBuilder
  readonly #cells: RecordCells
  readonly #time: TimeReader
  #nextOffset: number

  constructor(stream: Stream, sourceTopic: string, firstOffset: number) {
    this.stream = stream
    this.builder = new BlockBuilder(stream, sourceTopic, 0)
    this.#cells = new RecordCells(stream)
    this.#time = timeReaderOf(stream)
    this.#nextOffset = firstOffset
  }

  /** Epoch ms; NaN where the record has none that is taken for one. */
  timeOf(record: Readonly<Record<string, unknown>>): number {
    return this.#time(own(record, this.stream.timeField))
  }

  timeProblem(record: Readonly<Record<string, unknown>>): string {
    return timeFault(this.stream, own(record, this.stream.timeField))
  }

  /** Adds a row; or adds none and says what is wrong with it. */
  write(record: Readonly<Record<string, unknown>>, type: string, timeMs: number): string | null {
    const { builder } = this
    builder.begin(this.#nextOffset, timeMs, type)
    const problem = this.#cells.fill(record, builder)
    if (problem === null) this.#nextOffset += 1
    else builder.undo()
    return problem
  }
}
