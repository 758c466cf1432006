import { randomFillSync } from 'node:crypto'

/**
 * What the hash tables of this process are keyed with: two words by chance, that nobody outside knows. No result depends
 * on them; a table that is saved as it stands is saved with its key.
 */
export const processKey: Int32Array = randomFillSync(new Int32Array(2))

const FINAL_ROUNDS = 3

/**
 * HalfSipHash-1-3 of `bytes[start..end)`: 32 bits, each as good as the others. `more`, two words, gets 64 bits besides.
 *
 * Resists  texts that were chosen to collide, by anyone who does not know the key. A secret start or multiplier alone
 *          does not: in FNV-1a, or a polynomial modulo 2^32, there are texts that collide under most or all of them
 * Cost     that of FNV-1a at 16 to 32 bytes, up to 10 ns more below
 * Source   Aumasson, Bernstein: SipHash: a fast short-input PRF, INDOCRYPT 2012; with words of 32 bits, one round a word
 *          and three at the end, as the Linux kernel hashes for its tables (include/linux/siphash.h)
 */
export function keyedHash(bytes: Uint8Array, start: number, end: number, key: Int32Array, more?: Int32Array): number {
  let v0 = key[0]!
  let v1 = key[1]!
  let v2 = v0 ^ 0x6c796765
  let v3 = v1 ^ 0x74656462
  for (let at = start; at <= end; at += 4) {
    const word = at + 4 <= end ? wordAt(bytes, at) : lastWord(bytes, at, start, end)
    v3 ^= word
    // one round
    v0 = (v0 + v1) | 0
    v2 = (v2 + v3) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v1) | 0
    v0 = (v0 + v3) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  v2 ^= 0xff
  for (let i = 0; i < FINAL_ROUNDS; i++) {
    // the same round: as a function it would have four results
    v0 = (v0 + v1) | 0
    v2 = (v2 + v3) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v1) | 0
    v0 = (v0 + v3) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 << 16) | (v2 >>> 16)
  }
  if (more !== undefined) {
    more[0] = v0
    more[1] = v2
  }
  return v1 ^ v3
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** What is left, up to three bytes, and on top of it the length. */
function lastWord(bytes: Uint8Array, at: number, start: number, end: number): number {
  let word = (end - start) << 24
  if (at < end) word |= bytes[at]!
  if (at + 1 < end) word |= bytes[at + 1]! << 8
  if (at + 2 < end) word |= bytes[at + 2]! << 16
  return word
}
