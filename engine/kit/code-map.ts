const CHUNK_BITS = 12
const CHUNK = 1 << CHUNK_BITS

/**
 * What TupleMap is to tuples, for single whole numbers that are small and dense (codes, from 0 on): no hashing.
 *
 * Shape   id + 1 by code and code by id, both in chunks of 4,096
 * Cost    find, add, remove: one place in memory
 * Memory  4 bytes for every code up to the largest one, 4 an id
 */
export class CodeMap {
  readonly arity = 1
  /** probe[0] is the code that the next findOrAdd asks for. Filled by the caller. */
  readonly probe = new Int32Array(1)
  size = 0
  readonly #ids: (Int32Array | undefined)[] = []
  readonly #codes: Int32Array[] = []
  readonly #free: number[] = []
  #idsEnd = 0

  get idsEnd(): number {
    return this.#idsEnd
  }

  /** Id of the probe; a new one (see `size` before and after) when it is not there yet. */
  findOrAdd(): number {
    const code = this.probe[0]
    let chunk = this.#ids[code >> CHUNK_BITS]
    if (chunk === undefined) {
      chunk = new Int32Array(CHUNK)
      this.#ids[code >> CHUNK_BITS] = chunk
    }
    const known = chunk[code & (CHUNK - 1)]
    if (known !== 0) return known - 1
    const id = this.#free.length > 0 ? (this.#free.pop() as number) : this.#idsEnd++
    if (id >> CHUNK_BITS === this.#codes.length) this.#codes.push(new Int32Array(CHUNK))
    this.#codes[id >> CHUNK_BITS][id & (CHUNK - 1)] = code
    chunk[code & (CHUNK - 1)] = id + 1
    this.size++
    return id
  }

  /** The code of a live id. */
  part(id: number, _: number): number {
    return this.#codes[id >> CHUNK_BITS][id & (CHUNK - 1)]
  }

  /** Forgets a live id; it will be handed out again. */
  remove(id: number): void {
    const code = this.part(id, 0)
    const chunk = this.#ids[code >> CHUNK_BITS] as Int32Array
    chunk[code & (CHUNK - 1)] = 0
    this.size--
    this.#free.push(id)
  }
}
