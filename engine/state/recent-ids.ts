import assert from 'node:assert/strict'

const SHARD_BITS = 6
const SHARDS = 1 << SHARD_BITS
const SLOTS_MIN = 16
const SPAN_MS_MAX = 0x7fff_fff0

const STRIDE = 4 // three words of hash, and milliseconds since the generation's origin + 1 (0 = free)

/** Ids of one span of stream time: 96 bits of hash and the time of reading, in shards that grow one by one. */
class Generation {
  readonly #originMs: number
  readonly #shards: Int32Array[] = Array.from({ length: SHARDS }, () => new Int32Array(SLOTS_MIN * STRIDE))
  readonly #used = new Int32Array(SHARDS)

  /** Times lie from `originMs` to 24 days after it. */
  constructor(originMs: number) {
    this.#originMs = originMs
  }

  /** Time of reading, or NaN. */
  get(a: number, b: number, c: number): number {
    const shard = this.#shards[a & (SHARDS - 1)]
    const since = shard[place(shard, a, b, c) + 3]
    return since === 0 ? Number.NaN : this.#originMs + since - 1
  }

  set(a: number, b: number, c: number, timeMs: number): void {
    const s = a & (SHARDS - 1)
    const shard = this.#shards[s]
    const at = place(shard, a, b, c)
    if (shard[at + 3] === 0) this.#used[s]++
    shard[at] = a
    shard[at + 1] = b
    shard[at + 2] = c
    shard[at + 3] = timeMs - this.#originMs + 1
    if (this.#used[s] * STRIDE * 2 > shard.length) this.#grow(s)
  }

  /** All entries as rows of four: three hash words and the time. */
  entries(): Float64Array {
    const rows = new Float64Array(this.#used.reduce((sum, n) => sum + n, 0) * STRIDE)
    let to = 0
    for (const shard of this.#shards) {
      for (let at = 0; at < shard.length; at += STRIDE) {
        if (shard[at + 3] === 0) continue
        rows.set([shard[at], shard[at + 1], shard[at + 2], this.#originMs + shard[at + 3] - 1], to)
        to += STRIDE
      }
    }
    return rows
  }

  #grow(s: number): void {
    const old = this.#shards[s]
    const grown = new Int32Array(old.length * 2)
    for (let at = 0; at < old.length; at += STRIDE) {
      if (old[at + 3] === 0) continue
      const to = place(grown, old[at], old[at + 1], old[at + 2])
      for (let i = 0; i < STRIDE; i++) grown[to + i] = old[at + i]
    }
    this.#shards[s] = grown
  }
}

/** Where the id stands in the shard, or the free entry where it belongs. */
function place(shard: Int32Array, a: number, b: number, c: number): number {
  const mask = shard.length - 1
  let at = ((a >>> SHARD_BITS) * STRIDE) & mask
  while (shard[at + 3] !== 0 && (shard[at] !== a || shard[at + 1] !== b || shard[at + 2] !== c))
    at = (at + STRIDE) & mask
  return at
}

/**
 * Remembers which ids were read within the last `spanMs` of stream time.
 *
 * Error   two ids are taken for one with a chance of 2^-96 a pair: never, at any rate a machine can read
 * Memory  32 to 64 bytes an id, for up to twice the span: two generations, the older one dropped whole
 */
export class RecentIds {
  readonly #spanMs: number
  #startMs = Number.NEGATIVE_INFINITY
  #young = new Generation(0)
  #old = new Generation(0)

  /** @param spanMs at most 24 days. */
  constructor(spanMs: number) {
    assert(spanMs > 0 && spanMs <= SPAN_MS_MAX)
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
    this.#turn(nowMs, readMs)
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
    this.#young = generationOf(saved.young, saved.startMs)
    this.#old = generationOf(saved.old, Number.POSITIVE_INFINITY)
  }

  /** A generation that began a span ago becomes the old one: what that was has been read a span ago or more. */
  #turn(nowMs: number, readMs: number): void {
    const isFar = readMs - this.#startMs > SPAN_MS_MAX
    if (nowMs < this.#startMs + this.#spanMs && !isFar) return
    this.#startMs = isFar ? readMs : nowMs
    this.#old = this.#young
    this.#young = new Generation(this.#startMs)
  }
}

/** @param laterMs origin at the latest. */
function generationOf(rows: Float64Array, laterMs: number): Generation {
  let originMs = Number.isFinite(laterMs) ? laterMs : Number.POSITIVE_INFINITY
  for (let i = 3; i < rows.length; i += 4) originMs = Math.min(originMs, rows[i])
  const generation = new Generation(Number.isFinite(originMs) ? originMs : 0)
  for (let i = 0; i < rows.length; i += 4) generation.set(rows[i], rows[i + 1], rows[i + 2], rows[i + 3])
  return generation
}

/** Finalizer of MurmurHash3. */
function scramble(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
