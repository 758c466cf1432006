import { type Memory, Pages } from './memory.ts'

const CHUNK_BITS = 10
const CHUNK = 1 << CHUNK_BITS

/**
 * Greatest (or least) value of each key's window, exact while events leave and late ones come in.
 *
 * Shape   per key a list, oldest first, of the values that no younger one beats; its ends are two cells (nodes count
 *         from 1, 0 = none)
 * Equal   of two events of one time the greater value stays; of equal values the younger one
 * Cost    add: O(1) amortised, plus the list's part younger than a late event; expire: O(1) amortised
 * Memory  24 bytes a listed value; nodes are used again
 */
export class Skyline {
  readonly #sign: 1 | -1
  /** Time and ranked value of each node. */
  readonly #points: Pages<Float64Array>
  /** Older and younger node of each; of a free one the next free. */
  readonly #links: Pages<Int32Array>
  #free = 0
  #nodes = 0

  constructor(memory: Memory, kind: 'min' | 'max') {
    this.#sign = kind === 'max' ? 1 : -1
    this.#points = new Pages(memory, Float64Array)
    this.#links = new Pages(memory, Int32Array)
    memory.root(
      () => ({ free: this.#free, nodes: this.#nodes }),
      (saved) => {
        this.#free = saved.free
        this.#nodes = saved.nodes
      },
    )
  }

  add(cells: Float64Array, at: number, timeMs: number, value: number): void {
    const ranked = this.#sign * value
    let older = cells[at + 1]
    let younger = 0
    while (older !== 0 && this.#time(older) > timeMs) {
      younger = older
      older = this.#older(older)
    }
    if (younger !== 0 && this.#value(younger) >= ranked) return
    if (older !== 0 && this.#time(older) === timeMs && this.#value(older) > ranked) return
    while (older !== 0 && this.#value(older) <= ranked) {
      const gone = older
      older = this.#older(older)
      this.#release(gone)
    }
    const node = this.#newNode(timeMs, ranked)
    this.#link(cells, at, older, node)
    this.#link(cells, at, node, younger)
  }

  /** Takes out what is of `throughMs` or older. */
  expire(cells: Float64Array, at: number, throughMs: number): void {
    let oldest = cells[at]
    if (oldest === 0 || this.#time(oldest) > throughMs) return
    while (oldest !== 0 && this.#time(oldest) <= throughMs) {
      const gone = oldest
      oldest = this.#younger(oldest)
      this.#release(gone)
    }
    this.#link(cells, at, 0, oldest)
  }

  /** The extreme value; only while the list is not empty (cells[at] is not 0). */
  best(cells: Float64Array, at: number): number {
    return this.#sign * this.#value(cells[at])
  }

  #newNode(timeMs: number, ranked: number): number {
    let node = this.#free
    if (node !== 0) this.#free = this.#older(node)
    else node = ++this.#nodes
    const chunk = (node - 1) >> CHUNK_BITS
    if (chunk === this.#points.list.length) {
      this.#points.grow(CHUNK * 2)
      this.#links.grow(CHUNK * 2)
    }
    const points = this.#points.write(chunk)
    points[place(node)] = timeMs
    points[place(node) + 1] = ranked
    return node
  }

  #release(node: number): void {
    this.#links.write((node - 1) >> CHUNK_BITS)[place(node)] = this.#free
    this.#free = node
  }

  /** Makes `younger` follow `older`; 0 stands for the end of the list. */
  #link(cells: Float64Array, at: number, older: number, younger: number): void {
    if (older === 0) cells[at] = younger
    else this.#links.write((older - 1) >> CHUNK_BITS)[place(older) + 1] = younger
    if (younger === 0) cells[at + 1] = older
    else this.#links.write((younger - 1) >> CHUNK_BITS)[place(younger)] = older
  }

  #time(node: number): number {
    return this.#points.list[(node - 1) >> CHUNK_BITS][place(node)]
  }
  #value(node: number): number {
    return this.#points.list[(node - 1) >> CHUNK_BITS][place(node) + 1]
  }
  #older(node: number): number {
    return this.#links.list[(node - 1) >> CHUNK_BITS][place(node)]
  }
  #younger(node: number): number {
    return this.#links.list[(node - 1) >> CHUNK_BITS][place(node) + 1]
  }
}

/** A node's first word in its page. */
function place(node: number): number {
  return ((node - 1) & (CHUNK - 1)) * 2
}
