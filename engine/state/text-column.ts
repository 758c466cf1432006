import { keyedHash, processKey } from '../kit/keyed-hash.ts'
import type { StringColumn } from '../model/block.ts'
import { corrupt, type Packer, type Unpacker } from './packing.ts'

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const WORDS_MAX = 256
/** Fewer rows are copied byte by byte sooner than by views of them. */
const RANGE_MIN = 8
const NO_DICTIONARY = { words: null, codes: new Uint8Array(0) }

/**
 * Strings that are only kept to be shown: their bytes, end to end, and where each one ends. Grows by doubling, in memory
 * that threads may share.
 */
export class TextColumn {
  readonly #ends: Uint32Array
  readonly #nulls: Uint8Array
  #bytes = shared(1024)
  #rows = 0

  /** `ends`, `nulls`: room for one value a row. */
  constructor(ends: Uint32Array, nulls: Uint8Array) {
    this.#ends = ends
    this.#nulls = nulls
  }

  /** The texts of all rows, and what may follow them. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Takes over what another thread put into the arrays and `bytes`, for so many rows. */
  adopt(bytes: Uint8Array, rows: number): void {
    this.#bytes = bytes
    this.#rows = rows
  }

  /** Puts `rows[from]` to before `rows[end]` of `column`, which rise, at `to` and after. */
  append(column: StringColumn, rows: Int32Array, from: number, end: number, to: number): void {
    this.fillTo(to)
    const n = end - from
    if (n >= RANGE_MIN && rows[end - 1] - rows[from] === n - 1) this.#appendRange(column, rows[from], n, to)
    else this.#appendEach(column, rows, from, end, to)
    this.#rows = to + n
  }

  /** Rows that rise by one are copied at once. */
  #appendRange({ bytes, offsets, nulls }: StringColumn, first: number, n: number, to: number): void {
    const begin = to === 0 ? 0 : this.#ends[to - 1]
    const start = offsets[first]
    const length = offsets[first + n] - start
    if (begin + length > this.#bytes.length) this.#grow(begin + length)
    this.#bytes.set(bytes.subarray(start, start + length), begin)
    for (let i = 0; i < n; i++) this.#ends[to + i] = begin + offsets[first + i + 1] - start
    this.#nulls.set(nulls.subarray(first, first + n), to)
  }

  #appendEach({ bytes, offsets, nulls }: StringColumn, rows: Int32Array, from: number, end: number, to: number): void {
    let at = to === 0 ? 0 : this.#ends[to - 1]
    for (let i = from; i < end; i++) {
      const row = rows[i]
      const stop = offsets[row + 1]
      const length = stop - offsets[row]
      if (at + length > this.#bytes.length) this.#grow(at + length)
      for (let b = offsets[row]; b < stop; b++) this.#bytes[at++] = bytes[b]
      this.#ends[to] = at
      this.#nulls[to++] = nulls[row]
    }
  }

  /** Lets go of all rows. */
  clear(): void {
    this.#rows = 0
  }

  /** Makes the rows up to `to` that nobody gave a value null. */
  fillTo(to: number): void {
    if (this.#rows >= to) return
    const end = this.#rows === 0 ? 0 : this.#ends[this.#rows - 1]
    this.#ends.fill(end, this.#rows, to)
    this.#nulls.fill(1, this.#rows, to)
    this.#rows = to
  }

  at(row: number): string | null {
    if (this.#nulls[row] === 1) return null
    return utf8.decode(this.#bytes.subarray(row === 0 ? 0 : this.#ends[row - 1], this.#ends[row]))
  }

  /** The first `rows` of them. */
  pack(packer: Packer, rows: number): void {
    const isEmpty = rows === 0 || this.#ends[rows - 1] === 0
    const { words, codes } = isEmpty ? NO_DICTIONARY : this.#dictionary(rows)
    packer.numbers(this.#nulls, rows)
    packer.numbers(Float64Array.of(words ? words.length : 0), 1)
    if (words) {
      packer.numbers(codes, rows)
      packer.numbers(
        Float64Array.from(words, (row) => this.#length(row)),
        words.length,
      )
      for (const row of words) packer.raw(this.#bytes, this.#ends[row] - this.#length(row), this.#ends[row])
    } else {
      packer.numbers(this.#ends, rows)
      packer.raw(this.#bytes, 0, rows === 0 ? 0 : this.#ends[rows - 1])
    }
  }

  unpack(unpacker: Unpacker, rows: number): void {
    this.#rows = rows
    unpacker.numbers(this.#nulls, rows)
    const [count] = unpacker.numbers(new Float64Array(1), 1)
    if (count === 0) {
      unpacker.numbers(this.#ends, rows)
      const end = rows === 0 ? 0 : this.#ends[rows - 1]
      for (let row = 1; row < rows; row++) if (this.#ends[row] < this.#ends[row - 1]) throw corrupt('ends of texts')
      const bytes = unpacker.raw(end)
      this.#room(end)
      this.#bytes.set(bytes)
      return
    }
    if (!Number.isInteger(count) || count < 0 || count > WORDS_MAX) throw corrupt(`${count} words`)
    const codes = unpacker.numbers(new Uint8Array(rows), rows)
    const lengths = unpacker.numbers(new Float64Array(count), count)
    const words = Array.from(lengths, (length) => unpacker.raw(length))
    let end = 0
    for (let row = 0; row < rows; row++) {
      if (codes[row] >= count) throw corrupt(`word ${codes[row]} of ${count}`)
      end += lengths[codes[row]]
    }
    this.#room(end)
    end = 0
    for (let row = 0; row < rows; row++) {
      this.#bytes.set(words[codes[row]], end)
      end += lengths[codes[row]]
      this.#ends[row] = end
    }
  }

  /** First row of each different text, and by row its number among them; null where there are many. */
  #dictionary(rows: number): { words: number[] | null; codes: Uint8Array } {
    const codes = new Uint8Array(rows)
    const words: number[] = []
    const table = new Uint16Array(WORDS_MAX * 4)
    for (let row = 0; row < rows; row++) {
      const end = this.#ends[row]
      let at = keyedHash(this.#bytes, end - this.#length(row), end, processKey) & (table.length - 1)
      while (table[at] !== 0 && !this.#same(words[table[at] - 1], row)) at = (at + 1) & (table.length - 1)
      if (table[at] === 0) {
        if (words.length === WORDS_MAX || (row < 128 && words.length > 64)) return { words: null, codes }
        table[at] = words.push(row)
      }
      codes[row] = table[at] - 1
    }
    return { words, codes }
  }

  #same(a: number, b: number): boolean {
    const length = this.#length(a)
    if (length !== this.#length(b)) return false
    const bytes = this.#bytes
    for (let i = this.#ends[a] - length, j = this.#ends[b] - length; j < this.#ends[b]; i++, j++)
      if (bytes[i] !== bytes[j]) return false
    return true
  }

  #length(row: number): number {
    return this.#ends[row] - (row === 0 ? 0 : this.#ends[row - 1])
  }

  #grow(needed: number): void {
    const grown = shared(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
  }

  /** For other texts than those it has. */
  #room(bytes: number): void {
    if (this.#bytes.length < bytes) this.#bytes = shared(bytes)
  }
}

function shared(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes))
}
