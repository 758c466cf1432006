import { EngineError } from '../../model/errors.ts'

/** What kafkajs wraps its errors in: the broker's code may be several causes down. */
interface Wrapped {
  readonly code?: unknown
  readonly cause?: unknown
  readonly originalError?: unknown
  readonly errors?: readonly unknown[]
}

/** The Kafka protocol's error code, or null if the failure has none (a connection, a timeout). */
export function codeOf(error: unknown): number | null {
  for (let at = error as Wrapped | undefined, depth = 0; at && depth < 8; depth++) {
    if (typeof at.code === 'number') return at.code
    at = (at.cause ?? at.originalError ?? at.errors?.[0]) as Wrapped | undefined
  }
  return null
}

export const OFFSET_OUT_OF_RANGE = 1
export const MESSAGE_TOO_LARGE = 10
const RECORD_LIST_TOO_LARGE = 18
/** A topic does not take a record as it is: too large, a batch too large, or not what its settings ask for. */
const RECORD_REFUSED: readonly number[] = [MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, 87]
/** The coordinator is loading, away, or elsewhere; or the last transaction's markers are not written yet. */
const COORDINATOR_BUSY: readonly number[] = [14, 15, 16, 51]
/** INVALID_PRODUCER_EPOCH and PRODUCER_FENCED: somebody else has this transactional id, or it timed out. */
const FENCED: readonly number[] = [47, 90]

export function isCoordinatorBusy(error: unknown): boolean {
  return COORDINATOR_BUSY.includes(codeOf(error) ?? -2)
}

export function isRecordRefused(error: unknown): boolean {
  return RECORD_REFUSED.includes(codeOf(error) ?? -2)
}

export function isTooLarge(error: unknown): boolean {
  return [MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE].includes(codeOf(error) ?? -2)
}

export function isFenced(error: unknown): boolean {
  return FENCED.includes(codeOf(error) ?? -2)
}

/** One line for a person: what the broker, TLS or the login said, and what to look at. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string } }
  const text = message || String(error)
  const whole = cause?.message && !text.includes(cause.message) ? `${text}: ${cause.message}` : text
  return refusalOf(error, whole) ?? whole
}

/** A refused write names the topics that it was for: what kafkajs throws does not. Any other failure as it is. */
export function ofTopics(topics: readonly string[], error: unknown): unknown {
  if (refusalOf(error, '') === null) return error
  return new EngineError('KAFKA_UNREACHABLE', `writing to ${topics.join(', ')}: ${reasonOf(error)}`, error)
}

/** A failure to get an answer at `brokers` at all; one that answers and refuses is said to. */
export function noAnswer(brokers: readonly string[], error: unknown): EngineError {
  if (error instanceof EngineError) return error // of our own login: no token, no file
  const where = brokers.join(', ')
  const reason = reasonOf(error)
  const isAnswer = refusalOf(error, '') !== null
  return new EngineError(
    'KAFKA_UNREACHABLE',
    isAnswer ? `${where}: ${reason}` : `no broker answers at ${where}: ${reason}`,
    error,
  )
}

const CONNECTIONS: readonly (readonly [RegExp, string])[] = [
  [/SSL alert/, 'it refuses the TLS connection (log.ssl.cert and log.ssl.key)'],
  [
    /self.signed|unable to (get|verify)|expired|altnames|not yet valid|CERT/i,
    'its certificate is not trusted (log.ssl.ca)',
  ],
  [/wrong version number|packet length|EPROTO|before secure TLS/, 'this port speaks no TLS (log.ssl)'],
  [/Closed connection/, 'it closed the connection, as ports for TLS (log.ssl) or logins (log.sasl) do without them'],
]

/** What a broker means that is there and does not serve us; null for any other failure. */
function refusalOf(error: unknown, whole: string): string | null {
  for (let at = error as (Wrapped & Error) | undefined, depth = 0; at && depth < 8; depth++) {
    const said = `${at.message ?? ''} ${at.code ?? ''}`
    if (at.name === 'KafkaJSSASLAuthenticationError') return `the login (log.sasl) is refused: ${at.message}`
    const isConnection = /^KafkaJSConnection/.test(at.name)
    const words = isConnection ? CONNECTIONS.find(([pattern]) => pattern.test(said)) : undefined
    if (words) return `${words[1]}: ${at.message.trim()}`
    at = (at.cause ?? at.originalError ?? at.errors?.[0]) as (Wrapped & Error) | undefined
  }
  const code = codeOf(error) ?? -2
  const words = CONFIGURED[code] ?? (RIGHTS[code] && `a right is missing, ${RIGHTS[code]}; lapwing doctor names each`)
  return words === undefined ? null : `${words}: ${whole}`
}

/** What a broker refuses for the way it is configured. */
const CONFIGURED: Readonly<Record<number, string>> = {
  [MESSAGE_TOO_LARGE]: 'a record is larger than its topic takes (max.message.bytes, on the broker message.max.bytes)',
  19: 'too few replicas are in sync (min.insync.replicas)',
  20: 'too few replicas are in sync (min.insync.replicas)',
  38: 'there are not as many brokers as a new topic gets replicas (default.replication.factor)',
  44: "the cluster's policy refuses it (create.topic.policy.class.name)",
}

const RIGHTS: Readonly<Record<number, string>> = {
  29: 'of a topic',
  30: 'of a consumer group',
  31: 'of the cluster',
  53: 'of a transactional id',
}

export function isNotAllowed(error: unknown): boolean {
  return RIGHTS[codeOf(error) ?? -2] !== undefined
}

/** A failure of operation: Kafka's, ours, or the system's. Anything else is a mistake in the program. */
export function isOperational(error: unknown): boolean {
  if (error instanceof EngineError) return true
  const { name, code } = error as { name?: string; code?: unknown }
  return name?.startsWith('KafkaJS') === true || (typeof code === 'string' && /^E[A-Z]+$/.test(code))
}
