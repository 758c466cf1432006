/** Where the number ends that was read last: a result beside the result, without an object. */
export const cursor = { at: 0 }

/** 64 bits come in at most so many bytes. */
const BYTES_MAX = 10
/** What avsc gives out as exact. */
const WHOLE_MAX = Number.MAX_SAFE_INTEGER - 1

/**
 * An int, long, length, count or index at `at`; sets `cursor`. NaN where it has more than 10 bytes, or lies beyond
 * 2^53 - 2 either way. Bytes beyond the buffer count as 0: the caller sees that it has left the record.
 */
export function readLong(bytes: Uint8Array, at: number): number {
  let byte = bytes[at]
  let low = byte & 0x7f
  let i = 1
  for (; byte > 0x7f && i < 4; i++) {
    byte = bytes[at + i]
    low |= (byte & 0x7f) << (7 * i)
  }
  // Without the sign's bit, which is the lowest, 53 bits are exact.
  let half = low >>> 1
  for (let unit = 2 ** 27; byte > 0x7f && i < BYTES_MAX; i++, unit *= 128) {
    byte = bytes[at + i]
    half += (byte & 0x7f) * unit
  }
  cursor.at = at + i
  if (byte > 0x7f) return Number.NaN
  const value = (low & 1) === 0 ? half : -half - 1
  return value <= WHOLE_MAX && value >= -WHOLE_MAX ? value : Number.NaN
}

/** The position behind the number at `at`; -1 where it has more than 10 bytes. */
export function skipLong(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < BYTES_MAX; i++) if (!(bytes[at + i] > 0x7f)) return at + i + 1
  return -1
}

/** The digits of the long in `bytes[start..end)`, which a double may not hold; null where it has more than 64 bits. */
export function longText(bytes: Uint8Array, start: number, end: number): string | null {
  let value = 0n
  for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt(bytes[at] & 0x7f)
  if (bytes[end - 1] > 0x7f || value >= 1n << 64n) return null
  return String((value >> 1n) ^ -(value & 1n))
}
