import { EngineError } from '../../../model/errors.ts'
import type { AbortedTransaction } from './aborted.ts'
import type { Broker } from './cluster.ts'
import { decodeById, encodeById, VERSION_BY_ID } from './fetch-by-id.ts'
import { byTopic, type Encoded, Reader, send, speaks } from './protocol.ts'

const FETCH = 1
const VERSION = 11
const READ_COMMITTED = 1

export interface WantedPart {
  readonly topic: string
  /** The topic's id: another topic of that name is not read. Empty = whatever has the name. */
  readonly topicId?: string
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
 * One read-committed fetch, without a session, of one broker: of version 13 where all topics have ids and the broker knows
 * them, else 11. Partitions are served in the given order until `bytesMax`. Two at a time on one broker are not allowed until
 * one has been answered: kafkajs would open the connection twice. Errors: kafkajs's own; LOG_BUSY for a broker that has other
 * versions or sends an answer that is none.
 */
export function fetchRaw(broker: Broker, parts: readonly WantedPart[], limits: FetchLimits): Promise<FetchAnswer> {
  if (parts.every(({ topicId }) => topicId) && speaks(broker, FETCH, VERSION_BY_ID)) {
    const exchange = { encode: () => encodeById(parts, limits), decode: (bytes: Buffer) => decodeById(bytes, parts) }
    return send(broker, { apiKey: FETCH, apiVersion: VERSION_BY_ID, apiName: 'Fetch' }, exchange)
  }
  return send(
    broker,
    { apiKey: FETCH, apiVersion: VERSION, apiName: 'Fetch' },
    { encode: () => encode(parts, limits), decode },
  )
}

/** As kafkajs's own encoder shows it to what sends it. */
export function encode(parts: readonly WantedPart[], { waitMsMax, bytesMax }: FetchLimits): Encoded {
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

/** `clientSideThrottleTime` is where kafkajs looks for it. EngineError LOG_BUSY. */
export function decode(bytes: Buffer): FetchAnswer & { clientSideThrottleTime: number } {
  const reader = new Reader(bytes, 'a fetch')
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
    100: 'the topic was deleted, or made again under its name',
    103: 'the topic was deleted, or made again under its name',
  }
  return known[code] ?? `error ${code} of the broker`
}
