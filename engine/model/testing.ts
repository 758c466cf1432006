import { checkStream, type StreamDefinition } from './avro.ts'
import { EngineError } from './errors.ts'
import type { Stream } from './stream.ts'

/** A stream whose columns are the fields of `definition.avro`; EngineError CONFIG_INVALID with every fault. */
export function streamFromAvro(definition: StreamDefinition): Stream {
  const { stream, faults } = checkStream(definition)
  if (faults.length === 0) return stream
  throw new EngineError('CONFIG_INVALID', `stream "${definition.name}": ${faults.map((f) => f.message).join('; ')}`)
}
