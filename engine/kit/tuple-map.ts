import assert from 'node:assert/strict'

const SHARD_BITS = 8
const SHARDS = 1 << SHARD_BITS
const SHARD_SLOTS_MIN = 8
const CHUNK_BITS = 12
const CHUNK = 1 << CHUNK_BITS

/**
 * Tuples of 1 to 4 whole numbers (32 bits, signed) to dense ids that are used again after `remove`.
 *
 * Shape   256 open-addressing shards of id + 1 (0 = free), linear probing, removal by shifting back; the tuples
 *         themselves in chunks of 4,096 ids
 * Cost    findOrAdd, remove: O(1) expected; a growth rehashes one shard only, so no call is long
 * Memory  4 * arity + 8 to 16 bytes a tuple
 */
export class TupleMap {
  readonly arity: number
  /** The tuple that the next `findOrAdd` asks for. Filled by the caller. */
  readonly probe: Int32Array
  size = 0
  readonly #shards: Int32Array[] = []
  readonly #used = new Int32Array(SHARDS)
  readonly #tuples: Int32Array[] = []
  readonly #free: number[] = []
  #ids = 0

  constructor(arity: number) {
    assert(arity >= 1 && arity <= 4)
    this.arity = arity
    this.probe = new Int32Array(arity)
    for (let i = 0; i < SHARDS; i++) this.#shards.push(new Int32Array(SHARD_SLOTS_MIN))
  }

  /** Ids ever handed out: all ids are below it. */
  get idsEnd(): number {
    return this.#ids
  }

  /** Id of the probe; a new one (see `size` before and after) when it is not there yet. */
  findOrAdd(): number {
    const hash = this.#hashProbe()
    const s = hash & (SHARDS - 1)
    const shard = this.#shards[s]
    const mask = shard.length - 1
    let at = (hash >>> SHARD_BITS) & mask
    for (; ; at = (at + 1) & mask) {
      const id = shard[at] - 1
      if (id < 0) break
      if (this.#equalsProbe(id)) return id
    }
    const id = this.#newId()
    shard[at] = id + 1
    this.size++
    this.#used[s]++
    if (this.#used[s] * 4 > shard.length * 3) this.#growShard(s)
    return id
  }

  /** Component `i` of the tuple of a live id. */
  part(id: number, i: number): number {
    return this.#tuples[id >> CHUNK_BITS][(id & (CHUNK - 1)) * this.arity + i]
  }

  /** Forgets a live id; it will be handed out again. */
  remove(id: number): void {
    const hash = this.#hashId(id)
    const s = hash & (SHARDS - 1)
    const shard = this.#shards[s]
    const mask = shard.length - 1
    let at = (hash >>> SHARD_BITS) & mask
    while (shard[at] !== id + 1) {
      assert(shard[at] !== 0, 'an id that is removed is there')
      at = (at + 1) & mask
    }
    for (let next = (at + 1) & mask; shard[next] !== 0; next = (next + 1) & mask) {
      const home = (this.#hashId(shard[next] - 1) >>> SHARD_BITS) & mask
      if (((next - home) & mask) >= ((next - at) & mask)) {
        shard[at] = shard[next]
        at = next
      }
    }
    shard[at] = 0
    this.size--
    this.#used[s]--
    this.#free.push(id)
  }

  #newId(): number {
    const id = this.#free.length > 0 ? (this.#free.pop() as number) : this.#ids++
    if (id >> CHUNK_BITS === this.#tuples.length) this.#tuples.push(new Int32Array(CHUNK * this.arity))
    const tuples = this.#tuples[id >> CHUNK_BITS]
    const base = (id & (CHUNK - 1)) * this.arity
    for (let i = 0; i < this.arity; i++) tuples[base + i] = this.probe[i]
    return id
  }

  #equalsProbe(id: number): boolean {
    const tuples = this.#tuples[id >> CHUNK_BITS]
    const base = (id & (CHUNK - 1)) * this.arity
    const probe = this.probe
    for (let i = 0; i < this.arity; i++) if (tuples[base + i] !== probe[i]) return false
    return true
  }

  #hashProbe(): number {
    let hash = 0
    const probe = this.probe
    for (let i = 0; i < this.arity; i++) hash = mix(hash ^ probe[i])
    return hash
  }

  #hashId(id: number): number {
    const tuples = this.#tuples[id >> CHUNK_BITS]
    const base = (id & (CHUNK - 1)) * this.arity
    let hash = 0
    for (let i = 0; i < this.arity; i++) hash = mix(hash ^ tuples[base + i])
    return hash
  }

  #growShard(s: number): void {
    const old = this.#shards[s]
    const grown = new Int32Array(old.length * 2)
    const mask = grown.length - 1
    for (const entry of old) {
      if (entry === 0) continue
      let at = (this.#hashId(entry - 1) >>> SHARD_BITS) & mask
      while (grown[at] !== 0) at = (at + 1) & mask
      grown[at] = entry
    }
    this.#shards[s] = grown
  }
}

/** Finalizer of MurmurHash3 with a start of its own, so that 0 does not hash to 0. */
function mix(h: number): number {
  h = (h + 0x9e3779b9) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
