import { type Stream, typeMatches } from '../../model/stream.ts'

const TYPE_BYTES_MAX = 256
/** A power of two. */
const BUCKETS = 1_024
const BUCKET_MAX = 16

interface Known {
  readonly bytes: Uint8Array
  readonly carried: boolean
}

/**
 * Which event types a stream carries, looked up by their UTF-8: no text is made of a type that was seen before. It keeps
 * up to 16,384 types of up to 256 bytes; others are compared each time.
 */
export class EventTypes {
  readonly #patterns: readonly string[]
  readonly #buckets: Known[][] = Array.from({ length: BUCKETS }, () => [])
  #last: Known

  constructor(stream: Stream) {
    this.#patterns = stream.types
    this.#last = this.#find(new Uint8Array(0), 0, 0)
  }

  carries(bytes: Uint8Array, start: number, end: number): boolean {
    if (!equal(this.#last.bytes, bytes, start, end)) this.#last = this.#find(bytes, start, end)
    return this.#last.carried
  }

  #find(bytes: Uint8Array, start: number, end: number): Known {
    const bucket = this.#buckets[bucketOf(bytes, start, end)]
    for (let i = 0; i < bucket.length; i++) if (equal(bucket[i].bytes, bytes, start, end)) return bucket[i]
    const copy = Buffer.from(bytes.subarray(start, end))
    const known = { bytes: copy, carried: typeMatches(this.#patterns, copy.toString()) }
    if (bucket.length < BUCKET_MAX && end - start <= TYPE_BYTES_MAX) bucket.push(known)
    return known
  }
}

function equal(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}

/** By some of the bytes only: it has to be quick, not even. */
function bucketOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length < 4) return length
  const middle = start + (length >> 1)
  return (length + 31 * bytes[middle] + 101 * bytes[middle + 1] + 431 * bytes[end - 1]) & (BUCKETS - 1)
}
