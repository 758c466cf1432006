import { HOUR_MS } from './events.ts'

/** An alert that opens: `shop` at `timeMs`, event time. */
export interface Opening {
  readonly shop: string
  readonly timeMs: number
}

/** The orders of one shop in the last hour `(t - 1 h, t]`, oldest first, in plain arrays and a Map. */
export class ShopHour {
  open = false
  readonly #buyers = new Map<string, number>()
  #times: number[] = []
  #names: string[] = []
  #head = 0
  #latestMs = Number.NEGATIVE_INFINITY

  get concentrated(): boolean {
    const orders = this.#times.length - this.#head
    return orders >= 6 && orders >= 3 * this.#buyers.size
  }

  get firstMs(): number {
    return this.#times[this.#head]
  }

  /** Sorts in an order that comes behind later ones; false: it is more than an hour late. */
  add(timeMs: number, buyer: string): boolean {
    if (timeMs <= this.#latestMs - HOUR_MS) return false
    this.#latestMs = Math.max(this.#latestMs, timeMs)
    let at = this.#times.length
    while (at > this.#head && this.#times[at - 1] > timeMs) at--
    if (at === this.#times.length) {
      this.#times.push(timeMs)
      this.#names.push(buyer)
    } else {
      this.#times.splice(at, 0, timeMs)
      this.#names.splice(at, 0, buyer)
    }
    this.#buyers.set(buyer, (this.#buyers.get(buyer) ?? 0) + 1)
    return true
  }

  /** Lets go what has left the window by its own latest order. */
  expire(): void {
    while (this.firstMs <= this.#latestMs - HOUR_MS) this.removeFirst()
  }

  removeFirst(): void {
    const buyer = this.#names[this.#head++]
    const left = this.#buyers.get(buyer)! - 1
    if (left === 0) this.#buyers.delete(buyer)
    else this.#buyers.set(buyer, left)
    if (this.#head < 1_024 || this.#head * 2 < this.#times.length) return
    this.#times = this.#times.slice(this.#head)
    this.#names = this.#names.slice(this.#head)
    this.#head = 0
  }
}
