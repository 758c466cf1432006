import { Decompress, decompress } from 'fzstd'

const MAGIC = 0xfd2fb528
const BLOCK_BYTES_MAX = 128 << 10

/**
 * One Zstandard frame (RFC 8878) without a dictionary. fzstd takes what memory the frame's header asks for, so the header
 * is checked first. Throws Error on malformed bytes, or more than `bytesMax` of output.
 */
export function unzstd(bytes: Buffer, bytesMax: number): Buffer {
  const { contentBytes, windowBytes, first } = header(bytes)
  const most = capacity(bytes, first)
  if (contentBytes > bytesMax) throw new Error(`${contentBytes} bytes, more than ${bytesMax}`)
  if (contentBytes > most) throw new Error(`${contentBytes} bytes cannot come of its blocks`)
  if (contentBytes > 0) return view(decompress(bytes))
  return stream(withWindow(bytes, windowBytes, most, bytesMax), bytesMax)
}

/** `contentBytes` is -1 where the frame does not say. */
function header(bytes: Buffer): { contentBytes: number; windowBytes: number; first: number } {
  if (bytes.length < 9 || bytes.readUInt32LE(0) !== MAGIC) throw new Error('not a frame')
  const flags = bytes[4]
  if (flags & 0b1011) throw new Error('a frame of an unknown kind') // a dictionary, or the reserved bit
  const single = (flags >>> 5) & 1
  const at = 6 - single
  const width = [single, 2, 4, 8][flags >>> 6]
  if (at + width + 3 > bytes.length) throw new Error('cut short')
  const unit = 2 ** (10 + (bytes[5] >>> 3))
  const windowBytes = single ? 0 : unit + (unit / 8) * (bytes[5] & 7)
  return { contentBytes: contentBytes(bytes, at, width), windowBytes, first: at + width }
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

/**
 * The frame with a window that is no larger than its content can be: fzstd keeps one of the size that is asked for, and
 * moves it with every block. The Java client asks for 2 MiB, whatever it sends.
 */
function withWindow(bytes: Buffer, windowBytes: number, most: number, bytesMax: number): Buffer {
  const log = Math.max(17, Math.ceil(Math.log2(most)))
  const wanted = Math.min(windowBytes, 2 ** log)
  if (wanted > Math.max(2 * bytesMax, BLOCK_BYTES_MAX)) throw new Error(`a window of ${wanted} bytes`)
  if (wanted === windowBytes) return bytes
  const copy = Buffer.from(bytes)
  copy[5] = (log - 10) << 3
  return copy
}

function stream(bytes: Buffer, bytesMax: number): Buffer {
  const blocks: Buffer[] = []
  let left = bytesMax
  const frame = new Decompress((block) => {
    left -= block.length
    if (left < 0) throw new Error(`more than ${bytesMax} bytes`)
    blocks.push(view(block))
  })
  frame.push(bytes, true)
  return blocks.length === 1 ? blocks[0] : Buffer.concat(blocks)
}

function view({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}
