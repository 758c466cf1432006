/** Failures that we expect in operation, and whether trying again can help. */
const canRetryByCode = {
  KAFKA_UNREACHABLE: true,
  REGISTRY_UNREACHABLE: true,
  LOG_BUSY: true,
  FENCED: false,
  CONFIG_INVALID: false,
  RULES_INVALID: false,
  INPUT_MALFORMED: false,
  INPUT_MISSING: false,
  STATE_CORRUPT: false,
  LOG_GAP: false,
  LOG_CORRUPT: false,
  USAGE: false,
} as const

export type ErrorCode = keyof typeof canRetryByCode

/** An operating error. Programmer mistakes are assert() failures and stop the process. */
export class EngineError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'EngineError'
    this.code = code
  }
  get canRetry(): boolean {
    return canRetryByCode[this.code]
  }
}

/** Why a snapshot is not taken up. */
export type SnapshotFault = 'torn' | 'checksum' | 'version' | 'shape' | 'other_log' | 'ahead' | 'log_gap'

/** A snapshot that is not taken up: the state is built again from the log. */
export class SnapshotRefused extends EngineError {
  readonly reason: SnapshotFault
  constructor(reason: SnapshotFault, message: string, cause?: unknown) {
    super('STATE_CORRUPT', `snapshot refused: ${message}`, cause)
    this.reason = reason
  }
}

/** Bytes of the log that cannot be read as records. */
export class LogCorrupt extends EngineError {
  readonly reason: string
  /** First and last offset of the batch; NaN where they are not known. */
  readonly baseOffset: number
  readonly lastOffset: number
  /** `place` is `topic/partition`, or empty. */
  constructor(reason: string, place = '', baseOffset = Number.NaN, lastOffset = Number.NaN, cause?: unknown) {
    const offsets = Number.isNaN(baseOffset) ? '' : `offsets ${baseOffset} to ${lastOffset}: `
    super('LOG_CORRUPT', `${place && `${place}: `}${offsets}${reason}`, cause)
    this.reason = reason
    this.baseOffset = baseOffset
    this.lastOffset = lastOffset
  }
}

/** Why a record went to the dead-letter topic. */
export type DeadLetterReason =
  | 'BAD_MAGIC'
  | 'UNKNOWN_SCHEMA'
  | 'MALFORMED'
  | 'NO_TIME'
  | 'FUTURE_TIME'
  | 'OVERSIZED'
  | 'UNKNOWN_TYPE'
