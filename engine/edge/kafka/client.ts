import { isIP, connect as netConnect } from 'node:net'
import { type ConnectionOptions, createSecureContext, connect as tlsConnect } from 'node:tls'
import {
  type ISocketFactory,
  Kafka,
  type KafkaConfig as KafkajsConfig,
  logLevel,
  type Mechanism,
  type SASLOptions,
} from 'kafkajs'
import { EngineError } from '../../model/errors.ts'
import { readNamed, type Secret } from '../../model/secret.ts'
import type { Logger } from '../../model/telemetry.ts'
import { bearer } from './oauth.ts'
import { withOwnEncoder } from './produce/producers.ts'

/** Absolute paths of PEM files. */
export interface TlsFiles {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export type SaslLogin =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: Secret
    }
  | BearerLogin

/** A token as it is, or one that is asked for at `tokenUrl` (OAuth 2.0, client credentials). */
export type BearerLogin =
  | { readonly mechanism: 'oauthbearer'; readonly token: Secret }
  | {
      readonly mechanism: 'oauthbearer'
      readonly tokenUrl: string
      readonly clientId: string
      readonly clientSecret: Secret
      readonly scope: string | null
    }

/** `log:` of the configuration, where its kind is `kafka`. */
export interface KafkaConnection {
  /** `host:port`, IPv6 addresses in brackets. */
  readonly brokers: readonly string[]
  /** Namespace of everything of ours: consumer groups, transactional ids, exchange and state topics. */
  readonly group: string
  readonly ssl: boolean | TlsFiles
  readonly sasl: SaslLogin | null
}

/**
 * A kafkajs client. `retry.initialRetryTime` decides how many transactions a second a producer does (docs/kafka.md): 5 ms
 * here. With `retries: 0` it fails at once, for asking whether anybody is there. EngineError INPUT_MISSING where a file of
 * the connection cannot be read, or a variable is not set.
 */
export function createClient(connection: KafkaConnection, log: Logger, retries = RETRIES): Kafka {
  const { brokers, group, ssl, sasl } = connection
  const config: KafkajsConfig = {
    clientId: group,
    brokers: brokers.map(splittable),
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    retry: { initialRetryTime: 5, maxRetryTime: 1_000, retries },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => kafkajsLine(log, entry),
    socketFactory: openSocket,
  }
  if (ssl !== false) config.ssl = ssl === true ? true : certificates(ssl)
  if (sasl) config.sasl = kafkajsLogin(sasl)
  return withOwnEncoder(new Kafka(config))
}

/** 5, 10, 20 ms … then one a second: some 6 s in all. */
const RETRIES = 12
const KEEP_ALIVE_MS = 60_000

/** kafkajs cuts a broker at its first colon: those of an IPv6 address are written as semicolons until the socket opens. */
function splittable(broker: string): string {
  const address = /^\[(.+)\](:\d+)$/.exec(broker)
  return address ? `[${address[1].replaceAll(':', ';')}]${address[2]}` : broker
}

const openSocket: ISocketFactory = ({ host: written, port, ssl, onConnect }) => {
  const host = written.startsWith('[') ? written.slice(1, -1).replaceAll(';', ':') : written
  const socket = ssl
    ? tlsConnect({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : netConnect({ host, port }, onConnect)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  return socket
}

/** An object of its own: kafkajs writes into it. It asks for the password at each login. */
function kafkajsLogin(sasl: SaslLogin): SASLOptions | Mechanism {
  if (sasl.mechanism === 'oauthbearer') return bearer(sasl)
  const { mechanism, username, password } = sasl
  password.reveal() // what is not there is said at once
  return {
    mechanism,
    username,
    get password() {
      return password.reveal()
    },
  } as SASLOptions
}

function certificates(files: TlsFiles): ConnectionOptions {
  const read = (key: keyof TlsFiles) => files[key] && readNamed(`log.ssl.${key}`, files[key])
  const options = { ca: read('ca'), cert: read('cert'), key: read('key') }
  if (options.ca && !options.ca.includes('-----BEGIN'))
    throw new EngineError('INPUT_MISSING', `log.ssl.ca: ${files.ca}: it holds no certificate in PEM`)
  try {
    createSecureContext(options)
  } catch (error) {
    const names = Object.values(files).join(', ')
    throw new EngineError('INPUT_MISSING', `log.ssl: ${names}: they cannot be used: ${(error as Error).message}`, error)
  }
  return options
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
