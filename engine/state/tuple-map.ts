import assert from 'node:assert/strict'
import { HashPages, HOME_SHIFT, scramble } from './hash-pages.ts'
import { type Memory, Pages } from './memory.ts'

const PAGE_BITS = 11
const PAGE = 1 << PAGE_BITS

/**
 * Tuples of 1 to 4 whole numbers (32 bits, signed) to dense ids that are used again after `remove`.
 *
 * Shape   hash pages of id + 1; the tuples themselves in pages of 2,048 ids; a free id holds the next free one + 1
 * Cost    findOrAdd, remove: O(1) expected; a growth rehashes one page only, so no call is long
 * Memory  4 * arity + 6 to 13 bytes a tuple
 */
export class TupleMap {
  readonly arity: number
  /** The tuple that the next `findOrAdd` asks for. Filled by the caller. */
  readonly probe: Int32Array
  readonly #table: HashPages
  readonly #hashKey: Int32Array
  readonly #tuples: Pages<Int32Array>
  /** Id + 1; 0 = none. */
  #free = 0
  #idsEnd = 0

  constructor(memory: Memory, arity: number) {
    assert(arity >= 1 && arity <= 4)
    this.arity = arity
    this.#hashKey = memory.hashKey
    this.probe = new Int32Array(arity)
    this.#tuples = new Pages(memory, Int32Array)
    this.#table = new HashPages(memory, { stride: 1, flag: 0, hashOf: (page, at) => this.#hashId(page[at] - 1) })
    memory.root(
      () => ({ free: this.#free, idsEnd: this.#idsEnd }),
      (saved) => {
        this.#free = saved.free
        this.#idsEnd = saved.idsEnd
      },
    )
  }

  get size(): number {
    return this.#table.size
  }

  /** Ids ever handed out: all ids are below it. */
  get idsEnd(): number {
    return this.#idsEnd
  }

  /** Id of the probe; a new one (see `size` before and after) when it is not there yet. */
  findOrAdd(): number {
    const hash = this.#hashProbe()
    const table = this.#table.tableOf(hash)
    const mask = this.#table.maskOf(table)
    let slot = (hash >>> HOME_SHIFT) & mask
    for (; ; slot = (slot + 1) & mask) {
      const id = table[slot] - 1
      if (id < 0) break
      if (this.#equalsProbe(id)) return id
    }
    const id = this.#newId()
    this.#table.write(hash)[slot] = id + 1
    this.#table.added(hash)
    return id
  }

  /** Component `i` of the tuple of a live id. */
  part(id: number, i: number): number {
    return this.#tuples.list[id >> PAGE_BITS][(id & (PAGE - 1)) * this.arity + i]
  }

  /** Forgets a live id; it will be handed out again. */
  remove(id: number): void {
    const hash = this.#hashId(id)
    const table = this.#table.tableOf(hash)
    const mask = this.#table.maskOf(table)
    let slot = (hash >>> HOME_SHIFT) & mask
    while (table[slot] !== id + 1) {
      assert(table[slot] !== 0, 'an id that is removed is there')
      slot = (slot + 1) & mask
    }
    this.#table.remove(hash, slot)
    this.#tuples.write(id >> PAGE_BITS)[(id & (PAGE - 1)) * this.arity] = this.#free
    this.#free = id + 1
  }

  #newId(): number {
    let id = this.#free - 1
    if (id >= 0) this.#free = this.part(id, 0)
    else id = this.#idsEnd++
    if (id >> PAGE_BITS === this.#tuples.list.length) this.#tuples.grow(PAGE * this.arity)
    const tuples = this.#tuples.write(id >> PAGE_BITS)
    const base = (id & (PAGE - 1)) * this.arity
    for (let i = 0; i < this.arity; i++) tuples[base + i] = this.probe[i]
    return id
  }

  #equalsProbe(id: number): boolean {
    const tuples = this.#tuples.list[id >> PAGE_BITS]
    const base = (id & (PAGE - 1)) * this.arity
    const probe = this.probe
    for (let i = 0; i < this.arity; i++) if (tuples[base + i] !== probe[i]) return false
    return true
  }

  #hashProbe(): number {
    let hash = this.#hashKey[0]
    const probe = this.probe
    for (let i = 0; i < this.arity; i++) hash = mix(hash ^ probe[i])
    return hash
  }

  #hashId(id: number): number {
    const tuples = this.#tuples.list[id >> PAGE_BITS]
    const base = (id & (PAGE - 1)) * this.arity
    let hash = this.#hashKey[0]
    for (let i = 0; i < this.arity; i++) hash = mix(hash ^ tuples[base + i])
    return hash
  }
}

/** With a start of its own, so that 0 does not hash to 0. */
function mix(h: number): number {
  return scramble((h + 0x9e3779b9) | 0)
}
