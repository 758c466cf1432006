import { Budget } from './budget.ts'
import type { Memory } from './memory.ts'
import { Slab } from './slab.ts'

const NUMBER = 0
const COUNT = 1
/** Of the node and all below it. */
const SUM = 2
const LEFT = 3
const RIGHT = 4
const CELLS = 5

/**
 * Whole numbers of each key, counted: finds that of any rank while they come and go.
 *
 * Shape   per key a treap over the different numbers, its root in one cell (node + 1, 0 = none); a node's priority is a
 *         hash of its number, so the same numbers always make the same tree
 * Cost    add, remove, rank: O(log different numbers) expected
 * Memory  40 bytes a different number
 */
export class RankTree {
  readonly #nodes: Slab
  readonly #budget: Budget

  constructor(memory: Memory, budget = new Budget(memory, Number.POSITIVE_INFINITY)) {
    this.#budget = budget
    this.#nodes = new Slab(memory, CELLS)
  }

  /** False where there is no room for a number that is new to the key. */
  add(cells: Float64Array, at: number, number: number): boolean {
    if (this.#budget.isFull && !this.#has(cells[at], number)) return false
    cells[at] = this.#add(cells[at], number)
    return true
  }

  /** Takes out one that `add` counted. */
  remove(cells: Float64Array, at: number, number: number): void {
    cells[at] = this.#remove(cells[at], number)
  }

  /** How many there are. */
  total(cells: Float64Array, at: number): number {
    return this.#sum(cells[at])
  }

  /** The number of rank `rank`, from 1 to the total. */
  ofRank(cells: Float64Array, at: number, rank: number): number {
    let left = rank
    for (let tree = cells[at]; ; ) {
      const page = this.#nodes.read(tree - 1)
      const node = this.#nodes.baseOf(tree - 1)
      const below = this.#sum(page[node + LEFT])
      if (left <= below) {
        tree = page[node + LEFT]
        continue
      }
      left -= below + page[node + COUNT]
      if (left <= 0) return page[node + NUMBER]
      tree = page[node + RIGHT]
    }
  }

  /** Takes out all. */
  clear(cells: Float64Array, at: number): void {
    if (cells[at] !== 0) this.#clear(cells[at])
    cells[at] = 0
  }

  #has(root: number, number: number): boolean {
    for (let tree = root; tree !== 0; ) {
      const own = this.#get(tree, NUMBER)
      if (own === number) return true
      tree = this.#get(tree, number < own ? LEFT : RIGHT)
    }
    return false
  }

  #add(tree: number, number: number): number {
    if (tree === 0) return this.#newNode(number)
    const page = this.#nodes.write(tree - 1)
    const node = this.#nodes.baseOf(tree - 1)
    page[node + SUM]++
    if (page[node + NUMBER] === number) {
      page[node + COUNT]++
      return tree
    }
    const side = number < page[node + NUMBER] ? LEFT : RIGHT
    const child = this.#add(page[node + side], number)
    page[node + side] = child
    return this.#isAbove(child, tree) ? this.#rotate(tree, child, side) : tree
  }

  /** Lifts `child`, on that side of `tree`, above it. */
  #rotate(tree: number, child: number, side: number): number {
    const other = side === LEFT ? RIGHT : LEFT
    this.#set(tree, side, this.#get(child, other))
    this.#set(child, SUM, this.#get(tree, SUM))
    this.#sumUp(tree)
    this.#set(child, other, tree)
    return child
  }

  #remove(tree: number, number: number): number {
    const page = this.#nodes.write(tree - 1)
    const node = this.#nodes.baseOf(tree - 1)
    page[node + SUM]--
    if (page[node + NUMBER] !== number) {
      const side = number < page[node + NUMBER] ? LEFT : RIGHT
      page[node + side] = this.#remove(page[node + side], number)
      return tree
    }
    if (--page[node + COUNT] > 0) return tree
    const rest = this.#merge(page[node + LEFT], page[node + RIGHT])
    this.#free(tree)
    return rest
  }

  /** One tree of two, all numbers of the first below those of the second. */
  #merge(low: number, high: number): number {
    if (low === 0) return high
    if (high === 0) return low
    if (this.#isAbove(low, high)) {
      this.#set(low, RIGHT, this.#merge(this.#get(low, RIGHT), high))
      this.#sumUp(low)
      return low
    }
    this.#set(high, LEFT, this.#merge(low, this.#get(high, LEFT)))
    this.#sumUp(high)
    return high
  }

  #clear(tree: number): void {
    const left = this.#get(tree, LEFT)
    const right = this.#get(tree, RIGHT)
    if (left !== 0) this.#clear(left)
    if (right !== 0) this.#clear(right)
    this.#free(tree)
  }

  #newNode(number: number): number {
    const tree = this.#nodes.take() + 1
    this.#budget.used++
    this.#set(tree, NUMBER, number)
    this.#set(tree, COUNT, 1)
    this.#set(tree, SUM, 1)
    return tree
  }

  #free(tree: number): void {
    this.#nodes.free(tree - 1)
    this.#budget.used--
  }

  #sumUp(tree: number): void {
    const sum = this.#sum(this.#get(tree, LEFT)) + this.#get(tree, COUNT) + this.#sum(this.#get(tree, RIGHT))
    this.#set(tree, SUM, sum)
  }

  #sum(tree: number): number {
    return tree === 0 ? 0 : this.#get(tree, SUM)
  }

  #isAbove(tree: number, other: number): boolean {
    const a = this.#get(tree, NUMBER)
    const b = this.#get(other, NUMBER)
    const x = priority(a)
    const y = priority(b)
    return x !== y ? x > y : a < b
  }

  #get(tree: number, cell: number): number {
    return this.#nodes.read(tree - 1)[this.#nodes.baseOf(tree - 1) + cell]
  }
  #set(tree: number, cell: number, value: number): void {
    this.#nodes.write(tree - 1)[this.#nodes.baseOf(tree - 1) + cell] = value
  }
}

/** Finalizer of MurmurHash3. */
function priority(number: number): number {
  let h = Math.imul(number ^ (number >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
