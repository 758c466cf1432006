import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { Kafka, type KafkaConfig as KafkajsConfig, logLevel, type SASLOptions } from 'kafkajs'
import type { Logger } from '../../model/telemetry.ts'
import { withOwnEncoder } from './produce/producers.ts'

/** `log:` of the configuration, where its kind is `kafka`. */
export interface KafkaConnection {
  readonly brokers: readonly string[]
  /** Namespace of everything of ours: consumer groups, transactional ids, exchange and state topics. */
  readonly group: string
  /** True, or file names. */
  readonly ssl:
    | boolean
    | { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
    readonly username: string
    readonly password: string
  } | null
}

/**
 * A kafkajs client. `retry.initialRetryTime` decides how many transactions a second a producer does (docs/kafka.md): 5 ms
 * here. With `retries: 0` it fails at once, for asking whether anybody is there.
 */
export function createClient(connection: KafkaConnection, log: Logger, retries = RETRIES): Kafka {
  const { brokers, group, ssl, sasl } = connection
  const config: KafkajsConfig = {
    clientId: group,
    brokers: [...brokers],
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    retry: { initialRetryTime: 5, maxRetryTime: 1_000, retries },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => kafkajsLine(log, entry),
  }
  if (ssl !== false) config.ssl = ssl === true ? true : certificates(ssl)
  if (sasl) config.sasl = sasl as SASLOptions
  return withOwnEncoder(new Kafka(config))
}

/** 5, 10, 20 ms … then one a second: some 6 s in all. */
const RETRIES = 12

function certificates(files: Exclude<KafkaConnection['ssl'], boolean>): ConnectionOptions {
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path))
  return { ca: read(files.ca), cert: read(files.cert), key: read(files.key) }
}

/** kafkajs calls every pause and every retry worth a line; whoever waits for the outcome says it better. */
function kafkajsLine(
  log: Logger,
  { level, namespace, log: line }: { level: logLevel; namespace: string; log: { message: string } },
): void {
  const { message, ...fields } = line
  const text = `kafkajs${namespace ? ` ${namespace}` : ''}: ${message}`
  if (level === logLevel.ERROR) log.debug({ ...fields, level: 'error' }, text)
  else log.debug(fields, text)
}
