import type { Config, KafkaConfig } from '../config.ts'
import { type Encoder, KafkaService, type KafkaServiceOptions } from '../edge/kafka/index.ts'
import { RecordDecoder } from '../edge/registry/record-decoder.ts'
import { OutputEncoder, shippedSchema } from '../edge/registry/record-encoder.ts'
import { ConfluentSchemas, type Schemas } from '../edge/registry/schemas.ts'

/** What a configuration does not say. */
export type KafkaServiceRest = Omit<
  KafkaServiceOptions,
  'connection' | 'time' | 'streams' | 'limits' | 'outputs' | 'decoderOf' | 'encoder'
>

/** The engine on Kafka as `config` describes it, with its registry or the shipped schemas. EngineError RULES_INVALID. */
export function kafkaService(config: Config & { readonly log: KafkaConfig }, rest: KafkaServiceRest): KafkaService {
  const { log, time, streams, limits, outputs, registry } = config
  const schemas = registry === null ? null : new ConfluentSchemas(registry)
  return new KafkaService({
    connection: log,
    time,
    streams,
    limits,
    outputs,
    decoderOf: (stream) => new RecordDecoder(stream, schemas),
    encoder: () => encoderOf(schemas, outputs),
    ...rest,
  })
}

async function encoderOf(schemas: Schemas | null, outputs: Config['outputs']): Promise<Encoder> {
  if (!schemas) return new OutputEncoder()
  await schemas.register(outputs.shadow, shippedSchema('alert'))
  return OutputEncoder.registered(schemas, outputs)
}
