import { EngineError } from '../model/errors.ts'

export type Numbers = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array

const CONSTANT = 0
const RAW = 1
/** Mode = what is written (0 value - base, 4 difference to the value before) + how (bytes 1 to 3: 2, 3, 16; varint 8). */
const FIXED = 16
const VARINT = 8
const DELTA = 64

/** Bytes in the making: a step packs one column and yields how many values that were. */
export type Packing = Generator<number, Uint8Array, undefined>

/** Goes on for about `valuesMax` values; null = there is more to be done. */
export function packSome(packing: Packing, valuesMax: number): Uint8Array | null {
  for (let values = 0; values < valuesMax; ) {
    const step = packing.next()
    if (step.done) return step.value
    values += step.value
  }
  return null
}

/** What the last packer wrote to, for the next one. */
let spareBytes: Uint8Array | null = null

/**
 * Packs arrays of numbers, columns of a few thousand rows, into few bytes; `Unpacker` gives them back, bit by bit.
 *
 * Shape   per array a mode byte; constant: the value (8 bytes); raw: 8 bytes a value; else a base (8 bytes; of deltas the
 *         first value besides), then value - base or (value - the one before) - base as 1 to 4 bytes each, or as varints,
 *         whatever is shortest
 * Exact   whole numbers below 2^52 in size take the short forms when they span less than 2^32; all others are kept raw
 */
export class Packer {
  #bytes: Uint8Array
  #view: DataView
  #end = 0

  constructor() {
    this.#bytes = spareBytes ?? new Uint8Array(1 << 16)
    spareBytes = null
    this.#view = new DataView(this.#bytes.buffer)
  }

  numbers(values: Numbers, length: number): void {
    this.#room(8 * length + 32)
    const doubles = asDoubles(values, length)
    const shape = measure(doubles, length, values)
    this.#bytes[this.#end++] = shape.mode
    if (shape.mode === CONSTANT) this.#double(length === 0 ? 0 : doubles[0])
    else if (shape.mode === RAW) for (let i = 0; i < length; i++) this.#double(doubles[i])
    else this.#short(doubles, length, shape)
  }

  /** Bytes as they are; the reader must know how many. */
  raw(bytes: Uint8Array, start: number, end: number): void {
    this.#room(end - start)
    this.#bytes.set(bytes.subarray(start, end), this.#end)
    this.#end += end - start
  }

  /** Then it is of no use any more. */
  finish(): Uint8Array {
    const packed = this.#bytes.slice(0, this.#end)
    spareBytes = this.#bytes
    return packed
  }

  #short(values: Float64Array, length: number, { mode, base }: Shape): void {
    const isDelta = mode >= DELTA
    this.#double(base)
    if (isDelta) this.#double(values[0])
    const width = mode & 7
    const bytes = this.#bytes
    let at = this.#end
    let before = isDelta ? values[0] : 0
    for (let i = isDelta ? 1 : 0; i < length; i++) {
      const value = values[i]
      let rest = (value - before - base) >>> 0
      if (isDelta) before = value
      if (width > 0) {
        bytes[at++] = rest
        if (width > 1) bytes[at++] = rest >>> 8
        if (width > 2) bytes[at++] = rest >>> 16
        if (width > 3) bytes[at++] = rest >>> 24
      } else {
        while (rest >= 0x80) {
          bytes[at++] = (rest & 0x7f) | 0x80
          rest = rest >>> 7
        }
        bytes[at++] = rest
      }
    }
    this.#end = at
  }

  #double(value: number): void {
    this.#view.setFloat64(this.#end, value, true)
    this.#end += 8
  }

  #room(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#end + bytes, this.#bytes.length * 2))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Every method throws EngineError STATE_CORRUPT where the bytes are not those of a Packer. */
export class Unpacker {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Fills the first `length` values of `into`. */
  numbers<N extends Numbers>(into: N, length: number): N {
    const mode = this.#bytes[this.#at++]
    if (!(length <= into.length)) throw corrupt(`${length} values, at most ${into.length}`)
    if (mode === CONSTANT) into.fill(this.#double(), 0, length)
    else if (mode === RAW) for (let i = 0; i < length; i++) into[i] = this.#double()
    else this.#short(into, length, mode)
    if (this.#at > this.#bytes.length) throw corrupt('it ends too early')
    return into
  }

  /** A view on the next bytes. */
  raw(length: number): Uint8Array {
    if (!(length >= 0 && this.#at + length <= this.#bytes.length)) throw corrupt(`${length} bytes`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #short(into: Numbers, length: number, mode: number): void {
    const isDelta = mode >= DELTA
    const base = this.#double()
    const width = mode & 7
    const bytes = this.#bytes
    let before = 0
    let i = 0
    if (isDelta) {
      before = this.#double()
      into[i++] = before
    }
    let at = this.#at
    for (; i < length; i++) {
      let value = 0
      if (width > 0) {
        value = bytes[at++]
        if (width > 1) value |= bytes[at++] << 8
        if (width > 2) value |= bytes[at++] << 16
        if (width > 3) value = (value | (bytes[at++] << 24)) >>> 0
      } else {
        let shift = 0
        let byte = bytes[at++]
        while (byte >= 0x80) {
          value |= (byte & 0x7f) << shift
          shift += 7
          byte = bytes[at++]
        }
        value = (value | (byte << shift)) >>> 0
      }
      value += base
      if (isDelta) {
        value += before
        before = value
      }
      into[i] = value
    }
    this.#at = at
  }

  #double(): number {
    this.#at += 8
    if (this.#at > this.#bytes.length) throw corrupt('it ends too early')
    return this.#view.getFloat64(this.#at - 8, true)
  }
}

export function corrupt(what: string): EngineError {
  return new EngineError('STATE_CORRUPT', `packed numbers: ${what}`)
}

interface Shape {
  readonly mode: number
  readonly base: number
}

const WHOLE_MAX = 2 ** 52
const SPAN_MAX = 2 ** 32 - 1
const AS_IS: Shape = { mode: RAW, base: 0 }

/** The shortest form of the values, that stand in `source` as they came; varints are tried for 32-bit columns only. */
function measure(values: Float64Array, length: number, source: Numbers): Shape {
  const isExact = source instanceof Float64Array
  if (isExact ? isConstant(values, length) : isEqual(values, length)) return { mode: CONSTANT, base: 0 }
  if (isExact && !isWhole(values, length)) return AS_IS
  let least = values[0]
  let most = least
  let leastDelta = Number.POSITIVE_INFINITY
  let mostDelta = Number.NEGATIVE_INFINITY
  for (let i = 1, before = least; i < length; i++) {
    const value = values[i]
    if (value < least) least = value
    else if (value > most) most = value
    const delta = value - before
    if (delta < leastDelta) leastDelta = delta
    if (delta > mostDelta) mostDelta = delta
    before = value
  }
  const width = widthOf(most - least)
  const deltaWidth = widthOf(mostDelta - leastDelta)
  if (width === 8 && deltaWidth === 8) return AS_IS
  if (deltaWidth < width) return { mode: FIXED + DELTA + deltaWidth, base: leastDelta }
  if (width > 1 && source instanceof Uint32Array && varintBytes(values, length, least) < width * length) {
    return { mode: VARINT, base: least }
  }
  return { mode: FIXED + width, base: least }
}

/** NaN is the same as NaN, and 0 another one than -0. */
function isConstant(values: Float64Array, length: number): boolean {
  const first = values[0]
  if (first !== 0 && !Number.isNaN(first)) return isEqual(values, length)
  for (let i = 1; i < length; i++) if (!Object.is(values[i], first)) return false
  return true
}

function isEqual(values: Float64Array, length: number): boolean {
  const first = values[0]
  for (let i = 1; i < length; i++) if (values[i] !== first) return false
  return true
}

function isWhole(values: Float64Array, length: number): boolean {
  for (let i = 0; i < length; i++) {
    const value = values[i]
    if (value !== Math.floor(value) || value >= WHOLE_MAX || value <= -WHOLE_MAX) return false
    if (value === 0 && Object.is(value, -0)) return false
  }
  return true
}

function widthOf(span: number): number {
  return span < 0x100 ? 1 : span < 0x10000 ? 2 : span < 0x1000000 ? 3 : span <= SPAN_MAX ? 4 : 8
}

function varintBytes(values: Float64Array, length: number, base: number): number {
  let bytes = 0
  for (let i = 0; i < length; i++) {
    const rest = values[i] - base
    bytes += rest < 0x80 ? 1 : rest < 0x4000 ? 2 : rest < 0x200000 ? 3 : rest < 0x10000000 ? 4 : 5
  }
  return bytes
}

let doublesAtHand = new Float64Array(4096)

/** Room for `length` values, until the next asking. */
function scratch(length: number): Float64Array {
  if (doublesAtHand.length < length) doublesAtHand = new Float64Array(length * 2)
  return doublesAtHand
}

/** The values as one kind of array: loops over five kinds take several times as long. Until the next asking. */
function asDoubles(values: Numbers, length: number): Float64Array {
  if (values instanceof Float64Array) return values
  const doubles = scratch(length)
  doubles.set(length === values.length ? values : values.subarray(0, length))
  return doubles
}
