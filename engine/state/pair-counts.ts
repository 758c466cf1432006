const SHARD_BITS = 8
const SHARDS = 1 << SHARD_BITS
const SLOTS_MIN = 8
const STRIDE = 4 // slot + 1 (0 = free), value, low and high half of the count

/**
 * A whole number for each (key slot, value code) that has one; pairs at zero are forgotten.
 *
 * Shape   256 open-addressing shards of 16-byte entries, linear probing, removal by shifting back
 * Units   counts are whole, below 2^53 in size
 * Cost    one place in memory per call; a growth rehashes one shard only
 * Memory  21 to 43 bytes a pair
 */
export class PairCounts {
  readonly #shards: Int32Array[] = Array.from({ length: SHARDS }, () => new Int32Array(SLOTS_MIN * STRIDE))
  readonly #used = new Int32Array(SHARDS)
  size = 0

  /** Adds `delta` and returns the count after it. */
  add(slot: number, value: number, delta: number): number {
    const hash = hashPair(slot, value)
    const s = hash & (SHARDS - 1)
    const shard = this.#shards[s]
    const mask = shard.length - 1
    let at = ((hash >>> SHARD_BITS) * STRIDE) & mask
    for (; shard[at] !== 0; at = (at + STRIDE) & mask) {
      if (shard[at] === slot + 1 && shard[at + 1] === value) {
        const after = shard[at + 3] * 0x1_0000_0000 + (shard[at + 2] >>> 0) + delta
        if (after === 0) this.#remove(s, at)
        else setCount(shard, at, after)
        return after
      }
    }
    if (delta === 0) return 0
    shard[at] = slot + 1
    shard[at + 1] = value
    setCount(shard, at, delta)
    this.size++
    this.#used[s]++
    if (this.#used[s] * STRIDE * 4 > shard.length * 3) this.#grow(s)
    return delta
  }

  #remove(s: number, free: number): void {
    const shard = this.#shards[s]
    const mask = shard.length - 1
    let at = free
    for (let next = (at + STRIDE) & mask; shard[next] !== 0; next = (next + STRIDE) & mask) {
      const home = ((hashPair(shard[next] - 1, shard[next + 1]) >>> SHARD_BITS) * STRIDE) & mask
      if (((next - home) & mask) >= ((next - at) & mask)) {
        shard.copyWithin(at, next, next + STRIDE)
        at = next
      }
    }
    shard[at] = 0
    this.size--
    this.#used[s]--
  }

  #grow(s: number): void {
    const old = this.#shards[s]
    const grown = new Int32Array(old.length * 2)
    const mask = grown.length - 1
    for (let from = 0; from < old.length; from += STRIDE) {
      if (old[from] === 0) continue
      let at = ((hashPair(old[from] - 1, old[from + 1]) >>> SHARD_BITS) * STRIDE) & mask
      while (grown[at] !== 0) at = (at + STRIDE) & mask
      for (let i = 0; i < STRIDE; i++) grown[at + i] = old[from + i]
    }
    this.#shards[s] = grown
  }
}

function setCount(shard: Int32Array, at: number, count: number): void {
  shard[at + 2] = count | 0
  shard[at + 3] = Math.floor(count / 0x1_0000_0000)
}

/** Two rounds of MurmurHash3's mixing. */
function hashPair(slot: number, value: number): number {
  let h = Math.imul(slot ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15) ^ value, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 13), 0x27d4eb2f)
  return h ^ (h >>> 16)
}
