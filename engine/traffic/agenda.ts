/** What is to happen, by time; equal times in the order in which they were added. A binary heap. */
export class Agenda<T> {
  readonly #atMs: number[] = []
  readonly #added: number[] = []
  readonly #items: T[] = []
  #count = 0

  /** When the next thing happens; infinity if nothing is to. */
  get nextMs(): number {
    return this.#atMs.length === 0 ? Number.POSITIVE_INFINITY : this.#atMs[0]!
  }

  add(atMs: number, item: T): void {
    const added = this.#count++
    let at = this.#atMs.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#atMs[parent]! <= atMs) break
      this.#move(parent, at)
      at = parent
    }
    this.#place(at, atMs, added, item)
  }

  /** Takes out the next thing; there must be one. */
  take(): T {
    const first = this.#items[0]!
    const atMs = this.#atMs.pop()!
    const added = this.#added.pop()!
    const item = this.#items.pop()!
    const size = this.#atMs.length
    if (size === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && this.#isBefore(child + 1, this.#atMs[child]!, this.#added[child]!)) child += 1
      if (!this.#isBefore(child, atMs, added)) break
      this.#move(child, at)
      at = child
    }
    this.#place(at, atMs, added, item)
    return first
  }

  /** Everything in order: what, added to an empty agenda one after the other, makes the same one again. */
  entries(): [atMs: number, item: T][] {
    const order = this.#items.map((_, i) => i)
    order.sort((a, b) => this.#atMs[a]! - this.#atMs[b]! || this.#added[a]! - this.#added[b]!)
    return order.map((i) => [this.#atMs[i]!, this.#items[i]!])
  }

  #isBefore(at: number, atMs: number, added: number): boolean {
    return this.#atMs[at]! < atMs || (this.#atMs[at] === atMs && this.#added[at]! < added)
  }
  #move(from: number, to: number): void {
    this.#place(to, this.#atMs[from]!, this.#added[from]!, this.#items[from]!)
  }
  #place(at: number, atMs: number, added: number, item: T): void {
    this.#atMs[at] = atMs
    this.#added[at] = added
    this.#items[at] = item
  }
}
