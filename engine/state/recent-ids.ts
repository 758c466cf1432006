import assert from 'node:assert/strict'
import { keyedHash } from '../kit/keyed-hash.ts'
import { HashPages, HOME_SHIFT } from './hash-pages.ts'
import type { Memory } from './memory.ts'

const SPAN_MS_MAX = 0x7fff_fff0

const STRIDE = 4 // three words of hash, and milliseconds since the generation's origin + 1 (0 = free)
const SINCE = 3

/** Ids of one span of stream time: 96 bits of hash and the time of reading, in hash pages. */
class Generation {
  #originMs = 0
  readonly #table: HashPages

  constructor(memory: Memory) {
    this.#table = new HashPages(memory, { stride: STRIDE, flag: SINCE, hashOf: (page, at) => page[at] })
    memory.root(
      () => this.#originMs,
      (saved) => {
        this.#originMs = saved
      },
    )
  }

  /** Lets go of all ids; times lie from `originMs` to 24 days after it from now on. */
  begin(originMs: number): void {
    if (this.#table.size > 0) this.#table.clear()
    this.#originMs = originMs
  }

  /** True when the id was read after `sinceMs`. */
  has(a: number, b: number, c: number, sinceMs: number): boolean {
    if (this.#table.size === 0) return false
    const table = this.#table.tableOf(a)
    const since = table[place(table, this.#table.maskOf(table), a, b, c) + SINCE]
    return since !== 0 && this.#originMs + since - 1 > sinceMs
  }

  /** True, and remembered as read at `timeMs`, unless the id was read after `sinceMs`, here or (`old`) before. */
  add(a: number, b: number, c: number, sinceMs: number, timeMs: number, old: Generation): boolean {
    const table = this.#table.tableOf(a)
    const at = place(table, this.#table.maskOf(table), a, b, c)
    const since = table[at + SINCE]
    if (since !== 0 ? this.#originMs + since - 1 > sinceMs : old.has(a, b, c, sinceMs)) return false
    this.#table.write(a)
    table[at] = a
    table[at + 1] = b
    table[at + 2] = c
    table[at + SINCE] = timeMs - this.#originMs + 1
    if (since === 0) this.#table.added(a)
    return true
  }
}

/** Where the id stands in the page, or the free entry where it belongs. */
function place(table: Int32Array, mask: number, a: number, b: number, c: number): number {
  let slot = (a >>> HOME_SHIFT) & mask
  for (;;) {
    const at = slot * STRIDE
    if (table[at + SINCE] === 0 || (table[at] === a && table[at + 1] === b && table[at + 2] === c)) return at
    slot = (slot + 1) & mask
  }
}

/**
 * Remembers which ids were read within the last `spanMs` of stream time.
 *
 * Error   two ids are taken for one with a chance of 2^-96 a pair: never, at any rate a machine can read
 * Memory  26 to 51 bytes an id, for up to twice the span: two generations, the older one dropped whole
 */
export class RecentIds {
  readonly #spanMs: number
  readonly #hashKey: Int32Array
  /** Of the id in hand. */
  readonly #more = new Int32Array(2)
  #startMs = Number.NEGATIVE_INFINITY
  #young: Generation
  #old: Generation

  /** @param spanMs at most 24 days. */
  constructor(memory: Memory, spanMs: number) {
    assert(spanMs > 0 && spanMs <= SPAN_MS_MAX)
    this.#spanMs = spanMs
    this.#hashKey = memory.hashKey
    const generations = [new Generation(memory), new Generation(memory)]
    ;[this.#young, this.#old] = generations
    memory.root(
      () => ({ young: generations.indexOf(this.#young), startMs: this.#startMs === -Infinity ? null : this.#startMs }),
      (saved) => {
        this.#young = generations[saved.young]
        this.#old = generations[1 - saved.young]
        this.#startMs = saved.startMs ?? Number.NEGATIVE_INFINITY
      },
    )
  }

  /**
   * True, and remembered as read at `readMs`, unless the id was read after `readMs - spanMs`. `nowMs`: stream time, which rises.
   * The id is the bytes [start, end) of `bytes`.
   */
  add(bytes: Uint8Array, start: number, end: number, nowMs: number, readMs: number): boolean {
    const more = this.#more
    const hash = keyedHash(bytes, start, end, this.#hashKey, more)
    this.#turn(nowMs, readMs)
    return this.#young.add(hash, more[0], more[1], readMs - this.#spanMs, readMs, this.#old)
  }

  /** A generation that began a span ago becomes the old one: what that was has been read a span ago or more. */
  #turn(nowMs: number, readMs: number): void {
    const isFar = readMs - this.#startMs > SPAN_MS_MAX
    if (nowMs < this.#startMs + this.#spanMs && !isFar) return
    this.#startMs = isFar ? readMs : nowMs
    const before = this.#old
    this.#old = this.#young
    this.#young = before
    before.begin(this.#startMs)
  }
}
