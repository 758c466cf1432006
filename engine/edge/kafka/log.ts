import type { Logger } from '../../model/telemetry.ts'

/** Lets a line through at most every `intervalMs` per message, and says how many it held back. */
export class Occasionally {
  readonly #intervalMs: number
  readonly #last = new Map<string, { atMs: number; held: number }>()

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs
  }

  warn(log: Logger, fields: object, message: string): void {
    const last = this.#last.get(message) ?? { atMs: Number.NEGATIVE_INFINITY, held: 0 }
    this.#last.set(message, last)
    const nowMs = performance.now()
    if (nowMs - last.atMs < this.#intervalMs) {
      last.held++
      return
    }
    log.warn(last.held > 0 ? { ...fields, heldBack: last.held } : fields, message)
    last.atMs = nowMs
    last.held = 0
  }
}
