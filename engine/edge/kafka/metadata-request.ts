import type { Broker } from './fetch/cluster.ts'

const METADATA = 3
/** The first that tells what the one who asks may do. */
const VERSION = 8

/** Bits of the protocol's `authorized_operations`, by their names in ACLs. */
const BITS = { Read: 3, Write: 4, Create: 5, Delete: 6, Describe: 8, DescribeConfigs: 10 } as const
export type Operation = keyof typeof BITS

export interface TopicRights {
  /** The protocol's; 0 = the topic is there. */
  readonly errorCode: number
  readonly allowed: ReadonlySet<Operation>
}

/** What we may do with each of `topics`, there or not. Null where the broker is too old to tell. Errors: kafkajs's. */
export async function askRights(
  broker: Broker,
  topics: readonly string[],
): Promise<ReadonlyMap<string, TopicRights> | null> {
  const { minVersion, maxVersion } = broker.versions[METADATA]
  if (minVersion > VERSION || maxVersion < VERSION) return null
  return (await broker.connectionPool.send({
    request: { apiKey: METADATA, apiVersion: VERSION, apiName: 'Metadata', encode: async () => encode(topics) },
    response: { decode: async (bytes: Buffer) => decode(bytes), parse: async (answer: object) => answer },
  })) as ReadonlyMap<string, TopicRights>
}

function encode(topics: readonly string[]): { buf: Buffer; buffer: Buffer } {
  const names = topics.flatMap((topic) => {
    const size = Buffer.alloc(2)
    size.writeInt16BE(Buffer.byteLength(topic))
    return [size, Buffer.from(topic)]
  })
  const count = Buffer.alloc(4)
  count.writeInt32BE(topics.length)
  const flags = Buffer.from([0, 0, 1]) // create nothing; tell nothing of the cluster; tell of topics
  const out = Buffer.concat([count, ...names, flags])
  return { buf: out, buffer: out }
}

function decode(bytes: Buffer): ReadonlyMap<string, TopicRights> {
  let at = 4 // throttle time
  const move = (size: number) => {
    at += size
    return at - size
  }
  const int16 = () => bytes.readInt16BE(move(2))
  const int32 = () => bytes.readInt32BE(move(4))
  const text = () => {
    const length = int16()
    const from = move(Math.max(0, length))
    return bytes.toString('utf8', from, at)
  }
  const ids = () => move(4 * Math.max(0, int32()))
  for (let brokers = int32(); brokers > 0; brokers--) {
    int32()
    text()
    int32()
    text() // rack
  }
  text() // cluster
  int32() // controller
  const found = new Map<string, TopicRights>()
  for (let topics = int32(); topics > 0; topics--) {
    const errorCode = int16()
    const name = text()
    move(1) // internal
    for (let partitions = int32(); partitions > 0; partitions--) {
      move(2 + 4 + 4 + 4) // error, index, leader, epoch
      ids()
      ids()
      ids()
    }
    const bits = int32()
    const allowed = (Object.keys(BITS) as Operation[]).filter((operation) => (bits >> BITS[operation]) & 1)
    found.set(name, { errorCode, allowed: new Set(allowed) })
  }
  return found
}
