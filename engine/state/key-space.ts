import { CodeMap } from '../kit/code-map.ts'
import { TupleMap } from '../kit/tuple-map.ts'
import type { StringTable } from './string-table.ts'

const CHUNK_BITS = 10
const CHUNK = 1 << CHUNK_BITS
/** Cells that every key has: references to it, and the number of its newest row + 1. */
const REFERENCES = 0
const NEWEST_ROW = 1
const FREE = -1
export const KEY_CELLS = 2

/**
 * The keys of one `by`, and the cells of all measures over them, side by side.
 *
 * Shape   slot -> cells[slot >> 10][(slot & 1023) * stride ...]; a slot is used again when nothing refers to it
 * Life    a key is referred to by each of its events in the longest window over it and by its open alerts; it holds
 *         its values' codes meanwhile
 */
export class KeySpace {
  readonly keys: TupleMap | CodeMap
  readonly stride: number
  readonly #strings: StringTable
  readonly #cells: Float64Array[] = []

  constructor(arity: number, stride: number, strings: StringTable) {
    this.keys = arity === 1 ? new CodeMap() : new TupleMap(arity)
    this.stride = stride
    this.#strings = strings
  }

  /** Slot of the key in `keys.probe`, made if need be. */
  slotOf(): number {
    const before = this.keys.size
    const slot = this.keys.findOrAdd()
    if (this.keys.size !== before) {
      if (slot >> CHUNK_BITS === this.#cells.length) this.#cells.push(new Float64Array(CHUNK * this.stride))
      this.cellsOf(slot)[this.baseOf(slot) + REFERENCES] = 0
      for (let i = 0; i < this.keys.arity; i++) this.#strings.retain(this.keys.part(slot, i))
    }
    return slot
  }

  cellsOf(slot: number): Float64Array {
    return this.#cells[slot >> CHUNK_BITS]
  }

  /** First cell of the slot in `cellsOf(slot)`; measures begin at KEY_CELLS behind it. */
  baseOf(slot: number): number {
    return (slot & (CHUNK - 1)) * this.stride
  }

  retain(slot: number): void {
    this.cellsOf(slot)[this.baseOf(slot) + REFERENCES]++
  }

  /** True when nothing refers to the slot any more: then call `forget`, once all that happens now has been looked at. */
  release(slot: number): boolean {
    return --this.cellsOf(slot)[this.baseOf(slot) + REFERENCES] === 0
  }

  /** Frees the slot if still nothing refers to it; does nothing to a free one. */
  forget(slot: number): void {
    const cells = this.cellsOf(slot)
    const base = this.baseOf(slot)
    if (cells[base + REFERENCES] !== 0) return
    cells.fill(0, base, base + this.stride)
    cells[base + REFERENCES] = FREE
    for (let i = 0; i < this.keys.arity; i++) this.#strings.release(this.keys.part(slot, i))
    this.keys.remove(slot)
  }

  /** Makes `row` the key's newest; returns how many rows back the one before it stands, 0 = none. */
  chain(slot: number, row: number): number {
    const cells = this.cellsOf(slot)
    const at = this.baseOf(slot) + NEWEST_ROW
    const before = cells[at]
    cells[at] = row + 1
    return before === 0 ? 0 : row + 1 - before
  }

  /** The key's newest row, or -1. */
  newestRow(slot: number): number {
    return this.cellsOf(slot)[this.baseOf(slot) + NEWEST_ROW] - 1
  }
}
