import assert from 'node:assert/strict'
import { type Memory, Pages } from './memory.ts'

const UNIT = 8
/** A page of cells has 2^11 units of 8 bytes: 16 KiB. */
const PAGE_BITS = 11
const PAGE_UNITS = 1 << PAGE_BITS
/** Sizes of cells, in units: up to 256 bytes one by one, then four to each doubling. */
const CLASSES = sizeClasses()
const CLASS_OF_UNITS = Uint8Array.from({ length: PAGE_UNITS + 1 }, (_, units) => CLASSES.findIndex((c) => c >= units))
/** Per class: address + 1 of the first free cell, address behind the last cell cut from a page, and that page's end. */
const STRIDE = 3
const FREE = 0
const NEXT = 1
const END = 2
/** Behind the classes: number + 1 of the first free page that was a single long string's. */
const FREE_LONG = CLASSES.length * STRIDE

/**
 * Byte strings, each in a cell of about its size, that is used again when the string goes.
 *
 * Shape   pages of 16 KiB, each cut into cells of one size; a string above 16 KiB has a page of its own. An address
 *         counts units of 8 bytes from the first page on
 * Cost    O(length): nothing is ever moved
 * Bounds  2^31 units
 * Memory  the lengths rounded up to 8 bytes (above 256 bytes, by a quarter at most), at the peak of each size
 */
export class ByteArena {
  readonly #pages: Pages<Uint8Array>
  readonly #heads: Pages<Int32Array>

  constructor(memory: Memory) {
    this.#pages = new Pages(memory, Uint8Array)
    this.#heads = new Pages(memory, Int32Array)
    this.#heads.grow(FREE_LONG + 1)
  }

  /** Memory that it has taken. One look at each page. */
  get sizeBytes(): number {
    return this.#pages.list.reduce((sum, page) => sum + page.length, 0)
  }

  /** Address of a copy of [start, end) of `source`. */
  add(source: Uint8Array, start: number, end: number): number {
    const length = end - start
    const address = length > PAGE_UNITS * UNIT ? this.#longPage(length) : this.#cell(classOf(length))
    const page = this.#pages.write(address >> PAGE_BITS)
    const to = offsetOf(address)
    for (let i = 0; i < length; i++) page[to + i] = source[start + i]
    return address
  }

  /** Frees the string of `length` bytes at the address. */
  remove(address: number, length: number): void {
    const heads = this.#heads.write(0)
    const page = address >> PAGE_BITS
    if (length > PAGE_UNITS * UNIT) {
      this.#pages.replace(page, new Uint8Array(UNIT))
      writeLink(this.#pages.write(page), 0, heads[FREE_LONG])
      heads[FREE_LONG] = page + 1
      return
    }
    const head = classOf(length) * STRIDE
    writeLink(this.#pages.write(page), offsetOf(address), heads[head + FREE])
    heads[head + FREE] = address + 1
  }

  equals(address: number, length: number, source: Uint8Array, start: number): boolean {
    const page = this.#pages.list[address >> PAGE_BITS]
    const at = offsetOf(address)
    for (let i = 0; i < length; i++) if (page[at + i] !== source[start + i]) return false
    return true
  }

  /** The bytes themselves, not a copy. */
  bytes(address: number, length: number): Uint8Array {
    const at = offsetOf(address)
    return this.#pages.list[address >> PAGE_BITS].subarray(at, at + length)
  }

  #cell(index: number): number {
    const heads = this.#heads.write(0)
    const head = index * STRIDE
    const free = heads[head + FREE]
    if (free !== 0) {
      const address = free - 1
      heads[head + FREE] = readLink(this.#pages.list[address >> PAGE_BITS], offsetOf(address))
      return address
    }
    const units = CLASSES[index]
    if (heads[head + NEXT] + units > heads[head + END]) {
      const address = this.#addressOf(this.#pages.grow(PAGE_UNITS * UNIT))
      heads[head + NEXT] = address
      heads[head + END] = address + PAGE_UNITS
    }
    const address = heads[head + NEXT]
    heads[head + NEXT] += units
    return address
  }

  #longPage(length: number): number {
    const heads = this.#heads.write(0)
    const free = heads[FREE_LONG]
    if (free === 0) return this.#addressOf(this.#pages.grow(length))
    heads[FREE_LONG] = readLink(this.#pages.list[free - 1], 0)
    this.#pages.replace(free - 1, new Uint8Array(length))
    return this.#addressOf(free - 1)
  }

  #addressOf(page: number): number {
    assert(page < 1 << (31 - PAGE_BITS), 'strings of 16 GiB')
    return page << PAGE_BITS
  }
}

function offsetOf(address: number): number {
  return (address & (PAGE_UNITS - 1)) * UNIT
}

function classOf(length: number): number {
  return CLASS_OF_UNITS[(length + UNIT - 1) >> 3]
}

function sizeClasses(): number[] {
  const sizes = Array.from({ length: 32 }, (_, i) => i + 1)
  for (let base = 32; base < PAGE_UNITS; base *= 2) for (let q = 5; q <= 8; q++) sizes.push((base * q) / 4)
  return sizes
}

function readLink(page: Uint8Array, at: number): number {
  return page[at] | (page[at + 1] << 8) | (page[at + 2] << 16) | (page[at + 3] << 24)
}

function writeLink(page: Uint8Array, at: number, link: number): void {
  page[at] = link
  page[at + 1] = link >> 8
  page[at + 2] = link >> 16
  page[at + 3] = link >> 24
}
