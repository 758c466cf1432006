import { type Memory, Pages } from './memory.ts'

/** A hash's upper bits say where in its page an entry belongs: `(hash >>> HOME_SHIFT) & mask`. */
export const HOME_SHIFT = 20
const DEPTH_MAX = 20
const PLACES_MIN = 8
const PAGE_WORDS_MAX = 4096
/** Per page, in pages of their own: entries in use, bits of the hash that name it. */
const USED = 0
const DEPTH = 1
const HEAD_WORDS = 2
const HEADS_BITS = 7

export interface EntryShape {
  /** Words an entry has: 1 to 4. */
  readonly stride: number
  /** Word of an entry that is 0 when the entry is free, and only then. */
  readonly flag: number
  /** Hash of the entry that begins at word `at` of `page`. */
  readonly hashOf: (page: Int32Array, at: number) => number
  /** True when the entry may go: those are taken out as a page has no room. */
  readonly isStale?: (page: Int32Array, at: number) => boolean
}

/**
 * Pages of an extendible hash table; what stands in them, and how it is found, is the owner's business.
 *
 * Shape   the hash's low bits name a page through a directory; within it open addressing by the hash's upper bits,
 *         linear probing, removal by shifting back. Entry `place` begins at word place * stride
 * Growth  a page that is five eighths full, of more than stale entries, doubles up to 16 KiB, then splits in two: no
 *         step moves more than that
 * Memory  1.6 to 3.2 times the entries
 */
export class HashPages {
  size = 0
  readonly #pages: Pages<Int32Array>
  readonly #heads: Pages<Int32Array>
  readonly #directory: Pages<Int32Array>
  /** What the directory names: one step less for each question. */
  #tables: Int32Array[] = []
  #numbers = new Int32Array(0)
  #tablesMask = 0
  readonly #shape: EntryShape
  readonly #wordsMax: number
  readonly #maskMax: number
  #pagesInUse = 0

  constructor(memory: Memory, shape: EntryShape) {
    this.#shape = shape
    const placesMax = 1 << (31 - Math.clz32(PAGE_WORDS_MAX / shape.stride))
    this.#wordsMax = placesMax * shape.stride
    this.#maskMax = placesMax - 1
    this.#pages = new Pages(memory, Int32Array)
    this.#heads = new Pages(memory, Int32Array)
    this.#directory = new Pages(memory, Int32Array)
    this.#directory.grow(1)
    this.#addPage(this.#newTable(PLACES_MIN), 0)
    this.#readDirectory()
    memory.root(
      () => ({ size: this.size, pagesInUse: this.#pagesInUse }),
      (saved) => {
        this.size = saved.size
        this.#pagesInUse = saved.pagesInUse
        this.#readDirectory()
      },
    )
  }

  /** The page where entries of this hash are, to be read. */
  tableOf(hash: number): Int32Array {
    return this.#tables[hash & this.#tablesMask]
  }

  /** Places of a page less one. */
  maskOf(table: Int32Array): number {
    return table.length === this.#wordsMax ? this.#maskMax : table.length / this.#shape.stride - 1
  }

  /** The same page as `tableOf`, to be changed now. */
  write(hash: number): Int32Array {
    return this.#pages.write(this.#numbers[hash & this.#tablesMask])
  }

  /** Call it when an entry of this hash has been written to a free place; entries may move. */
  added(hash: number): void {
    const page = this.#numbers[hash & this.#tablesMask]
    const used = ++this.#head(page)[headOf(page) + USED]
    this.size++
    if (used * 8 > (this.maskOf(this.tableOf(hash)) + 1) * 5) this.#makeRoom(hash)
  }

  /** Frees the place of an entry of this hash; entries behind it may move. */
  remove(hash: number, free: number): void {
    const number = this.#numbers[hash & this.#tablesMask]
    const table = this.#pages.write(number)
    const { stride, flag, hashOf } = this.#shape
    const mask = this.maskOf(table)
    let place = free
    for (let next = (place + 1) & mask; table[next * stride + flag] !== 0; next = (next + 1) & mask) {
      const home = (hashOf(table, next * stride) >>> HOME_SHIFT) & mask
      if (((next - home) & mask) < ((next - place) & mask)) continue
      for (let i = 0; i < stride; i++) table[place * stride + i] = table[next * stride + i]
      place = next
    }
    table[place * stride + flag] = 0
    this.#head(number)[headOf(number) + USED]--
    this.size--
  }

  /** Each entry, stale ones as well, to be changed in place but for what its hash is made of. */
  forEach(change: (page: Int32Array, at: number) => void): void {
    const { stride, flag } = this.#shape
    for (let i = 0; i < this.#pagesInUse; i++) {
      const page = this.#pages.write(i)
      for (let at = 0; at < page.length; at += stride) if (page[at + flag] !== 0) change(page, at)
    }
  }

  /** Lets go of all entries. */
  clear(): void {
    for (let i = 0; i < this.#pagesInUse; i++) this.#pages.drop(i)
    this.#pagesInUse = 0
    this.#directory.replace(0, new Int32Array(1))
    this.#addPage(this.#newTable(PLACES_MIN), 0)
    this.#readDirectory()
    this.size = 0
  }

  #newTable(places: number): Int32Array {
    return new Int32Array(places * this.#shape.stride)
  }

  #head(page: number): Int32Array {
    return this.#heads.write(page >> HEADS_BITS)
  }

  #addPage(table: Int32Array, depth: number): number {
    const page = this.#pagesInUse++
    if (page < this.#pages.list.length) this.#pages.replace(page, table)
    else this.#pages.add(table)
    if (page >> HEADS_BITS === this.#heads.list.length) this.#heads.grow(HEAD_WORDS << HEADS_BITS)
    this.#head(page)[headOf(page) + USED] = 0
    this.#head(page)[headOf(page) + DEPTH] = depth
    return page
  }

  #makeRoom(hash: number): void {
    for (;;) {
      const page = this.#numbers[hash & this.#tablesMask]
      const table = this.#pages.list[page]
      const places = this.maskOf(table) + 1
      const [used, depth] = this.#head(page).subarray(headOf(page))
      if (used * 8 <= places * 5) return
      const { isStale } = this.#shape
      if (isStale && this.#isMostlyStale(table, isStale)) this.#rebuild(hash, page, depth, places)
      else if (table.length < this.#wordsMax || depth === DEPTH_MAX) this.#rebuild(hash, page, depth, places * 2)
      else this.#split(hash, page, table, depth)
    }
  }

  /** Without its stale entries the page would be half full at most. */
  #isMostlyStale(table: Int32Array, isStale: (page: Int32Array, at: number) => boolean): boolean {
    const { stride, flag } = this.#shape
    let live = 0
    for (let at = 0; at < table.length; at += stride) if (table[at + flag] !== 0 && !isStale(table, at)) live++
    return live * 2 * stride <= table.length
  }

  #rebuild(hash: number, page: number, depth: number, places: number): void {
    const table = this.#newTable(places)
    const { used } = this.#move(this.#pages.list[page], table, table, 0)
    this.#pages.replace(page, table)
    this.#head(page)[headOf(page) + USED] = used
    const bit = 1 << depth
    for (let i = hash & (bit - 1); i < this.#tables.length; i += bit) this.#tables[i] = table
  }

  #split(hash: number, page: number, old: Int32Array, depth: number): void {
    let directory = this.#directory.list[0]
    if (directory.length === 1 << depth) {
      const doubled = new Int32Array(directory.length * 2)
      doubled.set(directory)
      doubled.set(directory, directory.length)
      this.#directory.replace(0, doubled)
    }
    directory = this.#directory.write(0)
    const bit = 1 << depth
    const [zeros, ones] = [
      this.#newTable(old.length / this.#shape.stride),
      this.#newTable(old.length / this.#shape.stride),
    ]
    const { used, usedOnes } = this.#move(old, zeros, ones, bit)
    this.#pages.replace(page, zeros)
    this.#head(page)[headOf(page) + USED] = used - usedOnes
    this.#head(page)[headOf(page) + DEPTH] = depth + 1
    const second = this.#addPage(ones, depth + 1)
    this.#head(second)[headOf(second) + USED] = usedOnes
    for (let i = (hash & (bit - 1)) | bit; i < directory.length; i += 2 * bit) directory[i] = second
    if (directory.length !== this.#tables.length) {
      this.#readDirectory()
      return
    }
    for (let i = hash & (bit - 1); i < directory.length; i += bit) {
      this.#tables[i] = (i & bit) === 0 ? zeros : ones
      this.#numbers[i] = directory[i]
    }
  }

  #readDirectory(): void {
    this.#numbers = this.#directory.list[0].slice()
    this.#tables = Array.from(this.#numbers, (page) => this.#pages.list[page])
    this.#tablesMask = this.#tables.length - 1
  }

  /** Entries whose hash has `bit` go to `ones`, the others to `zeros`, stale ones nowhere. Both begin empty. */
  #move(old: Int32Array, zeros: Int32Array, ones: Int32Array, bit: number): { used: number; usedOnes: number } {
    const { stride, flag, hashOf, isStale } = this.#shape
    let used = 0
    let usedOnes = 0
    for (let at = 0; at < old.length; at += stride) {
      if (old[at + flag] === 0) continue
      if (isStale?.(old, at)) {
        this.size--
        continue
      }
      const hash = hashOf(old, at)
      const table = (hash & bit) === 0 ? zeros : ones
      const mask = this.maskOf(table)
      let place = (hash >>> HOME_SHIFT) & mask
      while (table[place * stride + flag] !== 0) place = (place + 1) & mask
      for (let i = 0; i < stride; i++) table[place * stride + i] = old[at + i]
      used++
      if (table !== zeros) usedOnes++
    }
    return { used, usedOnes }
  }
}

function headOf(page: number): number {
  return (page & ((1 << HEADS_BITS) - 1)) * HEAD_WORDS
}

/** Finalizer of MurmurHash3. */
export function scramble(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
