import { corrupt } from './packing.ts'

const ALIGN = 8

/** Arrays end to end, each at a multiple of 8 bytes; in front their number and lengths in bytes, as doubles. */
export function packArrays(arrays: readonly ArrayBufferView[]): Uint8Array {
  const head = Float64Array.of(arrays.length, ...arrays.map((a) => a.byteLength))
  const bytes = new Uint8Array(arrays.reduce((sum, a) => sum + aligned(a.byteLength), head.byteLength))
  let at = 0
  for (const a of [head, ...arrays]) {
    bytes.set(new Uint8Array(a.buffer, a.byteOffset, a.byteLength), at)
    at += aligned(a.byteLength)
  }
  return bytes
}

/**
 * The bytes of each array, as views of a copy that begins at a multiple of 8. EngineError STATE_CORRUPT where they are not
 * what `packArrays` has made.
 */
export function unpackArrays(packed: Uint8Array): Uint8Array[] {
  const bytes = packed.byteOffset % ALIGN === 0 ? packed : packed.slice()
  const doubles = new Float64Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / ALIGN))
  const [count] = doubles
  if (!(count >= 0 && count < doubles.length)) throw corrupt(`${count} arrays`)
  let at = (1 + count) * ALIGN
  return Array.from(doubles.subarray(1, 1 + count), (length) => {
    if (!(length >= 0 && at + length <= bytes.length)) throw corrupt(`an array of ${length} bytes`)
    const array = bytes.subarray(at, at + length)
    at += aligned(length)
    return array
  })
}

/** Bytes that were packed as doubles, as such. */
export function asDoubles(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / ALIGN)
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN
}
