import { expect, test } from 'vitest'
import { keyedHash } from './keyed-hash.ts'
import { fnvCollisions } from './testing.ts'

const KEY = Int32Array.of(0x03020100, 0x07060504)

test('is HalfSipHash-1-3: of the bytes 0, 1, 2 … as the Linux kernel tests its own', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i)
  const hashes = Array.from({ length: 8 }, (_, length) => keyedHash(bytes, 0, length, KEY) >>> 0)
  expect(hashes).toEqual([
    0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6,
  ])
})

test('texts that collide in FNV-1a do not collide, under any key, in any of its words', () => {
  const texts = fnvCollisions(8)
  const more = new Int32Array(2)
  for (const key of [KEY, Int32Array.of(0, 0), Int32Array.of(-1, 17)]) {
    const words = [new Set<number>(), new Set<number>(), new Set<number>()]
    for (const text of texts) {
      words[0]!.add(keyedHash(text, 0, text.length, key, more))
      words[1]!.add(more[0]!)
      words[2]!.add(more[1]!)
    }
    for (const different of words) expect(different.size).toBeGreaterThan(texts.length - 2)
  }
})

test('every byte, the length and where in its array a text stands: the first two count, the last does not', () => {
  const zeros = new Uint8Array(100)
  expect(new Set(Array.from(zeros, (_, length) => keyedHash(zeros, 0, length, KEY))).size).toBe(100)
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => 7 * i)
  const whole = keyedHash(bytes, 3, 40, KEY)
  expect(keyedHash(bytes.slice(3), 0, 37, KEY)).toBe(whole)
  for (let at = 3; at < 40; at++) {
    const other = bytes.slice()
    other[at]! ^= 0x80
    expect(keyedHash(other, 3, 40, KEY)).not.toBe(whole)
  }
})
