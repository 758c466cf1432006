import type { Config, KafkaConfig } from '../../config.ts'
import { EngineLock } from '../../edge/local/lock.ts'
import type { RuleSource } from '../../model/block.ts'
import { Counters } from '../../model/counters.ts'
import type { Logger } from '../../model/telemetry.ts'
import type { Service } from './service.ts'

/**
 * The engine on Kafka. Its clients are loaded only here: who runs on the local log does not wait for them. EngineError
 * LOG_BUSY when another engine uses the data folder: each instance has its own.
 */
export async function openKafka(
  config: Config & { readonly log: KafkaConfig },
  read: () => readonly RuleSource[],
  logger: Logger,
): Promise<Service> {
  const { kafkaService } = await import('../service-kafka.ts')
  const counters = new Counters()
  const kafka = kafkaService(config, { ruleFiles: read(), read, counters, log: logger })
  const lock = new EngineLock(config.data)
  let [ended, failed] = [() => {}, (_error: unknown) => {}]
  const done = new Promise<void>((resolve, reject) => {
    ;[ended, failed] = [resolve, reject]
  })
  return {
    counters,
    committed$: kafka.committed$,
    rules: kafka.rules,
    done,
    start: () => void kafka.start().catch(failed),
    stop: async () => {
      await kafka.stop()
      lock.release()
      ended()
    },
    ready: () => kafka.ready(),
    gauges: () => kafka.gauges(),
  }
}
