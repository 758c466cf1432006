const MAGIC = 0x184d2204
/** A byte of a match's length copies at most 255. */
const RATIO_MAX = 255
const BLOCK_BYTES_MAX = [0, 0, 0, 0, 64 << 10, 256 << 10, 1 << 20, 4 << 20]

/**
 * One LZ4 frame, blocks independent or not (lz4_Frame_format.md). Its own checksums are passed over: a record batch has one
 * over the same bytes. Throws Error on malformed bytes, or more than `bytesMax` of output.
 */
export function unlz4(bytes: Buffer, bytesMax: number): Buffer {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC) throw new Error('not a frame')
  const flags = bytes[4]
  const blockMax = BLOCK_BYTES_MAX[(bytes[5] >>> 4) & 7]
  if (flags >>> 6 !== 1 || flags & 1 || blockMax === 0) throw new Error('a frame of an unknown kind')
  const first = 7 + (flags & 8 ? 8 : 0)
  const trailer = flags & 16 ? 4 : 0
  const out = Buffer.allocUnsafe(capacity(bytes, first, trailer, blockMax, bytesMax))
  let to = 0
  for (let at = first; ; ) {
    const size = bytes.readUInt32LE(at)
    at += 4
    if (size === 0) return out.subarray(0, to)
    const end = at + (size & 0x7fffffff)
    if (size >>> 31 === 0) to = expand(bytes, at, end, out, to)
    else {
      if (to + end - at > out.length) throw new Error(`more than ${out.length} bytes`)
      bytes.copy(out, to, at, end)
      to += end - at
    }
    at = end + trailer
  }
}

/** The most that the blocks can give, from their lengths alone; checks that all of them, and the end mark, are there. */
function capacity(bytes: Buffer, first: number, trailer: number, blockMax: number, bytesMax: number): number {
  let most = 0
  for (let at = first; ; ) {
    if (at + 4 > bytes.length) throw new Error('cut short')
    const size = bytes.readUInt32LE(at)
    if (size === 0) return Math.min(most, bytesMax)
    const length = size & 0x7fffffff
    if (length > blockMax) throw new Error('a block that is too long')
    most += size >>> 31 ? length : Math.min(blockMax, length * RATIO_MAX)
    at += 4 + length + trailer
  }
}

/** One block, `bytes[at..end)`, to `out` from `to` on; the end of what was written. */
function expand(bytes: Uint8Array, from: number, end: number, out: Uint8Array, start: number): number {
  let at = from
  let to = start
  while (at < end) {
    const token = bytes[at++]
    let size = token >>> 4
    if (size === 15) {
      let more = 255
      while (more === 255) {
        if (at >= end) throw new Error('cut short')
        more = bytes[at++]
        size += more
      }
    }
    if (at + size > end) throw new Error('a literal that is too long')
    if (to + size > out.length) throw new Error(`more than ${out.length} bytes`)
    if (size > 32) out.set(bytes.subarray(at, at + size), to)
    else for (let i = 0; i < size; i++) out[to + i] = bytes[at + i]
    at += size
    to += size
    if (at === end) return to // the last sequence has no match
    if (at + 2 > end) throw new Error('cut short')
    const distance = bytes[at] | (bytes[at + 1] << 8)
    at += 2
    size = (token & 15) + 4
    if (size === 19) {
      let more = 255
      while (more === 255) {
        if (at >= end) throw new Error('cut short')
        more = bytes[at++]
        size += more
      }
    }
    if (distance === 0 || distance > to) throw new Error('a match from nowhere')
    if (to + size > out.length) throw new Error(`more than ${out.length} bytes`)
    if (distance >= size && size > 32) out.copyWithin(to, to - distance, to - distance + size)
    else for (let i = 0; i < size; i++) out[to + i] = out[to + i - distance]
    to += size
  }
  throw new Error('cut short')
}
