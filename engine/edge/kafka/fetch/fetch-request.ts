import { EngineError } from '../../../model/errors.ts'
import type { AbortedTransaction } from './aborted.ts'
import type { Broker } from './cluster.ts'

const FETCH = 1
const VERSION = 11
const READ_COMMITTED = 1
const LOST: readonly string[] = ['KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError']

export interface WantedPart {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** The broker sends more where one batch is larger, and only that one. */
  readonly bytesMax: number
}

export interface FetchedPart {
  readonly topic: string
  readonly partition: number
  /** The protocol's; 0 = none. */
  readonly errorCode: number
  /** These three are -1 where the error left them unknown. */
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStart: number
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches from the one that holds the offset on, the last perhaps cut short; a view of the whole answer. */
  readonly records: Buffer
}

export interface FetchAnswer {
  /** What the broker asks this connection to wait, which kafkajs does before it sends the next request. */
  readonly throttleMs: number
  readonly sizeBytes: number
  readonly parts: readonly FetchedPart[]
}

export interface FetchLimits {
  /** The broker answers at once when it has anything, and else after this. */
  readonly waitMsMax: number
  readonly bytesMax: number
}

/**
 * One read-committed fetch of version 11, without a session, of one broker. Partitions are served in the given order until
 * `bytesMax`. Two at a time on one broker are not allowed until one has been answered: kafkajs would open the connection
 * twice. Errors: kafkajs's own; LOG_BUSY for a broker that has another version or sends an answer that is none.
 */
export async function fetchRaw(
  broker: Broker,
  parts: readonly WantedPart[],
  limits: FetchLimits,
): Promise<FetchAnswer> {
  const { minVersion, maxVersion } = broker.versions[FETCH]
  if (minVersion > VERSION || maxVersion < VERSION)
    throw new EngineError('LOG_BUSY', `the broker speaks Fetch ${minVersion} to ${maxVersion}, not ${VERSION}`)
  try {
    return (await broker.connectionPool.send({
      request: { apiKey: FETCH, apiVersion: VERSION, apiName: 'Fetch', encode: async () => encode(parts, limits) },
      response: { decode: async (bytes: Buffer) => decode(bytes), parse: async (answer: FetchAnswer) => answer },
    })) as FetchAnswer
  } catch (error) {
    if (LOST.includes((error as Error).name)) await broker.disconnect() // as kafkajs does; else it goes on with a dead socket
    throw error
  }
}

/** As kafkajs's own encoder shows it to what sends it. */
export function encode(
  parts: readonly WantedPart[],
  { waitMsMax, bytesMax }: FetchLimits,
): { buf: Buffer; buffer: Buffer } {
  const groups = byTopic(parts)
  const size = groups.reduce((sum, group) => sum + 6 + Buffer.byteLength(group[0].topic) + 28 * group.length, 35)
  const out = Buffer.allocUnsafe(size)
  let at = out.writeInt32BE(-1, 0) // no replica
  at = out.writeInt32BE(waitMsMax, at)
  at = out.writeInt32BE(1, at) // bytes to wait for
  at = out.writeInt32BE(bytesMax, at)
  at = out.writeInt8(READ_COMMITTED, at)
  at = out.writeInt32BE(0, at) // no session
  at = out.writeInt32BE(-1, at)
  at = out.writeInt32BE(groups.length, at)
  for (const group of groups) {
    const { topic } = group[0]
    at = out.writeInt16BE(Buffer.byteLength(topic), at)
    at += out.write(topic, at)
    at = out.writeInt32BE(group.length, at)
    for (const { partition, offset, bytesMax: partBytesMax } of group) {
      at = out.writeInt32BE(partition, at)
      at = out.writeInt32BE(-1, at) // any epoch of the leader
      at = out.writeBigInt64BE(BigInt(offset), at)
      at = out.writeBigInt64BE(-1n, at) // a follower's first offset
      at = out.writeInt32BE(partBytesMax, at)
    }
  }
  at = out.writeInt32BE(0, at) // no topics to forget
  out.writeInt16BE(0, at) // no rack
  return { buf: out, buffer: out }
}

/** Neighbours of one topic together: the broker serves them in this order. */
function byTopic(parts: readonly WantedPart[]): WantedPart[][] {
  const groups: WantedPart[][] = []
  for (const part of parts) {
    const last = groups.at(-1)
    if (last && last[0].topic === part.topic) last.push(part)
    else groups.push([part])
  }
  return groups
}

/** `clientSideThrottleTime` is where kafkajs looks for it. EngineError LOG_BUSY. */
export function decode(bytes: Buffer): FetchAnswer & { clientSideThrottleTime: number } {
  const reader = new Reader(bytes)
  const throttleMs = reader.int32()
  const errorCode = reader.int16()
  if (errorCode !== 0) throw new EngineError('LOG_BUSY', `the broker refuses to be read from: error ${errorCode}`)
  reader.int32() // session
  const parts: FetchedPart[] = []
  for (let topics = reader.count(); topics > 0; topics--) {
    const topic = reader.text()
    for (let partitions = reader.count(); partitions > 0; partitions--) parts.push(part(reader, topic))
  }
  return { throttleMs, clientSideThrottleTime: throttleMs, sizeBytes: bytes.length, parts }
}

function part(reader: Reader, topic: string): FetchedPart {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = reader.int64()
  const lastStableOffset = reader.int64()
  const logStart = reader.int64()
  const aborted: AbortedTransaction[] = []
  for (let left = reader.count(); left > 0; left--)
    aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() })
  reader.int32() // the replica to read from, which is for readers that name a rack
  const records = reader.bytes(reader.int32())
  return { topic, partition, errorCode, highWatermark, lastStableOffset, logStart, aborted, records }
}

/** The protocol's errors that a fetch can meet, as one line. */
export function faultOf(code: number): string {
  const known: Readonly<Record<number, string>> = {
    1: 'the offset is not in the log',
    3: 'no such topic or partition',
    5: 'it has no leader',
    6: 'another broker leads it now',
    29: 'reading the topic is not allowed',
  }
  return known[code] ?? `error ${code} of the broker`
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#move(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#move(4))
  }

  int64(): number {
    return this.int32() * 2 ** 32 + (this.int32() >>> 0)
  }

  /** Of an array: null is empty. Whatever it says, an item takes bytes, so the end comes first. */
  count(): number {
    return Math.max(0, this.int32())
  }

  text(): string {
    return this.bytes(this.int16()).toString()
  }

  bytes(length: number): Buffer {
    const size = Math.max(0, length)
    const from = this.#move(size)
    return this.#bytes.subarray(from, from + size)
  }

  #move(size: number): number {
    const from = this.#at
    this.#at += size
    if (this.#at > this.#bytes.length) throw new EngineError('LOG_BUSY', 'the broker sent a fetch that is cut short')
    return from
  }
}
