import assert from 'node:assert/strict'
import { decimalToNumber, decimalToText } from '../kit/decimal.ts'
import { keyedHash } from '../kit/keyed-hash.ts'
import { ByteArena } from './byte-arena.ts'
import { HashPages, HOME_SHIFT } from './hash-pages.ts'
import { type Memory, Pages } from './memory.ts'

const NUMBER_TAG = 0xff // no UTF-8 string begins with it
const PAGE_BITS = 10
const PAGE = 1 << PAGE_BITS
/** Per code: address in the arena, length, references. A free code has the next free one + 1 for its address. */
const RECORD = 3
const ADDRESS = 0
const LENGTH = 1
const REFERENCES = 2
/** Per entry of the table: code + 1, hash. */
const ENTRY = 2
const HASH = 1
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

type Value = string | number | undefined

/**
 * Values (strings, and numbers where they are keys) to small integers, counted by reference.
 *
 * Shape   hash pages of code + 1 and hash; a record of 12 bytes a code; the bytes in an arena; a number is 0xff and its 8 bytes,
 *         a decimal beyond 2^53 its digits behind them
 * Life    `intern` adds a reference; at none left (`release`) the code is free to mean another value
 * Memory  25 to 38 bytes a value, and its bytes rounded up to 8; as much as a JS string for those that were asked for
 */
export class StringTable {
  readonly #arena: ByteArena
  readonly #records: Pages<Int32Array>
  readonly #table: HashPages
  readonly #hashKey: Int32Array
  #codes = 0
  /** Code + 1; 0 = none. */
  #free = 0
  /** By code, in pages: what was asked for. */
  #values: (Value[] | undefined)[] = []
  readonly #numberBytes = new Uint8Array(9).fill(NUMBER_TAG, 0, 1)
  readonly #numberView = new DataView(this.#numberBytes.buffer)
  #scratch = new Uint8Array(256)

  constructor(memory: Memory) {
    this.#hashKey = memory.hashKey
    this.#arena = new ByteArena(memory)
    this.#records = new Pages(memory, Int32Array)
    this.#table = new HashPages(memory, { stride: ENTRY, flag: 0, hashOf: (page, at) => page[at + HASH] })
    memory.root(
      () => ({ codes: this.#codes, free: this.#free }),
      (saved) => {
        this.#codes = saved.codes
        this.#free = saved.free
        this.#values = []
      },
    )
  }

  /** Values that have a code. */
  get live(): number {
    return this.#table.size
  }

  /** Memory of the values' bytes. */
  get textBytes(): number {
    return this.#arena.sizeBytes
  }

  /** Code of the bytes [start, end) of `source`, with one reference more. */
  intern(source: Uint8Array, start: number, end: number): number {
    const hash = keyedHash(source, start, end, this.#hashKey)
    const length = end - start
    const table = this.#table.tableOf(hash)
    const mask = this.#table.maskOf(table)
    let slot = (hash >>> HOME_SHIFT) & mask
    for (; table[slot * ENTRY] !== 0; slot = (slot + 1) & mask) {
      if (table[slot * ENTRY + HASH] !== hash) continue
      const code = table[slot * ENTRY] - 1
      const records = this.#records.list[code >> PAGE_BITS]
      const at = (code & (PAGE - 1)) * RECORD
      if (records[at + LENGTH] !== length) continue
      if (!this.#arena.equals(records[at + ADDRESS], length, source, start)) continue
      this.#records.write(code >> PAGE_BITS)[at + REFERENCES]++
      return code
    }
    const code = this.#newCode()
    const records = this.#records.write(code >> PAGE_BITS)
    const at = (code & (PAGE - 1)) * RECORD
    records[at + ADDRESS] = this.#arena.add(source, start, end)
    records[at + LENGTH] = length
    records[at + REFERENCES] = 1
    this.#table.write(hash)
    table[slot * ENTRY] = code + 1
    table[slot * ENTRY + HASH] = hash
    this.#table.added(hash)
    return code
  }

  internText(text: string): number {
    if (this.#scratch.length < text.length * 3) this.#scratch = new Uint8Array(text.length * 3)
    const { written } = encoder.encodeInto(text, this.#scratch)
    return this.intern(this.#scratch, 0, written)
  }

  internNumber(value: number): number {
    this.#numberView.setFloat64(1, value === 0 ? 0 : value, true)
    return this.intern(this.#numberBytes, 0, 9)
  }

  /** As the number that it is; one that no double holds exactly goes by its digits. */
  internDecimal(high: number, low: number, scale: number): number {
    const number = decimalToNumber(high, low, scale)
    const size = Math.abs(high * 0x1_0000_0000 + low)
    if (size <= 2 ** 53) return this.internNumber(number)
    this.#numberView.setFloat64(1, number, true)
    const digits = decimalToText(high, low, scale).replace(/\.?0*$/, '')
    const bytes = new Uint8Array(9 + digits.length)
    bytes.set(this.#numberBytes)
    encoder.encodeInto(digits, bytes.subarray(9))
    return this.intern(bytes, 0, bytes.length)
  }

  /** Code of a text; -1 = it has none. */
  codeOfText(text: string): number {
    if (this.#scratch.length < text.length * 3) this.#scratch = new Uint8Array(text.length * 3)
    const { written } = encoder.encodeInto(text, this.#scratch)
    return this.#codeOf(this.#scratch, written)
  }

  /** Code of a number; -1 = it has none. */
  codeOfNumber(value: number): number {
    this.#numberView.setFloat64(1, value === 0 ? 0 : value, true)
    return this.#codeOf(this.#numberBytes, 9)
  }

  retain(code: number): void {
    this.#records.write(code >> PAGE_BITS)[(code & (PAGE - 1)) * RECORD + REFERENCES]++
  }

  release(code: number): void {
    const left = --this.#records.write(code >> PAGE_BITS)[(code & (PAGE - 1)) * RECORD + REFERENCES]
    assert(left >= 0, 'a code is released once for each reference')
    if (left === 0) this.#remove(code)
  }

  /** The value behind a live code. The string is made at the first asking and kept while the code lives. */
  value(code: number): string | number {
    const known = this.#values[code >> PAGE_BITS]?.[code & (PAGE - 1)]
    if (known !== undefined) return known
    const bytes = this.#arena.bytes(this.#record(code, ADDRESS), this.#record(code, LENGTH))
    const made =
      bytes[0] === NUMBER_TAG
        ? new DataView(bytes.buffer, bytes.byteOffset + 1, 8).getFloat64(0, true)
        : utf8.decode(bytes)
    let values = this.#values[code >> PAGE_BITS]
    if (!values) {
      values = new Array<Value>(PAGE).fill(undefined)
      this.#values[code >> PAGE_BITS] = values
    }
    values[code & (PAGE - 1)] = made
    return made
  }

  #codeOf(source: Uint8Array, length: number): number {
    const hash = keyedHash(source, 0, length, this.#hashKey)
    const table = this.#table.tableOf(hash)
    const mask = this.#table.maskOf(table)
    for (let slot = (hash >>> HOME_SHIFT) & mask; table[slot * ENTRY] !== 0; slot = (slot + 1) & mask) {
      if (table[slot * ENTRY + HASH] !== hash) continue
      const code = table[slot * ENTRY] - 1
      if (this.#record(code, LENGTH) !== length) continue
      if (this.#arena.equals(this.#record(code, ADDRESS), length, source, 0)) return code
    }
    return -1
  }

  #record(code: number, word: number): number {
    return this.#records.list[code >> PAGE_BITS][(code & (PAGE - 1)) * RECORD + word]
  }

  #newCode(): number {
    if (this.#free !== 0) {
      const code = this.#free - 1
      this.#free = this.#record(code, ADDRESS)
      return code
    }
    const code = this.#codes++
    if (code >> PAGE_BITS === this.#records.list.length) this.#records.grow(PAGE * RECORD)
    return code
  }

  #remove(code: number): void {
    const bytes = this.#arena.bytes(this.#record(code, ADDRESS), this.#record(code, LENGTH))
    const hash = keyedHash(bytes, 0, bytes.length, this.#hashKey)
    const table = this.#table.tableOf(hash)
    const mask = this.#table.maskOf(table)
    let slot = (hash >>> HOME_SHIFT) & mask
    while (table[slot * ENTRY] !== code + 1) slot = (slot + 1) & mask
    this.#table.remove(hash, slot)
    this.#arena.remove(this.#record(code, ADDRESS), this.#record(code, LENGTH))
    this.#records.write(code >> PAGE_BITS)[(code & (PAGE - 1)) * RECORD + ADDRESS] = this.#free
    this.#free = code + 1
    const values = this.#values[code >> PAGE_BITS]
    if (values) values[code & (PAGE - 1)] = undefined
  }
}
