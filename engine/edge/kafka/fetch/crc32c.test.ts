import { expect, test } from 'vitest'
import { crc32c } from './crc32c.ts'

const whole = (bytes: Uint8Array) => crc32c(bytes, 0, bytes.length)

// RFC 3720, appendix B.4, whose bytes are in network order of a reflected remainder
test('the vectors of RFC 3720', () => {
  expect(whole(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(whole(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
  expect(whole(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  expect(whole(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c)
  const read = '01c00000000000000000000000000000140000000000040000000014000000182800000000000000020000000000000000'
  expect(whole(Buffer.from(read.slice(0, 96), 'hex'))).toBe(0xd9963a56)
  expect(whole(Buffer.from('123456789'))).toBe(0xe3069283)
})

test('any start and end: as bit by bit', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => (i * 2654435761) >>> 11)
  for (let start = 0; start < 20; start++)
    for (let end = start; end < 64; end += 3) expect(crc32c(bytes, start, end)).toBe(bitByBit(bytes, start, end))
})

function bitByBit(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0xffffffff
  for (const byte of bytes.subarray(start, end)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}
