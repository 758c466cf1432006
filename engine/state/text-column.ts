import type { StringColumn } from '../model/block.ts'
import { fillArray } from './packed-arrays.ts'

const utf8 = new TextDecoder()

/** Strings that are only kept to be shown: their bytes, end to end, and where each one ends. Grows by doubling. */
export class TextColumn {
  readonly #ends: Uint32Array
  readonly #nulls: Uint8Array
  #bytes = new Uint8Array(1024)
  #rows = 0

  constructor(rowsMax: number) {
    this.#ends = new Uint32Array(rowsMax)
    this.#nulls = new Uint8Array(rowsMax)
  }

  /** Puts the given rows of `column` at `to` and after. */
  append(column: StringColumn, rows: Int32Array, to: number): void {
    this.fillTo(to)
    let end = to === 0 ? 0 : this.#ends[to - 1]
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]
      const start = column.offsets[row]
      const length = column.offsets[row + 1] - start
      if (end + length > this.#bytes.length) this.#grow(end + length)
      for (let b = 0; b < length; b++) this.#bytes[end + b] = column.bytes[start + b]
      end += length
      this.#ends[to + i] = end
      this.#nulls[to + i] = column.nulls[row]
    }
    this.#rows = to + rows.length
  }

  /** Makes the rows up to `to` that nobody gave a value null. */
  fillTo(to: number): void {
    if (this.#rows >= to) return
    const end = this.#rows === 0 ? 0 : this.#ends[this.#rows - 1]
    this.#ends.fill(end, this.#rows, to)
    this.#nulls.fill(1, this.#rows, to)
    this.#rows = to
  }

  /** All it holds; `load` takes it up. */
  arrays(): readonly ArrayBufferView[] {
    return [this.#ends, this.#nulls, this.#bytes.subarray(0, this.#rows === 0 ? 0 : this.#ends[this.#rows - 1])]
  }

  load(ends: Uint8Array, nulls: Uint8Array, bytes: Uint8Array, rows: number): void {
    fillArray(this.#ends, ends)
    fillArray(this.#nulls, nulls)
    this.#bytes = bytes.slice()
    this.#rows = rows
  }

  at(row: number): string | null {
    if (this.#nulls[row] === 1) return null
    return utf8.decode(this.#bytes.subarray(row === 0 ? 0 : this.#ends[row - 1], this.#ends[row]))
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
