/** Work that goes on beside the reading, one piece at a time; what comes meanwhile makes up the next piece. */
export class Beside<T> {
  readonly #work: (items: readonly T[]) => Promise<void>
  #waiting: T[] = []
  #busy = false

  /** An error ends the process: what is measured has failed. */
  constructor(work: (items: readonly T[]) => Promise<void>) {
    this.#work = work
  }

  add(items: readonly T[]): void {
    this.#waiting.push(...items)
    if (!this.#busy) void this.#go()
  }

  async #go(): Promise<void> {
    this.#busy = true
    while (this.#waiting.length > 0) {
      const items = this.#waiting
      this.#waiting = []
      await this.#work(items)
    }
    this.#busy = false
  }
}
