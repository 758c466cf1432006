const SHARD_BITS = 6
const SHARDS = 1 << SHARD_BITS
const SLOTS_MIN = 16

/** Ids of one span of stream time: 96 bits of hash and the time of reading, in shards that grow one by one. */
class Generation {
  readonly #keys: Int32Array[] = []
  readonly #times: Float64Array[] = []
  readonly #used = new Int32Array(SHARDS)

  constructor() {
    for (let s = 0; s < SHARDS; s++) {
      this.#keys.push(new Int32Array(SLOTS_MIN * 3))
      this.#times.push(new Float64Array(SLOTS_MIN).fill(Number.NaN))
    }
  }

  /** Time of reading, or NaN. */
  get(a: number, b: number, c: number): number {
    const shard = a & (SHARDS - 1)
    return this.#times[shard][this.#place(shard, a, b, c)]
  }

  set(a: number, b: number, c: number, timeMs: number): void {
    const shard = a & (SHARDS - 1)
    const place = this.#place(shard, a, b, c)
    if (Number.isNaN(this.#times[shard][place])) this.#used[shard]++
    this.#keys[shard].set([a, b, c], place * 3)
    this.#times[shard][place] = timeMs
    if (this.#used[shard] * 2 > this.#times[shard].length) this.#grow(shard)
  }

  /** All entries as rows of four: three hash words and the time. */
  entries(): Float64Array {
    const rows = new Float64Array(this.#used.reduce((sum, n) => sum + n, 0) * 4)
    let at = 0
    for (let s = 0; s < SHARDS; s++) {
      this.#times[s].forEach((timeMs, i) => {
        if (Number.isNaN(timeMs)) return
        for (let k = 0; k < 3; k++) rows[at++] = this.#keys[s][i * 3 + k]
        rows[at++] = timeMs
      })
    }
    return rows
  }

  #place(shard: number, a: number, b: number, c: number): number {
    const keys = this.#keys[shard]
    const times = this.#times[shard]
    const mask = times.length - 1
    let at = (a >>> SHARD_BITS) & mask
    while (!Number.isNaN(times[at]) && (keys[at * 3] !== a || keys[at * 3 + 1] !== b || keys[at * 3 + 2] !== c))
      at = (at + 1) & mask
    return at
  }

  #grow(shard: number): void {
    const keys = this.#keys[shard]
    const times = this.#times[shard]
    this.#keys[shard] = new Int32Array(keys.length * 2)
    this.#times[shard] = new Float64Array(times.length * 2).fill(Number.NaN)
    for (let i = 0; i < times.length; i++) {
      if (Number.isNaN(times[i])) continue
      const place = this.#place(shard, keys[i * 3], keys[i * 3 + 1], keys[i * 3 + 2])
      this.#keys[shard].set(keys.subarray(i * 3, i * 3 + 3), place * 3)
      this.#times[shard][place] = times[i]
    }
  }
}

/**
 * Remembers which ids were read within the last `spanMs` of stream time.
 *
 * Error   two ids are taken for one with a chance of 2^-96 a pair: never, at any rate a machine can read
 * Memory  20 to 80 bytes an id, for up to twice the span: two generations, the older one dropped whole
 */
export class RecentIds {
  readonly #spanMs: number
  #startMs = Number.NEGATIVE_INFINITY
  #young = new Generation()
  #old = new Generation()

  constructor(spanMs: number) {
    this.#spanMs = spanMs
  }

  /**
   * True, and remembered as read at `readMs`, unless the id was read after `nowMs - spanMs`.
   * The id is the bytes [start, end) of `bytes`.
   */
  add(bytes: Uint8Array, start: number, end: number, nowMs: number, readMs: number): boolean {
    let a = 0x811c9dc5
    let b = 0x3c6ef372
    let c = 0x1b873593
    for (let i = start; i < end; i++) {
      const byte = bytes[i]
      a = Math.imul(a ^ byte, 0x01000193)
      b = Math.imul((b << 7) ^ (b >>> 25) ^ byte, 0x5bd1e995)
      c = (Math.imul(c, 31) + byte) ^ (c >>> 15)
    }
    a = scramble(a ^ (end - start))
    b = scramble(b)
    c = scramble(c)
    this.#turn(nowMs)
    const young = this.#young.get(a, b, c)
    const readAt = Number.isNaN(young) ? this.#old.get(a, b, c) : young
    if (readAt > nowMs - this.#spanMs) return false
    this.#young.set(a, b, c, readMs)
    return true
  }

  snapshot(): { startMs: number; young: Float64Array; old: Float64Array } {
    return { startMs: this.#startMs, young: this.#young.entries(), old: this.#old.entries() }
  }

  restore(saved: { startMs: number; young: Float64Array; old: Float64Array }): void {
    this.#startMs = saved.startMs
    this.#young = generationOf(saved.young)
    this.#old = generationOf(saved.old)
  }

  /** A generation that began a span ago becomes the old one: what that was has been read a span ago or more. */
  #turn(nowMs: number): void {
    if (nowMs < this.#startMs + this.#spanMs) return
    this.#old = this.#young
    this.#young = new Generation()
    this.#startMs = nowMs
  }
}

function generationOf(rows: Float64Array): Generation {
  const generation = new Generation()
  for (let i = 0; i < rows.length; i += 4) generation.set(rows[i], rows[i + 1], rows[i + 2], rows[i + 3])
  return generation
}

/** Finalizer of MurmurHash3. */
function scramble(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
