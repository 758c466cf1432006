import { HOUR_MS, MINUTE_MS } from './events.ts'

export type RankedItems = [item: string, score: number][]

const LIMIT = 50

/** Scores of items by minute, and the hour's sum kept beside them. */
export class HotItems {
  readonly #minutes = new Map<number, Map<string, number>>()
  readonly #totals = new Map<string, number>()
  /** The minute that is summed up next; null before the first event. */
  #openMs: number | null = null
  readonly #graceMs: number

  /** A minute is closed when an event stands `graceMs` behind its end. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  /** Adds to an item's score, and closes what minutes end before it. */
  add(item: string, timeMs: number, weight: number, close: (asOfMs: number, items: RankedItems) => void): void {
    const minute = Math.floor(timeMs / MINUTE_MS) * MINUTE_MS
    this.#openMs ??= minute
    while (timeMs >= this.#openMs + MINUTE_MS + this.#graceMs) {
      const asOfMs = this.#close()
      close(asOfMs, this.#best())
    }
    const sums = this.#minutes.get(minute) ?? new Map<string, number>()
    this.#minutes.set(minute, sums)
    sums.set(item, (sums.get(item) ?? 0) + weight)
  }

  #close(): number {
    for (const [item, score] of this.#minutes.get(this.#openMs!) ?? [])
      this.#totals.set(item, (this.#totals.get(item) ?? 0) + score)
    const asOfMs = this.#openMs! + MINUTE_MS
    this.#openMs = asOfMs
    for (const [minute, sums] of this.#minutes) {
      if (minute >= asOfMs - HOUR_MS) continue
      for (const [item, score] of sums) {
        const left = this.#totals.get(item)! - score
        if (left > 0) this.#totals.set(item, left)
        else this.#totals.delete(item)
      }
      this.#minutes.delete(minute)
    }
    return asOfMs
  }

  #best(): RankedItems {
    return [...this.#totals].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, LIMIT)
  }
}
