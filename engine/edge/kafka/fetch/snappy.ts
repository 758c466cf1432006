/** How the Java client (xerial snappy-java) begins: then version, lowest reader, and blocks behind their lengths. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

/** Snappy, raw or in the Java client's framing. Throws Error on malformed bytes, or more than `bytesMax` of output. */
export function unsnappy(bytes: Uint8Array, bytesMax: number): Buffer {
  const framed = bytes.length >= XERIAL_HEADER_BYTES && XERIAL.every((byte, i) => bytes[i] === byte)
  return framed ? unframe(bytes, bytesMax) : block(bytes, bytesMax)
}

function unframe(bytes: Uint8Array, bytesMax: number): Buffer {
  const blocks: Buffer[] = []
  let left = bytesMax
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new Error('cut short')
    const end = at + 4 + (((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0)
    if (end > bytes.length) throw new Error('cut short')
    const out = block(bytes.subarray(at + 4, end), left)
    blocks.push(out)
    left -= out.length
    at = end
  }
  return blocks.length === 1 ? blocks[0] : Buffer.concat(blocks)
}

/** Length as a varint, then literals and copies: google/snappy, format_description.txt. */
function block(bytes: Uint8Array, bytesMax: number): Buffer {
  let at = 0
  let length = 0
  for (let shift = 0; ; shift += 7) {
    if (at >= bytes.length || shift > 28) throw new Error('no length')
    const byte = bytes[at++]
    length += (byte & 127) * 2 ** shift
    if (byte < 128) break
  }
  if (length > bytesMax) throw new Error(`${length} bytes, more than ${bytesMax}`)
  if (length > bytes.length * RATIO_MAX) throw new Error(`${length} bytes cannot come of ${bytes.length}`)
  const out = Buffer.allocUnsafe(length)
  if (expand(bytes, at, out) !== length) throw new Error('not as long as it says')
  return out
}

/** Three bytes copy at most 64. */
const RATIO_MAX = 22

/** The end of what was written. */
function expand(bytes: Uint8Array, start: number, out: Uint8Array): number {
  const end = bytes.length
  let at = start
  let to = 0
  while (at < end) {
    const tag = bytes[at++]
    const kind = tag & 3
    let size = (tag >>> 2) + 1
    if (kind === 0) {
      if (size > 60) {
        const width = size - 60
        if (at + width > end) throw new Error('cut short')
        size = 1
        for (let i = 0; i < width; i++) size += bytes[at + i] * 2 ** (8 * i)
        at += width
      }
      if (at + size > end || to + size > out.length) throw new Error('a literal that is too long')
      if (size > 32) out.set(bytes.subarray(at, at + size), to)
      else for (let i = 0; i < size; i++) out[to + i] = bytes[at + i]
      at += size
      to += size
      continue
    }
    const width = kind === 3 ? 4 : kind
    if (at + width > end) throw new Error('cut short')
    let distance = bytes[at]
    if (kind === 1) {
      size = ((tag >>> 2) & 7) + 4
      distance |= (tag >>> 5) << 8
    } else if (kind === 2) distance |= bytes[at + 1] << 8
    else distance = (distance | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
    at += width
    if (distance === 0 || distance > to || to + size > out.length) throw new Error('a copy from nowhere')
    if (distance >= size && size > 32) out.copyWithin(to, to - distance, to - distance + size)
    else for (let i = 0; i < size; i++) out[to + i] = out[to + i - distance]
    to += size
  }
  return to
}
