import { IndexedHeap } from '../kit/indexed-heap.ts'
import { Budget } from './budget.ts'
import type { Memory } from './memory.ts'
import { PairCounts } from './pair-counts.ts'
import { Slab } from './slab.ts'

/** A key's cells: its bucket with the highest count and that with the lowest (+ 1, 0 = none), and its values counted. */
export const TALLY_CELLS = 3
const BEST = 0
const LEAST = 1
const TOTAL = 2

const NODE = { code: 0, bucket: 1, before: 2, after: 3, cells: 4 }
/** A bucket with more values than this is put in order when it is asked. */
const FEW = 64

const BUCKET = { count: 0, first: 1, lower: 2, higher: 3, epoch: 4, cells: 5 }

/**
 * How often each key has each value, ordered by that: the most frequent ones are at hand.
 *
 * Shape   per key a list of buckets, one a count, each with a list of its values' nodes (an LFU cache's structure); links
 *         are numbers + 1, 0 = none
 * Epoch   which tumbling window a bucket belongs to, 0 for sliding ones. When a key's cells are zeroed its buckets stay
 *         behind; `add` takes values out of those one by one, `retire` those that do not come again
 * Cost    add, remove: O(1); `top`: the values of the buckets that it needs, where those are few. A bucket of many keeps
 *         them in order from the first asking on, at O(log n) an add or remove, until nobody asks any more
 * Memory  32 bytes a value, 40 a bucket, 21 to 43 in the table of pairs
 */
export class Tally {
  readonly #nodeOf: PairCounts
  readonly #nodes: Slab
  readonly #buckets: Slab
  readonly #budget: Budget
  /** By bucket: its values in order, where it is large and was asked for them. */
  readonly #orders = new Map<number, BucketOrder>()

  constructor(memory: Memory, budget = new Budget(memory, Number.POSITIVE_INFINITY)) {
    this.#budget = budget
    this.#nodeOf = new PairCounts(memory, false, budget)
    this.#nodes = new Slab(memory, NODE.cells)
    this.#buckets = new Slab(memory, BUCKET.cells)
  }

  /** Values that are counted for some key. */
  get size(): number {
    return this.#nodeOf.size
  }

  /** False where there is no room for a value that is new to the key. */
  add(cells: Float64Array, at: number, slot: number, code: number, epoch: number): boolean {
    const known = this.#nodeOf.add(slot, code, 0)
    if (known === 0 && this.#budget.isFull) return false
    cells[at + TOTAL]++
    let node = known - 1
    if (known === 0) {
      node = this.#nodes.take()
      this.#setNode(node, NODE.code, code)
      this.#nodeOf.add(slot, code, node + 1)
    } else {
      const bucket = this.#node(node, NODE.bucket)
      if (this.#bucket(bucket, BUCKET.epoch) === epoch) {
        this.#shift(cells, at, node, bucket, 1)
        return true
      }
      this.#unlink(cells, at, node)
    }
    const least = cells[at + LEAST]
    const one = least !== 0 && this.#bucket(least, BUCKET.count) === 1
    this.#link(node, one ? least : this.#newBucket(cells, at, 1, epoch, 0, least))
    return true
  }

  /** Takes out one that `add` counted. */
  remove(cells: Float64Array, at: number, slot: number, code: number): void {
    cells[at + TOTAL]--
    const node = this.#nodeOf.add(slot, code, 0) - 1
    const bucket = this.#node(node, NODE.bucket)
    if (this.#bucket(bucket, BUCKET.count) > 1) this.#shift(cells, at, node, bucket, -1)
    else this.#free(cells, at, slot, code, node)
  }

  /** Lets go of a value that was last counted in the tumbling window `throughEpoch` or before. */
  retire(cells: Float64Array, at: number, slot: number, code: number, throughEpoch: number): void {
    const node = this.#nodeOf.add(slot, code, 0) - 1
    if (node < 0 || this.#bucket(this.#node(node, NODE.bucket), BUCKET.epoch) > throughEpoch) return
    this.#free(cells, at, slot, code, node)
  }

  /** Count of the most frequent value / count of all; null when there are none. */
  share(cells: Float64Array, at: number): number | null {
    const best = cells[at + BEST]
    return best === 0 ? null : this.#bucket(best, BUCKET.count) / cells[at + TOTAL]
  }

  /** Codes of the `k` most frequent values, most frequent first, equal counts in the order of `before`. */
  top(cells: Float64Array, at: number, k: number, before: (code: number, other: number) => boolean): number[] {
    const codes: number[] = []
    for (let bucket = cells[at + BEST]; bucket !== 0 && codes.length < k; ) {
      if (!this.#takeFew(bucket, codes, k, before)) this.#takeOrdered(bucket, codes, k, before)
      bucket = this.#bucket(bucket, BUCKET.lower)
    }
    return codes
  }

  /** Appends the bucket's first values, up to `k` in all; false, and nothing is done, when it has many. */
  #takeFew(bucket: number, codes: number[], k: number, before: (code: number, other: number) => boolean): boolean {
    if (this.#orders.has(bucket)) return false
    const from = codes.length
    let seen = 0
    for (let node = this.#bucket(bucket, BUCKET.first); node !== 0; node = this.#node(node - 1, NODE.after)) {
      if (++seen > FEW) {
        codes.length = from
        return false
      }
      insert(codes, from, k, this.#node(node - 1, NODE.code), before)
    }
    return true
  }

  #takeOrdered(bucket: number, codes: number[], k: number, before: (code: number, other: number) => boolean): void {
    let order = this.#orders.get(bucket)
    if (!order) {
      const all: number[] = []
      for (let node = this.#bucket(bucket, BUCKET.first); node !== 0; node = this.#node(node - 1, NODE.after))
        all.push(this.#node(node - 1, NODE.code))
      order = { heap: new IndexedHeap(all, before), unasked: 0 }
      this.#orders.set(bucket, order)
    }
    order.unasked = 0
    for (const code of order.heap.first(k - codes.length)) codes.push(code)
  }

  /** A value comes into a bucket, or goes. */
  #reorder(bucket: number, code: number, comes: boolean): void {
    const order = this.#orders.get(bucket)
    if (!order) return
    if (comes) order.heap.add(code)
    else order.heap.remove(code)
    if (order.heap.size < FEW / 2 || ++order.unasked > order.heap.size) this.#orders.delete(bucket)
  }

  /** The node's value is counted once more (`by` 1) or less (-1). */
  #shift(cells: Float64Array, at: number, node: number, bucket: number, by: 1 | -1): void {
    const count = this.#bucket(bucket, BUCKET.count) + by
    const lower = by === 1 ? bucket : this.#bucket(bucket, BUCKET.lower)
    const higher = by === 1 ? this.#bucket(bucket, BUCKET.higher) : bucket
    const neighbour = by === 1 ? higher : lower
    let target = neighbour
    if (neighbour === 0 || this.#bucket(neighbour, BUCKET.count) !== count) {
      if (this.#isAlone(node)) {
        this.#setBucket(bucket, BUCKET.count, count)
        return
      }
      target = this.#newBucket(cells, at, count, this.#bucket(bucket, BUCKET.epoch), lower, higher)
    }
    this.#unlink(cells, at, node)
    this.#link(node, target)
  }

  #newBucket(cells: Float64Array, at: number, count: number, epoch: number, lower: number, higher: number): number {
    const bucket = this.#buckets.take() + 1
    this.#setBucket(bucket, BUCKET.count, count)
    this.#setBucket(bucket, BUCKET.epoch, epoch)
    this.#chain(cells, at, lower, bucket)
    this.#chain(cells, at, bucket, higher)
    return bucket
  }

  /** Makes `higher` follow `lower`; 0 stands for the end of the key's list. */
  #chain(cells: Float64Array, at: number, lower: number, higher: number): void {
    if (lower === 0) cells[at + LEAST] = higher
    else this.#setBucket(lower, BUCKET.higher, higher)
    if (higher === 0) cells[at + BEST] = lower
    else this.#setBucket(higher, BUCKET.lower, lower)
  }

  #link(node: number, bucket: number): void {
    const first = this.#bucket(bucket, BUCKET.first)
    this.#setNode(node, NODE.bucket, bucket)
    this.#setNode(node, NODE.before, 0)
    this.#setNode(node, NODE.after, first)
    if (first !== 0) this.#setNode(first - 1, NODE.before, node + 1)
    this.#setBucket(bucket, BUCKET.first, node + 1)
    if (this.#orders.size > 0) this.#reorder(bucket, this.#node(node, NODE.code), true)
  }

  /** Takes the node out of its bucket, and the bucket away when that was its last. */
  #unlink(cells: Float64Array, at: number, node: number): void {
    const bucket = this.#node(node, NODE.bucket)
    const before = this.#node(node, NODE.before)
    const after = this.#node(node, NODE.after)
    if (this.#orders.size > 0) this.#reorder(bucket, this.#node(node, NODE.code), false)
    if (before !== 0) this.#setNode(before - 1, NODE.after, after)
    else this.#setBucket(bucket, BUCKET.first, after)
    if (after !== 0) this.#setNode(after - 1, NODE.before, before)
    if (before === 0 && after === 0) this.#dropBucket(cells, at, bucket)
  }

  /** The bucket may be one that stayed behind: then the key's cells do not point to it. */
  #dropBucket(cells: Float64Array, at: number, bucket: number): void {
    const lower = this.#bucket(bucket, BUCKET.lower)
    const higher = this.#bucket(bucket, BUCKET.higher)
    if (lower !== 0) this.#setBucket(lower, BUCKET.higher, higher)
    else if (cells[at + LEAST] === bucket) cells[at + LEAST] = higher
    if (higher !== 0) this.#setBucket(higher, BUCKET.lower, lower)
    else if (cells[at + BEST] === bucket) cells[at + BEST] = lower
    this.#buckets.free(bucket - 1)
  }

  #free(cells: Float64Array, at: number, slot: number, code: number, node: number): void {
    this.#unlink(cells, at, node)
    this.#nodes.free(node)
    this.#nodeOf.add(slot, code, -(node + 1))
  }

  #isAlone(node: number): boolean {
    return this.#node(node, NODE.before) === 0 && this.#node(node, NODE.after) === 0
  }

  #node(node: number, cell: number): number {
    return this.#nodes.read(node)[this.#nodes.baseOf(node) + cell]
  }
  #setNode(node: number, cell: number, value: number): void {
    this.#nodes.write(node)[this.#nodes.baseOf(node) + cell] = value
  }
  /** Buckets are called by their number + 1. */
  #bucket(bucket: number, cell: number): number {
    return this.#buckets.read(bucket - 1)[this.#buckets.baseOf(bucket - 1) + cell]
  }
  #setBucket(bucket: number, cell: number, value: number): void {
    this.#buckets.write(bucket - 1)[this.#buckets.baseOf(bucket - 1) + cell] = value
  }
}

interface BucketOrder {
  readonly heap: IndexedHeap
  /** Changes since it was asked last. */
  unasked: number
}

/** Puts `code` where it belongs behind `from`; the list keeps its first `k`. */
function insert(
  codes: number[],
  from: number,
  k: number,
  code: number,
  before: (code: number, other: number) => boolean,
): void {
  if (codes.length === k && !before(code, codes[k - 1])) return
  let at = codes.length
  while (at > from && before(code, codes[at - 1])) at--
  codes.splice(at, 0, code)
  if (codes.length > k) codes.pop()
}
