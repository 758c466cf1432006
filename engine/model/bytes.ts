import { utf8At } from './column.ts'

/** Little-endian writer of one entry; sections of typed arrays begin at multiples of 8. Grows by doubling. */
export class ByteWriter {
  #bytes = new Uint8Array(new ArrayBuffer(4_096))
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  reset(): void {
    this.#at = 0
  }
  u8(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }
  u32(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }
  f64(value: number): void {
    this.#room(8)
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }
  text(value: string): void {
    this.#room(4 + 3 * value.length)
    const written = encoder.encodeInto(value, this.#bytes.subarray(this.#at + 4)).written
    this.u32(written)
    this.#at += written
  }
  /** The bytes of `array`, from the next multiple of 8 on. */
  array(array: Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array): void {
    this.claim(array.byteLength).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  }
  /** Room for `sizeBytes` from the next multiple of 8 on, to be filled before anything else is written. */
  claim(sizeBytes: number): Uint8Array {
    this.#room(8 + sizeBytes)
    while (this.#at % 8 !== 0) this.#bytes[this.#at++] = 0
    this.#at += sizeBytes
    return this.#bytes.subarray(this.#at - sizeBytes, this.#at)
  }
  get position(): number {
    return this.#at
  }
  /** Forgets what was written from `position` on. */
  back(position: number): void {
    this.#at = position
  }
  /** A u32 that is filled in later. */
  hole32(): number {
    this.u32(0)
    return this.#at - 4
  }
  fill32(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }
  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at)
  }

  #room(sizeBytes: number): void {
    if (this.#at + sizeBytes <= this.#bytes.length) return
    const bytes = new Uint8Array(new ArrayBuffer(2 * (this.#at + sizeBytes)))
    bytes.set(this.#bytes)
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}

const encoder = new TextEncoder()

/**
 * Bytes that one byte of an entry may become: constant columns and texts of a dictionary take little or nothing a row, but
 * each row has a byte elsewhere, and no batch more than 4,096 of them.
 */
const ROOM_A_BYTE = 16 << 10
const ROOM_MAX = 1 << 30

/** Reads what ByteWriter wrote. Every read beyond the end throws a RangeError; arrays are views, not copies. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at: number
  #room: number

  /** `bytes` must begin at a multiple of 8 of its buffer. */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = at
    this.#room = Math.min(ROOM_MAX, ROOM_A_BYTE * bytes.length)
  }
  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }
  /** `length`, for an array of values of `sizeBytes` each: an entry of this size has no more in all its arrays together. */
  sized(length: number, sizeBytes: number): number {
    this.#room -= length * sizeBytes
    if (this.#room < 0) throw new RangeError(`${length} values in ${this.#bytes.length} bytes`)
    return length
  }
  u8(): number {
    return this.#view.getUint8(this.#skip(1))
  }
  u32(): number {
    return this.#view.getUint32(this.#skip(4), true)
  }
  f64(): number {
    return this.#view.getFloat64(this.#skip(8), true)
  }
  text(): string {
    const length = this.u32()
    const at = this.#skip(length)
    return utf8At(this.#bytes, at, at + length)
  }
  bytes(length: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#aligned(length), length)
  }
  halves(length: number): Uint16Array {
    return new Uint16Array(this.#bytes.buffer, this.#aligned(2 * length), length)
  }
  words(length: number): Uint32Array {
    return new Uint32Array(this.#bytes.buffer, this.#aligned(4 * length), length)
  }
  integers(length: number): Int32Array {
    return new Int32Array(this.#bytes.buffer, this.#aligned(4 * length), length)
  }
  doubles(length: number): Float64Array {
    return new Float64Array(this.#bytes.buffer, this.#aligned(8 * length), length)
  }

  #aligned(sizeBytes: number): number {
    this.#at = (this.#at + 7) & ~7
    return this.#bytes.byteOffset + this.#skip(sizeBytes)
  }
  #skip(sizeBytes: number): number {
    const at = this.#at
    if (at + sizeBytes > this.#bytes.length) throw new RangeError('beyond the end')
    this.#at = at + sizeBytes
    return at
  }
}
