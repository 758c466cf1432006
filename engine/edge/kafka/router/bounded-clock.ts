/** A wall clock this far ahead of what is plausible is taken for right, ms. */
const SLACK_MS = 1_000

/**
 * The machine's wall clock for marks, which never runs further ahead than the broker's clock as last heard and the time that
 * has gone by since. A mark from a clock that jumped ahead would make every later event late, for good. Until the broker's
 * clock is known the bound is the wall clock at the start, or the newest record that was seen. All times: epoch ms.
 */
export class BoundedClock {
  readonly #wall: () => number
  readonly #elapsedMs: () => number
  #knownMs: number
  #knownAtMs: number
  #isBrokers = false

  /** `elapsedMs`: a clock that nobody sets. */
  constructor(wall: () => number, elapsedMs: () => number) {
    this.#wall = wall
    this.#elapsedMs = elapsedMs
    this.#knownMs = wall()
    this.#knownAtMs = elapsedMs()
  }

  now(): number {
    return Math.floor(Math.min(this.#wall(), this.#limitMs))
  }

  /** How far the wall clock is ahead of what is plausible, ms; 0 = it is not. */
  get aheadMs(): number {
    return Math.max(0, Math.round(this.#wall() - this.#limitMs))
  }

  /** The broker's clock, not later than now. */
  heard(brokerMs: number): void {
    this.#isBrokers = true
    this.#knownMs = brokerMs
    this.#knownAtMs = this.#elapsedMs()
  }

  /** A record of this time has been read: where the broker's clock is not known, so late it is, if the wall clock agrees. */
  saw(recordMs: number): void {
    if (this.#isBrokers || !(recordMs > this.#limitMs) || recordMs > this.#wall()) return
    this.#knownMs = recordMs
    this.#knownAtMs = this.#elapsedMs()
  }

  get #limitMs(): number {
    return this.#knownMs + (this.#elapsedMs() - this.#knownAtMs) + SLACK_MS
  }
}
