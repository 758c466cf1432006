import type { Encoding } from '../../../kit/encodings.ts'
import { numbersUnder } from '../../../kit/exact-json.ts'
import type { BlockBuilder } from '../../../model/block-builder.ts'
import { type MappedRecords, mappedRecords } from '../../../model/mapped-records.ts'
import type { Stream } from '../../../model/stream.ts'
import { textNames } from '../../../model/text-names.ts'
import type { DeadLetter } from '../record-decoder.ts'
import { FieldNames } from './field-names.ts'
import { jsonObject } from './json-object.ts'
import { RecordRows } from './record-rows.ts'

/** Reads records that are one JSON object each, with the fields of the stream. */
export class JsonDecoder {
  readonly #rows: RecordRows
  readonly #names: FieldNames
  readonly #mapped: MappedRecords | null
  readonly #encoding: Encoding | undefined
  readonly #written: RegExp | null

  constructor(stream: Stream) {
    this.#encoding = stream.encoding
    this.#rows = new RecordRows(stream)
    this.#names = new FieldNames(stream)
    this.#mapped = mappedRecords(stream)
    this.#written = numbersUnder(textNames([stream]))
  }

  prepare(): null {
    return null
  }

  decode(
    bytes: Uint8Array | null,
    start: number,
    end: number,
    builder: BlockBuilder,
    offset: number,
    clockMs: number | null,
  ): DeadLetter | null {
    if (bytes === null) return { reason: 'MALFORMED', detail: 'no value' }
    const read = jsonObject(bytes, start, end, this.#encoding, this.#written)
    if ('bad' in read) return read.bad
    const mapped = this.#mapped?.of(read.object) ?? { record: read.object }
    if ('problem' in mapped) return { reason: 'MALFORMED', detail: mapped.problem }
    const row = mapped.record
    this.#names.rename(row)
    const event = { row, type: this.#rows.typeOf(row), timeMs: this.#rows.timeOf(row) }
    return this.#rows.add(event, builder, offset, clockMs)
  }
}
