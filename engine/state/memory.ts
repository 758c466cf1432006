import assert from 'node:assert/strict'
import { processKey } from '../kit/keyed-hash.ts'

export type Page = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array
type PageType<P extends Page> = { new (length: number): P; new (bytes: ArrayBuffer): P }

/** One page as it stood when its snapshot began. */
export interface SavedPage {
  /** Which `Pages` of the memory, in the order in which they were made. */
  readonly part: number
  readonly page: number
  /** A copy; empty for a page that was dropped. */
  readonly bytes: Uint8Array
}

/** What a memory holds beyond its pages, as JSON: the key of its hash tables, then what each `root` saves, in the order in which they were made. */
export type Roots = readonly unknown[]

/**
 * All arrays of a task's state, in pages that a snapshot copies one by one while the task goes on.
 *
 * Rule     a page is changed only through `write`, `replace`, `drop` or `add` of its Pages
 * Cost     a write costs what a read costs; the first write to a page since a snapshot began copies it, if it is not saved yet
 * Order    Pages and roots are known by the order in which they are made: the same rule set makes the same ones
 */
export class Memory {
  /**
   * Of the hash tables in it: the process's own, or that of the snapshot that was taken up, whose entries stand where it
   * puts them.
   */
  readonly hashKey = processKey.slice()
  readonly #parts: Pages<Page>[] = []
  readonly #roots: { save: () => unknown; load: (saved: never) => void }[] = []
  #pass: Pass | null = null

  /** Says how numbers that stand beside the pages are saved, as JSON, and taken up again. */
  root<T>(save: () => T, load: (saved: T) => void): void {
    this.#roots.push({ save, load })
  }

  /** Makes the Pages known. Called by their constructor. */
  register(pages: Pages<Page>): number {
    return this.#parts.push(pages) - 1
  }

  /** A page that is still to be saved is about to change, or (`whole`) to go. Called by Pages. */
  keep(part: number, page: number, whole: boolean): void {
    this.#pass?.keep(part, page, whole)
  }

  /** Kinds of all Pages, and how many roots there are: a snapshot fits only a memory of the same build. */
  get build(): string {
    return `${this.#parts.map((p) => p.kind).join(' ')} ${this.#roots.length}`
  }

  /**
   * Begins a snapshot of this moment: of all pages, or of those changed since the one before began. Copies nothing yet:
   * call the pass's `copy` until it is done. Only one at a time; after one that was given up, `all` is needed.
   */
  begin(all: boolean): Pass {
    assert(this.#pass === null, 'one snapshot at a time')
    const finished = (): void => {
      if (this.#pass === pass) this.#pass = null
    }
    const roots = [[...this.hashKey], ...this.#roots.map((r) => r.save())]
    const pass: Pass = new Pass(this.#parts, all, roots, finished)
    this.#pass = pass
    return pass
  }

  /**
   * Takes up a snapshot, in a memory whose Pages are all there and empty or about to be replaced. The pages' bytes are
   * used, not copied, where they fill their buffers.
   */
  load(roots: Roots, pages: Iterable<SavedPage>): void {
    const [hashKey, ...saved] = roots
    assert.equal(saved.length, this.#roots.length)
    this.hashKey.set(hashKey as number[])
    for (const { part, page, bytes } of pages) this.#parts[part].load(page, bytes)
    this.#roots.forEach((root, i) => {
      root.load(saved[i] as never)
    })
  }
}

/** A growing list of arrays of one kind. Read `list[i]` as you like; change what `write(i)` gives. */
export class Pages<P extends Page> {
  readonly list: P[] = []
  readonly #memory: Memory
  readonly #type: PageType<P>
  readonly #part: number
  /** The pages that changed since the last snapshot began. */
  #fresh: (P | undefined)[] = []
  /** By page: 1 = the snapshot under way has yet to save it. */
  #marked = new Uint8Array(0)

  constructor(memory: Memory, type: PageType<P>) {
    this.#memory = memory
    this.#type = type
    this.#part = memory.register(this as unknown as Pages<Page>)
  }

  get kind(): string {
    return this.#type.name
  }

  /** The page, to be changed now. */
  write(i: number): P {
    return this.#fresh[i] ?? this.#touch(i)
  }

  add(page: P): number {
    this.#fresh.push(page)
    return this.list.push(page) - 1
  }

  /** Adds a page of zeros. */
  grow(length: number): number {
    return this.add(new this.#type(length))
  }

  /** Puts another array in the page's place. The one before must not change any more: a snapshot may take it as it is. */
  replace(i: number, page: P): void {
    if (this.#marked[i] === 1) this.#memory.keep(this.#part, i, true)
    this.list[i] = page
    this.#fresh[i] = page
  }

  /** Lets go of a page's array; its number stays. */
  drop(i: number): void {
    this.replace(i, new this.#type(0))
  }

  /** For Memory: marks the pages that a pass has to save, and lists them. */
  mark(all: boolean): number[] {
    const marked: number[] = []
    this.#marked = new Uint8Array(this.list.length)
    for (let i = 0; i < this.list.length; i++) {
      if (!all && this.#fresh[i] === undefined) continue
      this.#fresh[i] = undefined
      this.#marked[i] = 1
      marked.push(i)
    }
    return marked
  }

  /** For Memory: bytes of a page that is still to be saved, not a copy; null when it has been. */
  take(i: number): Uint8Array | null {
    if (this.#marked[i] !== 1) return null
    this.#marked[i] = 0
    const { buffer, byteOffset, byteLength } = this.list[i]
    return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
  }

  /** For Memory. */
  load(i: number, bytes: Uint8Array): void {
    while (this.list.length <= i) this.grow(0)
    const isWhole = bytes.byteLength === bytes.buffer.byteLength
    this.replace(i, new this.#type((isWhole ? bytes : bytes.slice()).buffer as ArrayBuffer))
  }

  #touch(i: number): P {
    if (this.#marked[i] === 1) this.#memory.keep(this.#part, i, false)
    const page = this.list[i]
    this.#fresh[i] = page
    return page
  }
}

/** One snapshot in the making. */
export class Pass {
  readonly roots: Roots
  /** Pages there are, by part. */
  readonly lengths: readonly number[]
  readonly #parts: readonly Pages<Page>[]
  readonly #marked: readonly number[][]
  readonly #finished: () => void
  readonly #slabs = new Slabs()
  /** Pages that changed before their turn came; those before `given` have been handed over. */
  #kept: SavedPage[] = []
  #given = 0
  #part = 0
  #next = 0

  constructor(parts: readonly Pages<Page>[], all: boolean, roots: Roots, finished: () => void) {
    this.#parts = parts
    this.#marked = parts.map((p) => p.mark(all))
    this.lengths = parts.map((p) => p.list.length)
    this.roots = roots
    this.#finished = finished
  }

  /** Saves a page before it changes or (`whole`) goes. */
  keep(part: number, page: number, whole: boolean): void {
    const taken = this.#parts[part].take(page)
    if (!taken) return
    this.#kept.push({ part, page, bytes: whole ? taken : this.#slabs.copy(taken) })
  }

  /** Copies pages, at least one, until `bytesMax` are reached; an empty answer = the snapshot is complete. */
  copy(bytesMax: number): SavedPage[] {
    const saved: SavedPage[] = []
    let bytes = 0
    while (bytes < bytesMax && this.#given < this.#kept.length) {
      const kept = this.#kept[this.#given++]
      saved.push(kept)
      bytes += kept.bytes.length
    }
    if (this.#given === this.#kept.length) {
      this.#kept = []
      this.#given = 0
    }
    while ((bytes < bytesMax || saved.length === 0) && this.#part < this.#parts.length) {
      const marked = this.#marked[this.#part]
      if (this.#next === marked.length) {
        this.#part++
        this.#next = 0
        continue
      }
      const page = marked[this.#next++]
      const taken = this.#parts[this.#part].take(page)
      if (!taken) continue
      saved.push({ part: this.#part, page, bytes: this.#slabs.copy(taken) })
      bytes += taken.length
    }
    if (saved.length === 0) this.#finished()
    return saved
  }

  /** Ends it before it is complete. The next snapshot of this memory must be of all pages. */
  giveUp(): void {
    this.#finished()
  }
}

const SLAB_BYTES = 1 << 20

/** Copies many small arrays into few large ones: allocating one array a page costs more than copying it. */
class Slabs {
  #slab = new Uint8Array(0)
  #end = 0

  copy(bytes: Uint8Array): Uint8Array {
    if (this.#end + bytes.length > this.#slab.length) {
      if (bytes.length * 4 > SLAB_BYTES) return bytes.slice()
      this.#slab = new Uint8Array(SLAB_BYTES)
      this.#end = 0
    }
    const from = this.#end
    this.#end += bytes.length
    this.#slab.set(bytes, from)
    return this.#slab.subarray(from, this.#end)
  }
}
