/** So many events are late because of the one in that line. */
export interface LateSince {
  readonly line: number
  readonly timeMs: number
  readonly events: number
}

interface Timed {
  readonly timeMs: number
  readonly line: number
}

/**
 * Holds back an event that is far ahead of all before it (the very first one too) until the next one is read: only then
 * can a gap in the data be told from a bad clock. Also knows which event made later ones late.
 */
export class AheadGuard<T extends Timed> {
  readonly #aheadMaxMs: number
  #held: T | null = null
  #largestMs = Number.NEGATIVE_INFINITY
  #largestLine = 0
  #lateNow = 0
  #worst: LateSince | null = null

  constructor(aheadMaxMs: number) {
    this.#aheadMaxMs = aheadMaxMs
  }

  /** The event held back, which is held no longer. */
  release(): T | null {
    const held = this.#held
    this.#held = null
    return held
  }

  isAheadOf(held: T, next: T): boolean {
    return held.timeMs > next.timeMs + this.#aheadMaxMs
  }

  /** Whether it is held back; nothing else may be. */
  holds(event: T): boolean {
    if (event.timeMs <= this.#largestMs + this.#aheadMaxMs) return false
    this.#held = event
    return true
  }

  /** The event takes part. */
  passed({ timeMs, line }: T, latenessMs: number): void {
    if (timeMs > this.#largestMs) {
      this.#largestMs = timeMs
      this.#largestLine = line
      this.#lateNow = 0
    } else if (timeMs < this.#largestMs - latenessMs) {
      this.#lateNow += 1
      if (this.#lateNow > (this.#worst?.events ?? 0))
        this.#worst = { line: this.#largestLine, timeMs: this.#largestMs, events: this.#lateNow }
    }
  }

  late(): LateSince | null {
    return this.#worst
  }
}
