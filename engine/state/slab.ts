import { type Memory, Pages } from './memory.ts'

const PAGE_BITS = 8
const PAGE = 1 << PAGE_BITS

/**
 * Records of `stride` doubles that are taken and given back, numbered from 0. Cell 0 of a free one links to the next.
 *
 * Shape   pages of 256 records; a record's cells begin at `baseOf` in its page
 * Cost    take, free: O(1)
 */
export class Slab {
  readonly stride: number
  readonly #pages: Pages<Float64Array>
  /** First free record + 1; 0 = none. */
  #free = 0
  #end = 0

  constructor(memory: Memory, stride: number) {
    this.stride = stride
    this.#pages = new Pages(memory, Float64Array)
    memory.root(
      () => ({ free: this.#free, end: this.#end }),
      ({ free, end }: { free: number; end: number }) => {
        this.#free = free
        this.#end = end
      },
    )
  }

  /** A record of zeros. */
  take(): number {
    if (this.#free > 0) {
      const record = this.#free - 1
      const page = this.write(record)
      const base = this.baseOf(record)
      this.#free = page[base]
      page.fill(0, base, base + this.stride)
      return record
    }
    const record = this.#end++
    if (record >> PAGE_BITS === this.#pages.list.length) this.#pages.grow(PAGE * this.stride)
    return record
  }

  free(record: number): void {
    this.write(record)[this.baseOf(record)] = this.#free
    this.#free = record + 1
  }

  read(record: number): Float64Array {
    return this.#pages.list[record >> PAGE_BITS]
  }

  write(record: number): Float64Array {
    return this.#pages.write(record >> PAGE_BITS)
  }

  baseOf(record: number): number {
    return (record & (PAGE - 1)) * this.stride
  }
}
