import avsc from 'avsc'
import { LogCorrupt } from '../../model/errors.ts'
import { shippedSchema } from './record-encoder.ts'
import { type Skip, skipOf } from './skip.ts'
import { WIRE_HEADER_BYTES } from './wire.ts'

const NO_OUTPUT = 'a record that is no output of this engine'

/** Reads back what `OutputEncoder` wrote, by the shipped schemas. */
export class OutputDecoder {
  readonly #type: avsc.Type
  readonly #check: Skip

  constructor(schema: 'alert' | 'ranking') {
    this.#type = avsc.Type.forSchema(shippedSchema(schema) as avsc.Schema)
    this.#check = skipOf(this.#type)
  }

  /** Plain JSON data, as JSON lines have it: `truncated` and `now` only where there are any. LOG_CORRUPT: none. */
  decode(bytes: Buffer): object {
    const behind = this.#check(bytes, WIRE_HEADER_BYTES, bytes.length, 0) // avsc believes what counts say
    if (behind !== bytes.length) throw new LogCorrupt(NO_OUTPUT)
    let record: { truncated?: boolean; now?: object | null }
    try {
      record = this.#type.fromBuffer(bytes.subarray(WIRE_HEADER_BYTES))
    } catch (error) {
      throw new LogCorrupt(`${NO_OUTPUT}: ${(error as Error).message}`, '', Number.NaN, Number.NaN, error)
    }
    if (!record.truncated) delete record.truncated
    if (!record.now) delete record.now
    return record
  }
}
