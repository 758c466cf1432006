import avsc from 'avsc'
import { shippedSchema } from './record-encoder.ts'
import { type Skip, skipOf } from './skip.ts'
import { WIRE_HEADER_BYTES } from './wire.ts'

/** Reads back what `OutputEncoder` wrote, by the shipped schemas. */
export class OutputDecoder {
  readonly #type: avsc.Type
  readonly #check: Skip

  constructor(schema: 'alert' | 'ranking') {
    this.#type = avsc.Type.forSchema(shippedSchema(schema) as avsc.Schema)
    this.#check = skipOf(this.#type)
  }

  /**
   * Plain JSON data, as JSON lines have it: `truncated` only where it is true, `now` only where
   * there is one. Throws on bytes that are no such record.
   */
  decode(bytes: Buffer): object {
    const behind = this.#check(bytes, WIRE_HEADER_BYTES, bytes.length, 0) // avsc believes what counts say
    if (behind !== bytes.length) throw new Error('it is not one record of the schema')
    const record = this.#type.fromBuffer(bytes.subarray(WIRE_HEADER_BYTES)) as {
      truncated?: boolean
      now?: object | null
    }
    if (!record.truncated) delete record.truncated
    if (!record.now) delete record.now
    return record
  }
}
