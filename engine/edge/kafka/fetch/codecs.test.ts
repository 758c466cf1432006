import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { LogCorrupt } from '../../../model/errors.ts'
import { CODECS, codecsReady, decompress } from './codecs.ts'

await codecsReady()

const BOUND = 1 << 20
const unpack = (codec: (typeof CODECS)[number], bytes: Buffer, bytesMax = BOUND) => {
  return decompress(CODECS.indexOf(codec), bytes, bytesMax)
}
const refusal = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(LogCorrupt)
    return (error as LogCorrupt).reason
  }
  return 'nothing was thrown'
}

/** As the Java client never writes, other clients do: made with zstd 1.5.4 and lz4 1.9.4 from this text. */
const file = (name: string) => readFileSync(join(import.meta.dirname, 'testdata', name))
const text = Array.from({ length: 10_000 }, (_, i) => `line ${i % 97} of a text that repeats itself\n`)
  .join('')
  .slice(0, 150_000)

describe('zstd', () => {
  test('a frame that says its size (zstd -19 text), and one that does not (zstd < zeros)', () => {
    expect(unpack('zstd', file('text.zst')).toString()).toBe(text)
    expect(unpack('zstd', file('zeros.zst'), 2_000_000).equals(Buffer.alloc(2_000_000))).toBe(true)
  })

  test('a bomb of either kind', () => {
    expect(refusal(() => unpack('zstd', file('text.zst'), 149_999))).toBe('zstd: 150000 bytes, more than 149999')
    expect(refusal(() => unpack('zstd', file('zeros.zst'), 1_999_999))).toBe(
      'zstd: malformed, or more than 1999999 bytes',
    )
  })

  test('a size that its blocks cannot fill takes no memory', () => {
    const sized = file('text.zst')
    sized.writeUInt32LE(0x7fffffff, 5)
    expect(refusal(() => unpack('zstd', sized, 2 ** 31))).toBe('zstd: 2147483647 bytes cannot come of its blocks')
  })

  test('a table of one symbol, over which another decoder loops for ever', () => {
    const block = [0xa2, 0x00, 0x02, 0x04, 0xf0, 0x03, 255, 255, 255, 255, 255, 255, 255, 0]
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 10, (block.length << 3) | 5, 0, 0, ...block])
    expect(refusal(() => unpack('zstd', frame))).toBe('zstd: malformed, or more than 10 bytes')
  })

  test('anything behind the frame', () => {
    const twice = Buffer.concat([file('text.zst'), file('text.zst')])
    expect(refusal(() => unpack('zstd', twice))).toBe('zstd: not one whole frame')
  })
})

describe('lz4', () => {
  test('blocks that refer to the block before (lz4 -BD); sizes and checksums in the frame (lz4 -BX --content-size)', () => {
    expect(unpack('lz4', file('text-linked.lz4')).toString()).toBe(text)
    expect(unpack('lz4', file('text-sized.lz4')).toString()).toBe(text)
  })

  test('a bomb', () => {
    expect(refusal(() => unpack('lz4', file('text-linked.lz4'), 149_999))).toBe('lz4: more than 149999 bytes')
  })

  test('a match from before the beginning, a block without its end', () => {
    const frame = (block: number[]) =>
      Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, block.length, 0, 0, 0, ...block, 0, 0, 0, 0])
    expect(unpack('lz4', frame([0x10, 65, 1, 0, 0x10, 66])).toString()).toBe('AAAAAB')
    expect(refusal(() => unpack('lz4', frame([0x10, 65, 2, 0, 0x10, 66])))).toBe('lz4: a match from nowhere')
    expect(refusal(() => unpack('lz4', frame([0x10, 65, 0, 0, 0x10, 66])))).toBe('lz4: a match from nowhere')
    expect(refusal(() => unpack('lz4', frame([0x20, 65])))).toBe('lz4: a literal that is too long')
    expect(refusal(() => unpack('lz4', frame([0xf0, 255, 255])))).toBe('lz4: cut short')
    expect(refusal(() => unpack('lz4', frame([0x10, 65, 1, 0])))).toBe('lz4: cut short')
  })
})

describe('snappy', () => {
  // format_description.txt of google/snappy: the length, then a tag byte for each piece
  const ABCD = [0x0c, 65, 66, 67, 68]

  test('without framing: literals, and copies of three kinds', () => {
    const pieces = [...ABCD, 0x01, 4, 0x06, 2, 0, 0x0f, 8, 0, 0, 0, 0xf0, 1, 88, 89]
    expect(unpack('snappy', Buffer.from([16, ...pieces])).toString()).toBe('ABCDABCDCDCDABXY')
  })

  test('lengths that are not so, copies from before the beginning', () => {
    expect(refusal(() => unpack('snappy', Buffer.from([5, ...ABCD])))).toBe('snappy: not as long as it says')
    expect(refusal(() => unpack('snappy', Buffer.from([3, ...ABCD])))).toBe('snappy: a literal that is too long')
    expect(refusal(() => unpack('snappy', Buffer.from([8, ...ABCD, 1, 5])))).toBe('snappy: a copy from nowhere')
    expect(refusal(() => unpack('snappy', Buffer.from([8, ...ABCD, 1, 0])))).toBe('snappy: a copy from nowhere')
    expect(refusal(() => unpack('snappy', Buffer.from([8, ...ABCD, 2, 1])))).toBe('snappy: cut short')
    // a literal whose length is nearly 2^32
    const long = Buffer.from([8, 0xfc, 0xfb, 0xff, 0xff, 0xff, 65, 65])
    expect(refusal(() => unpack('snappy', long))).toBe('snappy: a literal that is too long')
    expect(refusal(() => unpack('snappy', Buffer.alloc(0)))).toBe('snappy: no length')
  })

  test('a bomb: a length above the bound, or that so few bytes cannot give', () => {
    const bomb = (length: number[]) => Buffer.from([...length, ...ABCD])
    expect(refusal(() => unpack('snappy', bomb([0x81, 0x80, 0x40])))).toBe('snappy: 1048577 bytes, more than 1048576')
    expect(refusal(() => unpack('snappy', bomb([0x80, 0x80, 0x40])))).toBe('snappy: 1048576 bytes cannot come of 8')
  })
})

test('gzip: a bomb', () => {
  const bomb = gzipSync(Buffer.alloc(BOUND + 1))
  expect(refusal(() => unpack('gzip', bomb))).toContain('gzip: ')
  expect(unpack('gzip', bomb, BOUND + 1)).toHaveLength(BOUND + 1)
})
