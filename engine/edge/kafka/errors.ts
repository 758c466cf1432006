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
/** The coordinator is loading, away, or elsewhere; or the last transaction's markers are not written yet. */
const COORDINATOR_BUSY: readonly number[] = [14, 15, 16, 51]
/** INVALID_PRODUCER_EPOCH and PRODUCER_FENCED: somebody else has this transactional id, or it timed out. */
const FENCED: readonly number[] = [47, 90]

export function isCoordinatorBusy(error: unknown): boolean {
  return COORDINATOR_BUSY.includes(codeOf(error) ?? -2)
}

export function isTooLarge(error: unknown): boolean {
  return [MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE].includes(codeOf(error) ?? -2)
}

export function isFenced(error: unknown): boolean {
  return FENCED.includes(codeOf(error) ?? -2)
}

/** One line for a person. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { message?: string } }
  const text = message || String(error)
  return cause?.message && !text.includes(cause.message) ? `${text}: ${cause.message}` : text
}

/** A failure of operation: Kafka's, ours, or the system's. Anything else is a mistake in the program. */
export function isOperational(error: unknown): boolean {
  if (error instanceof EngineError) return true
  const { name, code } = error as { name?: string; code?: unknown }
  return name?.startsWith('KafkaJS') === true || (typeof code === 'string' && /^E[A-Z]+$/.test(code))
}
