import avsc from 'avsc'
import { shippedSchema } from './record-encoder.ts'
import { WIRE_HEADER_BYTES } from './wire.ts'

/** Reads back what `OutputEncoder` wrote, by the shipped schemas. */
export class OutputDecoder {
  readonly #type: avsc.Type

  constructor(schema: 'alert' | 'ranking') {
    this.#type = avsc.Type.forSchema(shippedSchema(schema) as avsc.Schema)
  }

  /** Plain JSON data, as JSON lines have it: `truncated` only where it is true. Throws on bytes that are no such record. */
  decode(bytes: Buffer): object {
    const record = this.#type.fromBuffer(bytes.subarray(WIRE_HEADER_BYTES)) as { truncated?: boolean }
    if (!record.truncated) delete record.truncated
    return record
  }
}
