import { type Stream, typeMatches } from '../../model/stream.ts'

const TYPE_BYTES_MAX = 256
/** A power of two. */
const BUCKETS = 1_024
const BUCKET_MAX = 16

interface Known {
  readonly bytes: Uint8Array
  readonly words: DataView
  readonly carried: boolean
}

/**
 * Which event types a stream carries, looked up by their UTF-8: no text is made of a type that was seen before. It keeps
 * up to 16,384 types of up to 256 bytes, of those that fall together the newest ones; others are compared each time.
 */
export class EventTypes {
  readonly #patterns: readonly string[]
  readonly #buckets: Known[][] = Array.from({ length: BUCKETS }, () => [])
  #turn = 0

  constructor(stream: Stream) {
    this.#patterns = stream.types
  }

  /** `bytes` and `words` are views of the same whole buffer. */
  carries(bytes: Uint8Array, words: DataView, start: number, end: number): boolean {
    const length = end - start
    const bucket = this.#buckets[bucketOf(words, start, length)]
    for (let i = 0; i < bucket.length; i++) {
      const known = bucket[i]
      if (known.bytes.length === length && equal(known, bytes, words, start)) return known.carried
    }
    return this.#learn(bucket, bytes, start, end)
  }

  #learn(bucket: Known[], bytes: Uint8Array, start: number, end: number): boolean {
    const copy = bytes.slice(start, end)
    const carried = typeMatches(this.#patterns, Buffer.from(copy).toString())
    if (copy.length > TYPE_BYTES_MAX) return carried
    // a full one gives a place up: types that somebody makes up do not shut out those that come for ever
    const at = bucket.length < BUCKET_MAX ? bucket.length : this.#turn++ % BUCKET_MAX
    bucket[at] = { bytes: copy, words: new DataView(copy.buffer), carried }
    return carried
  }
}

function equal({ bytes: own, words: ownWords }: Known, bytes: Uint8Array, words: DataView, start: number): boolean {
  const length = own.length
  let differ = 0
  if (length < 4) for (let i = 0; i < length; i++) differ |= own[i] ^ bytes[start + i]
  else {
    for (let i = 0; i + 4 <= length; i += 4) differ |= ownWords.getInt32(i, true) ^ words.getInt32(start + i, true)
    differ |= ownWords.getInt32(length - 4, true) ^ words.getInt32(start + length - 4, true)
  }
  return differ === 0
}

/** By the length and the last bytes: types begin alike. */
function bucketOf(words: DataView, start: number, length: number): number {
  if (length < 4) return length
  const tail = Math.imul(words.getInt32(start + length - 4, true), 0x9e3779b1)
  return ((tail >>> 16) + length) & (BUCKETS - 1)
}
