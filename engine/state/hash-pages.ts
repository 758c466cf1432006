import { type Memory, Pages } from './memory.ts'

/** Words in front of a page's entries. */
export const HEAD = 4
/** Words of the head: slots of the page less one; the page's number. */
export const MASK = 0
export const SELF = 3
const USED = 1
const DEPTH = 2
/** A hash's upper bits say where in its page an entry belongs: `(hash >>> HOME_SHIFT) & mask`. */
export const HOME_SHIFT = 20
const DEPTH_MAX = 20
const SLOTS_MIN = 8
const PAGE_WORDS_MAX = 4096

export interface EntryShape {
  /** Words an entry has: 1 to 5. */
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
 *         linear probing, removal by shifting back. Entry `slot` begins at word HEAD + slot * stride
 * Growth  a page that is five eighths full, of more than stale entries, doubles up to 16 KiB, then splits in two: no
 *         step moves more than that
 * Memory  1.6 to 3.2 times the entries
 */
export class HashPages {
  size = 0
  readonly #pages: Pages<Int32Array>
  readonly #directory: Pages<Int32Array>
  /** What the directory names: one step less for each question. */
  #tables: Int32Array[] = []
  #tablesMask = 0
  readonly #shape: EntryShape
  readonly #slotsMax: number
  #pagesInUse = 0

  constructor(memory: Memory, shape: EntryShape) {
    this.#shape = shape
    this.#slotsMax = 1 << (31 - Math.clz32(PAGE_WORDS_MAX / shape.stride))
    this.#pages = new Pages(memory, Int32Array)
    this.#directory = new Pages(memory, Int32Array)
    this.#directory.grow(1)
    this.#addPage(this.#newTable(SLOTS_MIN, 0))
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

  /** The same page, to be changed now. */
  write(table: Int32Array): Int32Array {
    return this.#pages.write(table[SELF])
  }

  /** Call it when an entry of this hash has been written to a free slot of `table`; entries may move. */
  added(table: Int32Array, hash: number): void {
    const used = ++table[USED]
    this.size++
    if (used * 8 > (table[MASK] + 1) * 5) this.#makeRoom(hash)
  }

  /** Frees a slot; entries behind it may move. */
  remove(table: Int32Array, free: number): void {
    this.write(table)
    const { stride, flag, hashOf } = this.#shape
    const mask = table[MASK]
    let slot = free
    for (let next = (slot + 1) & mask; table[HEAD + next * stride + flag] !== 0; next = (next + 1) & mask) {
      const home = (hashOf(table, HEAD + next * stride) >>> HOME_SHIFT) & mask
      if (((next - home) & mask) < ((next - slot) & mask)) continue
      for (let i = 0; i < stride; i++) table[HEAD + slot * stride + i] = table[HEAD + next * stride + i]
      slot = next
    }
    table[HEAD + slot * stride + flag] = 0
    table[USED]--
    this.size--
  }

  /** Lets go of all entries. */
  clear(): void {
    for (let i = 0; i < this.#pagesInUse; i++) this.#pages.drop(i)
    this.#pagesInUse = 0
    this.#directory.replace(0, new Int32Array(1))
    this.#addPage(this.#newTable(SLOTS_MIN, 0))
    this.#readDirectory()
    this.size = 0
  }

  #newTable(slots: number, depth: number): Int32Array {
    const table = new Int32Array(HEAD + slots * this.#shape.stride)
    table[MASK] = slots - 1
    table[DEPTH] = depth
    return table
  }

  #addPage(table: Int32Array): number {
    const page = this.#pagesInUse++
    table[SELF] = page
    if (page < this.#pages.list.length) this.#pages.replace(page, table)
    else this.#pages.add(table)
    return page
  }

  #makeRoom(hash: number): void {
    for (;;) {
      const table = this.tableOf(hash)
      const slots = table[MASK] + 1
      if (table[USED] * 8 <= slots * 5) return
      if (this.#shape.isStale && this.#isMostlyStale(table, this.#shape.isStale)) this.#rebuild(table, slots, hash)
      else if (slots < this.#slotsMax || table[DEPTH] === DEPTH_MAX) this.#rebuild(table, slots * 2, hash)
      else this.#split(table, hash)
    }
  }

  /** Without its stale entries the page would be half full at most. */
  #isMostlyStale(table: Int32Array, isStale: (page: Int32Array, at: number) => boolean): boolean {
    const { stride, flag } = this.#shape
    let live = 0
    for (let at = HEAD; at < table.length; at += stride) if (table[at + flag] !== 0 && !isStale(table, at)) live++
    return live * 2 <= table[MASK] + 1
  }

  #rebuild(old: Int32Array, slots: number, hash: number): void {
    const table = this.#newTable(slots, old[DEPTH])
    this.#move(old, table, table, 0)
    this.#replace(old, table)
    const bit = 1 << old[DEPTH]
    for (let i = hash & (bit - 1); i < this.#tables.length; i += bit) this.#tables[i] = table
  }

  #split(old: Int32Array, hash: number): void {
    const depth = old[DEPTH]
    let directory = this.#directory.list[0]
    if (directory.length === 1 << depth) {
      const doubled = new Int32Array(directory.length * 2)
      doubled.set(directory)
      doubled.set(directory, directory.length)
      this.#directory.replace(0, doubled)
    }
    directory = this.#directory.write(0)
    const bit = 1 << depth
    const [zeros, ones] = [this.#newTable(old[MASK] + 1, depth + 1), this.#newTable(old[MASK] + 1, depth + 1)]
    this.#move(old, zeros, ones, bit)
    this.#replace(old, zeros)
    const second = this.#addPage(ones)
    for (let i = (hash & (bit - 1)) | bit; i < directory.length; i += 2 * bit) directory[i] = second
    if (directory.length !== this.#tables.length) this.#readDirectory()
    else for (let i = hash & (bit - 1); i < directory.length; i += bit) this.#tables[i] = (i & bit) === 0 ? zeros : ones
  }

  #replace(old: Int32Array, table: Int32Array): void {
    table[SELF] = old[SELF]
    this.#pages.replace(old[SELF], table)
  }

  #readDirectory(): void {
    this.#tables = Array.from(this.#directory.list[0], (page) => this.#pages.list[page])
    this.#tablesMask = this.#tables.length - 1
  }

  /** Entries whose hash has `bit` go to `ones`, the others to `zeros`, stale ones nowhere. */
  #move(old: Int32Array, zeros: Int32Array, ones: Int32Array, bit: number): void {
    const { stride, flag, hashOf, isStale } = this.#shape
    for (let at = HEAD; at < old.length; at += stride) {
      if (old[at + flag] === 0) continue
      if (isStale?.(old, at)) {
        this.size--
        continue
      }
      const hash = hashOf(old, at)
      const table = (hash & bit) === 0 ? zeros : ones
      const mask = table[MASK]
      let slot = (hash >>> HOME_SHIFT) & mask
      while (table[HEAD + slot * stride + flag] !== 0) slot = (slot + 1) & mask
      for (let i = 0; i < stride; i++) table[HEAD + slot * stride + i] = old[at + i]
      table[USED]++
    }
  }
}

/** Finalizer of MurmurHash3. */
export function scramble(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
