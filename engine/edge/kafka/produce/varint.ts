/** Zigzag: 0, -1, 1, -2, … become 0, 1, 2, 3, …: whole numbers up to 2^52, exactly. */
function zigzag(n: number): number {
  return n < 0 ? -2 * n - 1 : 2 * n
}

/** Bytes of `writeVarint`. */
export function varintSize(n: number): number {
  let size = 1
  for (let rest = zigzag(n); rest >= 128; rest = Math.floor(rest / 128)) size++
  return size
}

/** A zigzag varint of Protocol Buffers, as records of Kafka have them; the position behind it. */
export function writeVarint(out: Uint8Array, n: number, at: number): number {
  let rest = zigzag(n)
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 128
  out[at] = rest
  return at + 1
}
