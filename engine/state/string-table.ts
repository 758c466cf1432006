import assert from 'node:assert/strict'

const NUMBER_TAG = 0xff // no UTF-8 string begins with it
const RECORD = 4
const HASH = 0
const START = 1
const LENGTH = 2
const REFERENCES = 3
const utf8 = new TextDecoder()

/**
 * Values (strings, and numbers where they are keys) to small integers, counted by reference.
 *
 * Shape   bytes of all values in one arena; open addressing over their hashes; a number is 0xff and its 8 bytes
 * Life    `intern` adds a reference; at none left (`release`) the code is free to mean another value
 * Bounds  2 GiB of live bytes; beyond that a RangeError
 * Memory  the bytes of the live values twice at most (the arena is packed when half of it is dead) + 24 bytes each
 */
export class StringTable {
  #arena = new Uint8Array(1 << 16)
  #arenaEnd = 0
  #deadBytes = 0
  /** Per code: hash, start in the arena, length, references. */
  #records = new Int32Array(1024 * RECORD)
  #table = new Int32Array(4096)
  #codes = 0
  readonly #free: number[] = []
  readonly #values: (string | number | undefined)[] = []
  readonly #numberBytes = new Uint8Array(9).fill(NUMBER_TAG, 0, 1)
  readonly #numberView = new DataView(this.#numberBytes.buffer)
  #scratch = new Uint8Array(256)
  live = 0

  /** Code of the bytes [start, end) of `source`, with one reference more. */
  intern(source: Uint8Array, start: number, end: number): number {
    let hash = 0x811c9dc5
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i], 0x01000193)
    hash = (hash ^ (hash >>> 15)) | 0
    const mask = this.#table.length - 1
    let at = hash & mask
    for (; this.#table[at] !== 0; at = (at + 1) & mask) {
      const code = this.#table[at] - 1
      if (this.#records[code * RECORD] === hash && this.#equals(code, source, start, end)) {
        this.#records[code * RECORD + REFERENCES]++
        return code
      }
    }
    return this.#add(at, hash, source, start, end)
  }

  internText(text: string): number {
    if (this.#scratch.length < text.length * 3) this.#scratch = new Uint8Array(text.length * 3)
    const { written } = new TextEncoder().encodeInto(text, this.#scratch)
    return this.intern(this.#scratch, 0, written)
  }

  internNumber(value: number): number {
    this.#numberView.setFloat64(1, value === 0 ? 0 : value, true)
    return this.intern(this.#numberBytes, 0, 9)
  }

  retain(code: number): void {
    this.#records[code * RECORD + REFERENCES]++
  }

  release(code: number): void {
    const left = --this.#records[code * RECORD + REFERENCES]
    assert(left >= 0, 'a code is released once for each reference')
    if (left === 0) this.#remove(code)
  }

  /** The value behind a live code. The string is made at the first asking and kept while the code lives. */
  value(code: number): string | number {
    const known = this.#values[code]
    if (known !== undefined) return known
    const start = this.#records[code * RECORD + START]
    const length = this.#records[code * RECORD + LENGTH]
    const made =
      this.#arena[start] === NUMBER_TAG && length === 9
        ? new DataView(this.#arena.buffer, start + 1, 8).getFloat64(0, true)
        : utf8.decode(this.#arena.subarray(start, start + length))
    this.#values[code] = made
    return made
  }

  #equals(code: number, source: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (this.#records[code * RECORD + LENGTH] !== length) return false
    const at = this.#records[code * RECORD + START]
    const arena = this.#arena
    for (let i = 0; i < length; i++) if (arena[at + i] !== source[start + i]) return false
    return true
  }

  #add(at: number, hash: number, source: Uint8Array, start: number, end: number): number {
    const length = end - start
    if (this.#arenaEnd + length > this.#arena.length) this.#makeRoom(length)
    const code = this.#free.length > 0 ? (this.#free.pop() as number) : this.#codes++
    if (code * RECORD === this.#records.length) this.#growCodes()
    this.#arena.set(source.subarray(start, end), this.#arenaEnd)
    const record = code * RECORD
    this.#records[record + HASH] = hash
    this.#records[record + START] = this.#arenaEnd
    this.#records[record + LENGTH] = length
    this.#records[record + REFERENCES] = 1
    this.#arenaEnd += length
    this.#values[code] = undefined
    this.#table[at] = code + 1
    this.live++
    if (this.live * 2 > this.#table.length) this.#growTable()
    return code
  }

  #remove(code: number): void {
    const table = this.#table
    const mask = table.length - 1
    let at = this.#records[code * RECORD] & mask
    while (table[at] !== code + 1) at = (at + 1) & mask
    for (let next = (at + 1) & mask; table[next] !== 0; next = (next + 1) & mask) {
      const home = this.#records[(table[next] - 1) * RECORD] & mask
      if (((next - home) & mask) >= ((next - at) & mask)) {
        table[at] = table[next]
        at = next
      }
    }
    table[at] = 0
    this.live--
    this.#deadBytes += this.#records[code * RECORD + LENGTH]
    this.#values[code] = undefined
    this.#free.push(code)
  }

  /** Packs the arena when half of it is dead, else doubles it. */
  #makeRoom(length: number): void {
    const living = this.#arenaEnd - this.#deadBytes
    const target = new Uint8Array(
      Math.max(this.#arena.length * (living * 2 > this.#arenaEnd ? 2 : 1), (living + length) * 2),
    )
    let end = 0
    for (let record = 0; record < this.#codes * RECORD; record += RECORD) {
      if (this.#records[record + REFERENCES] === 0) continue
      const start = this.#records[record + START]
      target.set(this.#arena.subarray(start, start + this.#records[record + LENGTH]), end)
      this.#records[record + START] = end
      end += this.#records[record + LENGTH]
    }
    this.#arena = target
    this.#arenaEnd = end
    this.#deadBytes = 0
  }

  #growCodes(): void {
    const grown = new Int32Array(this.#records.length * 2)
    grown.set(this.#records)
    this.#records = grown
  }

  #growTable(): void {
    const grown = new Int32Array(this.#table.length * 2)
    const mask = grown.length - 1
    for (const entry of this.#table) {
      if (entry === 0) continue
      let at = this.#records[(entry - 1) * RECORD] & mask
      while (grown[at] !== 0) at = (at + 1) & mask
      grown[at] = entry
    }
    this.#table = grown
  }
}
