import { EngineError, type ErrorCode } from '../../../engine/model/errors.ts'

/** For decoders that throw an EngineError of these codes. */
export function namedBy(...codes: readonly ErrorCode[]): (error: unknown) => string | null {
  return (error) => (error instanceof EngineError && codes.includes(error.code) ? error.message : null)
}

/** For decoders that throw nothing. */
export function never(): null {
  return null
}
