import { CodeMap } from './code-map.ts'
import { type Memory, Pages } from './memory.ts'
import type { StringTable } from './string-table.ts'
import { TupleMap } from './tuple-map.ts'

const PAGE_CELLS_MAX = 4096
/** Cells that every key has: references to it, the number of its newest row + 1, and its open alerts. */
const REFERENCES = 0
const NEWEST_ROW = 1
export const OPEN_ALERTS = 2
const FREE = -1
export const KEY_CELLS = 3

/**
 * The keys of one `by`, and the cells of all measures over them, side by side.
 *
 * Shape   slot -> a place in pages of at most 32 KiB; a slot is used again when nothing refers to it
 * Life    a key is referred to by each of its events in the longest window over it and by its open alerts; it holds
 *         its values' codes meanwhile
 */
export class KeySpace {
  readonly keys: TupleMap | CodeMap
  readonly stride: number
  readonly #strings: StringTable
  readonly #cells: Pages<Float64Array>
  readonly #pageBits: number
  readonly #pageMask: number

  constructor(memory: Memory, arity: number, stride: number, strings: StringTable) {
    this.keys = arity === 1 ? new CodeMap(memory) : new TupleMap(memory, arity)
    this.stride = stride
    this.#strings = strings
    this.#cells = new Pages(memory, Float64Array)
    this.#pageBits = 31 - Math.clz32(Math.max(1, PAGE_CELLS_MAX / stride))
    this.#pageMask = (1 << this.#pageBits) - 1
  }

  /** Slot of the key in `keys.probe`, made if need be; -1 where there are `max` keys without it. */
  slotOf(max = Number.POSITIVE_INFINITY): number {
    const before = this.keys.size
    const slot = this.keys.findOrAdd()
    if (this.keys.size !== before) {
      if (before >= max) {
        this.keys.remove(slot)
        return -1
      }
      const page = slot >> this.#pageBits
      if (page === this.#cells.list.length) this.#cells.grow(this.stride << this.#pageBits)
      this.#cells.write(page)[this.baseOf(slot) + REFERENCES] = 0
      for (let i = 0; i < this.keys.arity; i++) this.#strings.retain(this.keys.part(slot, i))
    }
    return slot
  }

  /** To be read. */
  cellsOf(slot: number): Float64Array {
    return this.#cells.list[slot >> this.#pageBits]
  }

  /** To be changed now. */
  writeCells(slot: number): Float64Array {
    return this.#cells.write(slot >> this.#pageBits)
  }

  /** First cell of the slot in `cellsOf(slot)`; measures begin at KEY_CELLS behind it. */
  baseOf(slot: number): number {
    return (slot & this.#pageMask) * this.stride
  }

  retain(slot: number): void {
    this.writeCells(slot)[this.baseOf(slot) + REFERENCES]++
  }

  /** True when nothing refers to the slot any more: then call `forget`, once all that happens now has been looked at. */
  release(slot: number): boolean {
    return --this.writeCells(slot)[this.baseOf(slot) + REFERENCES] === 0
  }

  /** `retain`, by an alert that opens. */
  retainOpen(slot: number): void {
    this.retain(slot)
    this.writeCells(slot)[this.baseOf(slot) + OPEN_ALERTS]++
  }

  /** `release`, by an alert that closes. */
  releaseOpen(slot: number): boolean {
    this.writeCells(slot)[this.baseOf(slot) + OPEN_ALERTS]--
    return this.release(slot)
  }

  /** Frees the slot if still nothing refers to it; does nothing to a free one. */
  forget(slot: number): void {
    const base = this.baseOf(slot)
    if (this.cellsOf(slot)[base + REFERENCES] !== 0) return
    const cells = this.writeCells(slot)
    cells.fill(0, base, base + this.stride)
    cells[base + REFERENCES] = FREE
    for (let i = 0; i < this.keys.arity; i++) this.#strings.release(this.keys.part(slot, i))
    this.keys.remove(slot)
  }

  /** Refers to the key by `row`, its newest from now on; returns how many rows back the one before it stands, 0 = none. */
  chain(slot: number, row: number): number {
    const cells = this.writeCells(slot)
    const base = this.baseOf(slot)
    const before = cells[base + NEWEST_ROW]
    cells[base + REFERENCES]++
    cells[base + NEWEST_ROW] = row + 1
    return before === 0 ? 0 : row + 1 - before
  }

  /** The key's newest row, or -1. */
  newestRow(slot: number): number {
    return this.cellsOf(slot)[this.baseOf(slot) + NEWEST_ROW] - 1
  }
}
