import { type Memory, Pages } from './memory.ts'

const PAGE_BITS = 12
const PAGE = 1 << PAGE_BITS

/**
 * What TupleMap is to tuples, for single whole numbers that are small and dense (codes, from 0 on): no hashing.
 *
 * Shape   id + 1 by code and code by id, both in pages of 4,096; a free id holds the next free one + 1
 * Cost    find, add, remove: one place in memory
 * Memory  4 bytes for every code up to the largest one, 4 an id
 */
export class CodeMap {
  readonly arity = 1
  /** probe[0] is the code that the next findOrAdd asks for. Filled by the caller. */
  readonly probe = new Int32Array(1)
  size = 0
  /** A page without codes has no length. */
  readonly #ids: Pages<Int32Array>
  readonly #codes: Pages<Int32Array>
  /** Id + 1; 0 = none. */
  #free = 0
  #idsEnd = 0

  constructor(memory: Memory) {
    this.#ids = new Pages(memory, Int32Array)
    this.#codes = new Pages(memory, Int32Array)
    memory.root(
      () => ({ size: this.size, free: this.#free, idsEnd: this.#idsEnd }),
      (saved) => {
        this.size = saved.size
        this.#free = saved.free
        this.#idsEnd = saved.idsEnd
      },
    )
  }

  /** Ids ever handed out: all ids are below it. */
  get idsEnd(): number {
    return this.#idsEnd
  }

  /** Id of the probe; a new one (see `size` before and after) when it is not there yet. */
  findOrAdd(): number {
    const code = this.probe[0]
    const page = code >> PAGE_BITS
    while (page >= this.#ids.list.length) this.#ids.grow(0)
    if (this.#ids.list[page].length === 0) this.#ids.replace(page, new Int32Array(PAGE))
    const known = this.#ids.list[page][code & (PAGE - 1)]
    if (known !== 0) return known - 1
    const id = this.#newId()
    this.#codes.write(id >> PAGE_BITS)[id & (PAGE - 1)] = code
    this.#ids.write(page)[code & (PAGE - 1)] = id + 1
    this.size++
    return id
  }

  /** Id of the probe, a code; -1 when it is not there. */
  find(): number {
    const code = this.probe[0]
    const ids = this.#ids.list[code >> PAGE_BITS]
    return ids === undefined || ids.length === 0 ? -1 : ids[code & (PAGE - 1)] - 1
  }

  /** The code of a live id. */
  part(id: number, _: number): number {
    return this.#codes.list[id >> PAGE_BITS][id & (PAGE - 1)]
  }

  /** Forgets a live id; it will be handed out again. */
  remove(id: number): void {
    const codes = this.#codes.write(id >> PAGE_BITS)
    const code = codes[id & (PAGE - 1)]
    this.#ids.write(code >> PAGE_BITS)[code & (PAGE - 1)] = 0
    codes[id & (PAGE - 1)] = this.#free
    this.#free = id + 1
    this.size--
  }

  #newId(): number {
    if (this.#free !== 0) {
      const id = this.#free - 1
      this.#free = this.part(id, 0)
      return id
    }
    const id = this.#idsEnd++
    if (id >> PAGE_BITS === this.#codes.list.length) this.#codes.grow(PAGE)
    return id
  }
}
