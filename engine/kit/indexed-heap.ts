/**
 * A set of whole numbers of which the first in some order are at hand.
 *
 * Shape   a binary heap, and where each number stands in it
 * Cost    add, remove: O(log n); the first k: O(k²)
 */
export class IndexedHeap {
  readonly #before: (a: number, b: number) => boolean
  readonly #items: number[]
  readonly #places = new Map<number, number>()

  constructor(items: number[], before: (a: number, b: number) => boolean) {
    this.#before = before
    this.#items = items
    for (const [place, item] of items.entries()) this.#places.set(item, place)
    for (let place = (items.length >> 1) - 1; place >= 0; place--) this.#sink(items[place], place)
  }

  get size(): number {
    return this.#items.length
  }

  /** One that is not there yet. */
  add(item: number): void {
    this.#rise(item, this.#items.length)
  }

  /** One that is there. */
  remove(item: number): void {
    const place = this.#places.get(item) as number
    this.#places.delete(item)
    const last = this.#items.pop() as number
    if (last === item) return
    if (place > 0 && this.#before(last, this.#items[(place - 1) >> 1])) this.#rise(last, place)
    else this.#sink(last, place)
  }

  /** The first `k`, or all, in order. */
  first(k: number): number[] {
    const items = this.#items
    const found: number[] = []
    const next = items.length > 0 ? [0] : []
    while (found.length < k && next.length > 0) {
      let best = 0
      for (let i = 1; i < next.length; i++) if (this.#before(items[next[i]], items[next[best]])) best = i
      const [place] = next.splice(best, 1)
      found.push(items[place])
      for (const child of [place * 2 + 1, place * 2 + 2]) if (child < items.length) next.push(child)
    }
    return found
  }

  #rise(item: number, from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#before(item, this.#items[parent])) break
      this.#put(this.#items[parent], place)
      place = parent
    }
    this.#put(item, place)
  }

  #sink(item: number, from: number): void {
    let place = from
    for (;;) {
      let child = place * 2 + 1
      if (child >= this.#items.length) break
      if (child + 1 < this.#items.length && this.#before(this.#items[child + 1], this.#items[child])) child++
      if (!this.#before(this.#items[child], item)) break
      this.#put(this.#items[child], place)
      place = child
    }
    this.#put(item, place)
  }

  #put(item: number, place: number): void {
    this.#items[place] = item
    this.#places.set(item, place)
  }
}
