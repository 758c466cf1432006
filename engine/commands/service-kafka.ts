import { join } from 'node:path'
import type { Config, KafkaConfig } from '../config.ts'
import { createClient } from '../edge/kafka/client.ts'
import type { Encoder } from '../edge/kafka/ports.ts'
import { decoderFor } from '../edge/registry/formats/decoder-for.ts'
import { firstIdText, OwnIds } from '../edge/registry/own-ids.ts'
import { OutputEncoder, shippedSchema } from '../edge/registry/record-encoder.ts'
import { ConfluentSchemas, type Schemas } from '../edge/registry/schemas.ts'
import type { Counters } from '../model/counters.ts'
import type { Logger } from '../model/telemetry.ts'
import { KafkaService, type KafkaServiceOptions } from './service/kafka-service.ts'
import { TaskFolder } from './service/task-folder.ts'

/** What a configuration does not say. */
export type KafkaServiceRest = Omit<
  KafkaServiceOptions,
  'connection' | 'time' | 'streams' | 'keepOf' | 'outputs' | 'decoderOf' | 'encoder'
>

/** The engine on Kafka as `config` describes it, with its registry or the streams' own schemas. EngineError RULES_INVALID, INPUT_MISSING. */
export function kafkaService(config: Config & { readonly log: KafkaConfig }, rest: KafkaServiceRest): KafkaService {
  const { log, time, streams, outputs, registry, exchange } = config
  const schemas = registry === null ? null : new ConfluentSchemas(registry)
  createClient(log, rest.log) // files and variables that are not there end the start
  const ownIds = new OwnIds((stream, id) => rest.log.info({ stream: stream.name }, firstIdText(stream, id)))
  return new KafkaService({
    connection: log,
    time,
    streams,
    outputs,
    exchangePartitions: exchange.partitions,
    keepOf: taskFolders(config, rest.counters, rest.log),
    decoderOf: (stream) => decoderFor(stream, schemas, rest.counters, ownIds),
    encoder: () => encoderOf(schemas, outputs),
    ...rest,
  })
}

/** `tasks/` in the data folder has one for each exchange partition that has been here. */
export function taskFolders(config: Config, counters: Counters, logger: Logger): KafkaServiceOptions['keepOf'] {
  const { data, streams, limits, snapshots } = config
  return (topic, partition) => {
    const folder = join(data, 'tasks', `${topic}-${partition}`)
    return new TaskFolder({ folder, streams, limits, snapshots, counters, logger })
  }
}

async function encoderOf(schemas: Schemas | null, outputs: Config['outputs']): Promise<Encoder> {
  if (!schemas) return new OutputEncoder()
  await schemas.register(outputs.shadow, shippedSchema('alert'))
  return OutputEncoder.registered(schemas, outputs)
}
