import { ZSTDDecoder } from 'zstddec'

const MAGIC = 0xfd2fb528
const BLOCK_BYTES_MAX = 128 << 10
const decoder = new ZSTDDecoder()
let ready: Promise<void> | null = null

/** Loads the decoder, which is WebAssembly: some 40 ms, once. `unzstd` works when it has resolved. */
export function zstdReady(): Promise<void> {
  ready ??= decoder.init()
  return ready
}

/**
 * One Zstandard frame (RFC 8878) without a dictionary. The decoder must be told how much room to make, and the Java client
 * does not say: the blocks' headers bound it. It keeps what memory it once took, some `bytesMax` at most.
 *
 * Throws Error on malformed bytes, or more than `bytesMax` of output.
 */
export function unzstd(bytes: Buffer, bytesMax: number): Buffer {
  const { contentBytes, first } = header(bytes)
  const most = capacity(bytes, first)
  if (contentBytes > bytesMax) throw new Error(`${contentBytes} bytes, more than ${bytesMax}`)
  if (contentBytes > most) throw new Error(`${contentBytes} bytes cannot come of its blocks`)
  const room = contentBytes >= 0 ? contentBytes : Math.min(most, bytesMax)
  if (room === 0) return Buffer.alloc(0)
  const { buffer, byteOffset, length } = decoder.decode(bytes, room)
  // it has no other way to say that something is wrong
  if (length === 0) throw new Error(`malformed, or more than ${room} bytes`)
  return Buffer.from(buffer, byteOffset, length)
}

/** `contentBytes` is -1 where the frame does not say; its blocks begin at `first`. */
function header(bytes: Buffer): { contentBytes: number; first: number } {
  if (bytes.length < 9 || bytes.readUInt32LE(0) !== MAGIC) throw new Error('not a frame')
  const flags = bytes[4]
  if (flags & 0b1011) throw new Error('a frame of an unknown kind') // a dictionary, or the reserved bit
  const single = (flags >>> 5) & 1
  const at = 6 - single
  const width = [single, 2, 4, 8][flags >>> 6]
  if (at + width + 3 > bytes.length) throw new Error('cut short')
  return { contentBytes: contentBytes(bytes, at, width), first: at + width }
}

function contentBytes(bytes: Buffer, at: number, width: number): number {
  if (width === 0) return -1
  if (width === 1) return bytes[at]
  if (width === 2) return bytes.readUInt16LE(at) + 256
  return bytes.readUInt32LE(at) + (width === 8 ? bytes.readUInt32LE(at + 4) * 2 ** 32 : 0)
}

/** The most that the blocks can give, from their headers alone; checks that all are there, and nothing behind them. */
function capacity(bytes: Buffer, first: number): number {
  let most = 0
  let at = first
  for (let last = 0; last === 0; ) {
    if (at + 3 > bytes.length) throw new Error('cut short')
    const block = bytes.readUIntLE(at, 3)
    last = block & 1
    const kind = (block >>> 1) & 3
    const size = block >>> 3
    if (size > BLOCK_BYTES_MAX) throw new Error('a block that is too long')
    most += kind === 2 ? BLOCK_BYTES_MAX : size
    at += 3 + (kind === 1 ? 1 : size)
  }
  if (at + (bytes[4] & 4) !== bytes.length) throw new Error('not one whole frame') // bit 2: four bytes of checksum follow
  return most
}
