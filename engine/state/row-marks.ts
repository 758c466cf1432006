import { CHUNK_ROWS, CHUNK_ROWS_BITS } from './chunk.ts'
import { type Memory, Pages } from './memory.ts'

const WORDS_BITS = CHUNK_ROWS_BITS - 5

/**
 * Bits of the held rows that may be set at any time, also when the row itself is frozen or in a file.
 *
 * Shape   a page for each 4,096 rows: 128 words for each kind of bit, one kind after the other
 * Memory  one bit a row and kind
 */
export class RowMarks {
  readonly #pages: Pages<Uint32Array>
  #words = 0
  /** Of the first row's 4,096 and all after them. */
  #pageOf: number[] = []
  #free: number[] = []
  #first = 0

  constructor(memory: Memory) {
    this.#pages = new Pages(memory, Uint32Array)
    memory.root(
      () => ({ first: this.#first, pageOf: this.#pageOf, free: this.#free }),
      (saved) => {
        this.#first = saved.first
        this.#pageOf = [...saved.pageOf]
        this.#free = [...saved.free]
      },
    )
  }

  /** Number of a new kind of bit. Before the first row. */
  addKind(): number {
    this.#words += 1 << WORDS_BITS
    return (this.#words >> WORDS_BITS) - 1
  }

  set(row: number, kind: number): void {
    const page = this.#pages.write(this.#pageOf[Math.floor(row / CHUNK_ROWS) - this.#first])
    page[wordOf(row, kind)] |= 1 << (row & 31)
  }

  has(row: number, kind: number): boolean {
    const page = this.#pages.list[this.#pageOf[Math.floor(row / CHUNK_ROWS) - this.#first]]
    return (page[wordOf(row, kind)] & (1 << (row & 31))) !== 0
  }

  /** Makes room for the rows before `endRow`; their bits are not set. */
  grow(endRow: number): void {
    if (this.#words === 0) return
    while ((this.#first + this.#pageOf.length) * CHUNK_ROWS < endRow) {
      const page = this.#free.pop() ?? this.#pages.grow(0)
      this.#pages.replace(page, new Uint32Array(this.#words))
      this.#pageOf.push(page)
    }
  }

  /** Lets go of all rows before `firstRow`, a multiple of 4,096. */
  trim(firstRow: number): void {
    const gone = firstRow / CHUNK_ROWS - this.#first
    if (gone <= 0) return
    for (const page of this.#pageOf.splice(0, gone)) {
      this.#pages.drop(page)
      this.#free.push(page)
    }
    this.#first += gone
  }
}

function wordOf(row: number, kind: number): number {
  return (kind << WORDS_BITS) | ((row & (CHUNK_ROWS - 1)) >>> 5)
}
