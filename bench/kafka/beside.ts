/** Work that goes on beside the reading, one piece at a time; what comes meanwhile makes up the next piece. */
export class Beside<T> {
  readonly #work: (items: readonly T[]) => Promise<void>
  readonly #max: number
  #waiting: T[] = []
  #busy = false

  /** At most `max` items at a time. An error ends the process: what is measured has failed. */
  constructor(work: (items: readonly T[]) => Promise<void>, max = Number.POSITIVE_INFINITY) {
    this.#work = work
    this.#max = max
  }

  add(items: readonly T[]): void {
    this.#waiting.push(...items)
    if (!this.#busy) void this.#go()
  }

  async #go(): Promise<void> {
    this.#busy = true
    while (this.#waiting.length > 0) {
      const items = this.#waiting.slice(0, this.#max)
      this.#waiting = this.#waiting.slice(items.length)
      await this.#work(items)
    }
    this.#busy = false
  }
}
