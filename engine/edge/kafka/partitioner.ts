import { type ICustomPartitioner, Partitioners } from 'kafkajs'

/**
 * Where kafkajs and Java's clients put a record: by murmur2 of its key; those without a key go round. kafkajs computes it
 * with numbers that grow with the key: 100 kB take it a second, 500 kB more than a minute, of the only thread that there is.
 */
export const byKey: ICustomPartitioner = () => {
  const round = Partitioners.DefaultPartitioner()
  return (args) => {
    const { key, partition } = args.message
    if (key === null || key === undefined || (partition !== null && partition !== undefined)) return round(args)
    return (murmur2(Buffer.isBuffer(key) ? key : Buffer.from(key)) & 0x7fffffff) % args.partitionMetadata.length
  }
}

/** 32 bits, as Kafka's own clients compute it: `org.apache.kafka.common.utils.Utils.murmur2`. */
function murmur2(bytes: Uint8Array): number {
  const whole = bytes.length & ~3
  let hash = SEED ^ bytes.length
  for (let at = 0; at < whole; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    const mixed = Math.imul(word, M)
    hash = Math.imul(hash, M) ^ Math.imul(mixed ^ (mixed >>> 24), M)
  }
  if (whole < bytes.length) {
    for (let at = bytes.length - 1; at >= whole; at--) hash ^= bytes[at] << (8 * (at - whole))
    hash = Math.imul(hash, M)
  }
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}

const SEED = 0x9747b28c
const M = 0x5bd1e995
