import type { Config, KafkaConfig } from '../../config.ts'
import { EngineLock } from '../../edge/local/lock.ts'
import type { RuleSource } from '../../model/block.ts'
import { Counters } from '../../model/counters.ts'
import type { Logger } from '../../model/telemetry.ts'
import type { Service } from './service.ts'

/**
 * The engine on Kafka, which holds the data folder until the process ends. Its clients are loaded only here: who runs on
 * the local log does not wait for them. EngineError LOG_BUSY when another engine uses the data folder: each instance has
 * its own.
 */
export async function openKafka(
  config: Config & { readonly log: KafkaConfig },
  files: readonly RuleSource[],
  read: () => readonly RuleSource[],
  logger: Logger,
): Promise<Service> {
  const { kafkaService } = await import('../service-kafka.ts')
  const service = kafkaService(config, { ruleFiles: files, read, counters: new Counters(), log: logger })
  new EngineLock(config.data)
  return service
}
