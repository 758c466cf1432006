export type Numbers = Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array

const CONSTANT = 0
const RAW = 1
/** Mode = what is written (0 value - base, 4 difference to the value before) + how (bytes 1 to 3: 2, 3, 16; varint 8). */
const FIXED = 16
const VARINT = 8
const DELTA = 64

/**
 * Packs arrays of numbers, columns of a few thousand rows, into few bytes; `Unpacker` gives them back, bit by bit.
 *
 * Shape   per array a mode byte; constant: the value (8 bytes); raw: 8 bytes a value; else a base (8 bytes; of deltas the
 *         first value besides), then value - base or (value - the one before) - base as 1 to 4 bytes each, or as varints,
 *         whatever is shortest
 * Exact   whole numbers below 2^52 in size take the short forms when they span less than 2^32; all others are kept raw
 */
export class Packer {
  #bytes = new Uint8Array(1 << 16)
  #view = new DataView(this.#bytes.buffer)
  #end = 0

  numbers(values: Numbers, length: number): void {
    this.#room(8 * length + 32)
    const shape = measure(values, length)
    this.#bytes[this.#end++] = shape.mode
    if (shape.mode === CONSTANT) this.#double(length === 0 ? 0 : values[0])
    else if (shape.mode === RAW) for (let i = 0; i < length; i++) this.#double(values[i])
    else this.#short(values, length, shape)
  }

  /** Bytes as they are; the reader must know how many. */
  raw(bytes: Uint8Array, start: number, end: number): void {
    this.#room(end - start)
    this.#bytes.set(bytes.subarray(start, end), this.#end)
    this.#end += end - start
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#end)
  }

  #short(values: Numbers, length: number, { mode, base }: Shape): void {
    const isDelta = mode >= DELTA
    this.#double(base)
    if (isDelta) this.#double(values[0])
    const width = mode & 7
    const bytes = this.#bytes
    let at = this.#end
    let before = values[0]
    for (let i = isDelta ? 1 : 0; i < length; i++) {
      let rest = isDelta ? values[i] - before - base : values[i] - base
      before = values[i]
      if (width > 0) {
        for (let b = 0; b < width; b++) {
          bytes[at++] = rest & 0xff
          rest >>>= 8
        }
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
    if (mode === CONSTANT) into.fill(this.#double(), 0, length)
    else if (mode === RAW) for (let i = 0; i < length; i++) into[i] = this.#double()
    else this.#short(into, length, mode)
    return into
  }

  /** A view on the next bytes. */
  raw(length: number): Uint8Array {
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
    return this.#view.getFloat64(this.#at - 8, true)
  }
}

interface Shape {
  readonly mode: number
  readonly base: number
}

const WHOLE_MAX = 2 ** 52
const SPAN_MAX = 2 ** 32 - 1

/** The shortest form of the values. */
function measure(values: Numbers, length: number): Shape {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  let leastDelta = Number.POSITIVE_INFINITY
  let mostDelta = Number.NEGATIVE_INFINITY
  let isWhole = true
  let isConstant = true
  for (let i = 0; i < length; i++) {
    const value = values[i]
    if (!Object.is(value, values[0])) isConstant = false
    if (!Number.isInteger(value) || value >= WHOLE_MAX || value <= -WHOLE_MAX || Object.is(value, -0)) isWhole = false
    if (value < least) least = value
    if (value > most) most = value
    if (i === 0) continue
    const delta = value - values[i - 1]
    if (delta < leastDelta) leastDelta = delta
    if (delta > mostDelta) mostDelta = delta
  }
  if (isConstant) return { mode: CONSTANT, base: 0 }
  if (!isWhole) return { mode: RAW, base: 0 }
  let best: Shape = { mode: RAW, base: 0 }
  let bestBytes = 8 * length
  const consider = (isDelta: boolean, base: number, span: number): void => {
    if (span > SPAN_MAX) return
    const width = span < 0x100 ? 1 : span < 0x10000 ? 2 : span < 0x1000000 ? 3 : 4
    const fixed = width * length
    if (fixed < bestBytes) {
      bestBytes = fixed
      best = { mode: FIXED + width + (isDelta ? DELTA : 0), base }
    }
    if (width === 1) return
    let varints = 0
    for (let i = isDelta ? 1 : 0; i < length; i++) {
      const rest = isDelta ? values[i] - values[i - 1] - base : values[i] - base
      varints += rest < 0x80 ? 1 : rest < 0x4000 ? 2 : rest < 0x200000 ? 3 : rest < 0x10000000 ? 4 : 5
    }
    if (varints < bestBytes) {
      bestBytes = varints
      best = { mode: VARINT + (isDelta ? DELTA : 0), base }
    }
  }
  consider(false, least, most - least)
  consider(true, leastDelta, mostDelta - leastDelta)
  return best
}
