import type { BlockBuilder } from '../../../model/block-builder.ts'
import type { Counters } from '../../../model/counters.ts'
import type { Stream } from '../../../model/stream.ts'
import { OwnIds } from '../own-ids.ts'
import { type DeadLetter, RecordDecoder } from '../record-decoder.ts'
import type { Schemas } from '../schemas.ts'
import { CanalReader } from './canal-reader.ts'
import { ChangeDecoder } from './change-decoder.ts'
import { DebeziumReader } from './debezium-reader.ts'
import { JsonDecoder } from './json-decoder.ts'
import { MaxwellReader } from './maxwell-reader.ts'

/** As `Decoder` of the Kafka edge. */
export interface StreamDecoder {
  prepare(bytes: Uint8Array | null, start: number, end: number): Promise<void> | null
  decode(
    bytes: Uint8Array | null,
    start: number,
    end: number,
    builder: BlockBuilder,
    offset: number,
    clockMs: number | null,
  ): DeadLetter | null
}

/**
 * The decoder for the records of a stream's topic, by the stream's format. `schemas` null: there is no registry.
 * Changes that are passed over go to `counters`, as `cdc_passed_over_total`. Decoders that share `ownIds` agree on the id of
 * a stream's own schema.
 */
export function decoderFor(
  stream: Stream,
  schemas: Schemas | null,
  counters: Counters,
  ownIds = new OwnIds(),
): StreamDecoder {
  switch (stream.format ?? 'avro') {
    case 'avro':
      return new RecordDecoder(stream, schemas, ownIds)
    case 'json':
      return new JsonDecoder(stream)
    case 'debezium':
      return new ChangeDecoder(stream, new DebeziumReader(stream, schemas), counters)
    case 'canal':
      return new ChangeDecoder(stream, new CanalReader(stream.encoding), counters)
    case 'maxwell':
      return new ChangeDecoder(stream, new MaxwellReader(stream.encoding), counters)
  }
}
