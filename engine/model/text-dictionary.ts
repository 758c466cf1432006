import { keyedHash, processKey } from '../kit/keyed-hash.ts'

const SLOTS = 1_024 // a power of 2, four times as many as texts

/** Gives texts numbers from 0 on, in the order in which they are first asked for. For a few hundred texts. */
export class TextDictionary {
  readonly #max: number
  readonly #slots = new Int16Array(SLOTS)
  #bytes = new Uint8Array(4_096)
  readonly #offsets: Uint32Array
  count = 0

  constructor(max: number) {
    this.#max = max
    this.#offsets = new Uint32Array(max + 1)
  }

  get sizeBytes(): number {
    return this.#offsets[this.count]!
  }
  /** Views, good until the next `clear` or `code`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.sizeBytes)
  }
  get offsets(): Uint32Array {
    return this.#offsets.subarray(0, this.count + 1)
  }

  clear(): void {
    if (this.count > 0) this.#slots.fill(0)
    this.count = 0
  }

  /** Number of the text `source[start..end)`; -1 where there are too many, or it is longer than 255 bytes. */
  code(source: Uint8Array, start: number, end: number): number {
    if (end - start > 0xff) return -1
    for (let slot = keyedHash(source, start, end, processKey) & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
      const code = this.#slots[slot]! - 1
      if (code < 0) return this.#add(slot, source, start, end)
      if (this.#isText(code, source, start, end)) return code
    }
  }

  #isText(code: number, source: Uint8Array, start: number, end: number): boolean {
    let at = this.#offsets[code]!
    if (this.#offsets[code + 1]! - at !== end - start) return false
    for (let i = start; i < end; i++, at++) if (this.#bytes[at] !== source[i]) return false
    return true
  }

  #add(slot: number, source: Uint8Array, start: number, end: number): number {
    if (this.count === this.#max) return -1
    const at = this.sizeBytes
    if (at + end - start > this.#bytes.length) {
      const bytes = new Uint8Array(2 * (at + end - start))
      bytes.set(this.#bytes)
      this.#bytes = bytes
    }
    for (let i = start; i < end; i++) this.#bytes[at + i - start] = source[i]!
    const code = this.count++
    this.#offsets[this.count] = at + end - start
    this.#slots[slot] = code + 1
    return code
  }
}
