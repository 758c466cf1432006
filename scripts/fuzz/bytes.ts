import type { Prng } from '../../engine/kit/prng.ts'

/** Numbers that trip readers of lengths, counts and offsets. */
const BORDERS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]
/** Avro's and Kafka's: large ones, and one that has no end. */
const VARINTS = [
  [0x7f],
  [0xff, 0x01],
  [0xfe, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x90, 0xdf, 0xc0, 0x4a],
  Array<number>(12).fill(0xff),
].map((bytes) => Buffer.from(bytes))
const DOUBLES = [Number.NaN, Infinity, -1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, 1e300]

/** A copy of a seed with one to three mutations. */
export function mutated(seeds: readonly Buffer[], words: readonly string[], random: Prng): Buffer<ArrayBuffer> {
  let bytes = Buffer.from(seeds[random.int(seeds.length)])
  for (let k = 1 + random.int(3); k > 0; k--)
    bytes = words.length > 0 && random.next() < 0.5 ? reworded(bytes, words, random) : mutate(bytes, seeds, random)
  return bytes
}

function mutate(bytes: Buffer<ArrayBuffer>, seeds: readonly Buffer[], random: Prng): Buffer<ArrayBuffer> {
  // a third of them in the headers and the first records
  const at = random.int(random.next() < 0.3 ? Math.min(120, bytes.length + 1) : bytes.length + 1)
  const length = random.int(16)
  switch (random.int(9)) {
    case 0:
      return spliced(bytes, at, length, Buffer.alloc(0))
    case 1:
      return spliced(bytes, at, 0, bytes.subarray(at, at + 8 * length))
    case 2: {
      const other = seeds[random.int(seeds.length)]
      const from = random.int(other.length)
      return spliced(bytes, at, length, other.subarray(from, from + 4 * length))
    }
    case 3:
      return Buffer.from(bytes.subarray(0, at))
    case 4:
      return withNumber(bytes, at, random)
    case 5:
      for (let i = at; i < Math.min(at + length, bytes.length); i++) bytes[i] = random.int(256)
      return bytes
    case 6:
      return spliced(bytes, at, random.int(3), VARINTS[random.int(VARINTS.length)])
    case 7:
      if (at < bytes.length) bytes[at] += random.next() < 0.5 ? 1 : -1
      return bytes
    default:
      if (at < bytes.length) bytes[at] ^= 1 << random.int(8)
      return bytes
  }
}

function withNumber(bytes: Buffer<ArrayBuffer>, at: number, random: Prng): Buffer<ArrayBuffer> {
  const border = BORDERS[random.int(BORDERS.length)]
  const how = random.int(3)
  if (at + 8 > bytes.length) return bytes
  if (how === 0) bytes.writeUInt32BE(border, at)
  else if (how === 1) bytes.writeUInt32LE(border, at)
  else bytes.writeDoubleLE(DOUBLES[random.int(DOUBLES.length)], at)
  return bytes
}

/** The word, number or mark at `at` becomes another one: such copies get past the parser. */
function reworded(bytes: Buffer<ArrayBuffer>, words: readonly string[], random: Prng): Buffer<ArrayBuffer> {
  let start = random.int(bytes.length + 1)
  while (start > 0 && isWord(bytes[start - 1])) start--
  let end = start
  while (end < bytes.length && isWord(bytes[end])) end++
  const word = Buffer.from(words[random.int(words.length)])
  return spliced(bytes, start, random.next() < 0.8 ? Math.max(1, end - start) : 0, word)
}

function isWord(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === 95
}

function spliced(bytes: Buffer, at: number, removed: number, put: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + removed)])
}
