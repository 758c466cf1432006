import { EngineError } from '../../../model/errors.ts'
import type { AbortedTransaction } from './aborted.ts'
import type { FetchAnswer, FetchedPart, FetchLimits, WantedPart } from './fetch-request.ts'
import { byTopic, type Encoded, Reader, Writer } from './protocol.ts'

/** Fetch names topics by id since this version (Kafka 3.1): it never reads another topic that has got the name. */
export const VERSION_BY_ID = 13

/** As `encode`, of the version that names topics by their ids. */
export function encodeById(parts: readonly WantedPart[], { waitMsMax, bytesMax }: FetchLimits): Encoded {
  const out = new Writer().noTags()
  out.int32(-1).int32(waitMsMax).int32(1).int32(bytesMax).int8(1) // no replica, bytes to wait for, read-committed
  out.int32(0).int32(-1) // no session
  const groups = byTopic(parts)
  out.count(groups.length)
  for (const group of groups) {
    out.uuid(group[0].topicId!).count(group.length)
    for (const { partition, offset, bytesMax: partBytesMax } of group) {
      out.int32(partition).int32(-1).int64(offset).int32(-1).int64(-1).int32(partBytesMax).noTags() // any epochs
    }
    out.noTags()
  }
  return out.count(0).text('').noTags().finish() // no topics to forget, no rack
}

/** As `decode`. `wanted`: what was asked for, for the names. */
export function decodeById(
  bytes: Buffer,
  wanted: readonly WantedPart[],
): FetchAnswer & { clientSideThrottleTime: number } {
  const names = new Map(wanted.map(({ topicId, topic }) => [topicId, topic]))
  const reader = new Reader(bytes, 'a fetch')
  reader.skipTags()
  const throttleMs = reader.int32()
  const errorCode = reader.int16()
  if (errorCode !== 0) throw new EngineError('LOG_BUSY', `the broker refuses to be read from: error ${errorCode}`)
  reader.int32() // session
  const parts: FetchedPart[] = []
  for (let topics = reader.compactCount(); topics > 0; topics--) {
    const topic = names.get(reader.uuid()) ?? ''
    for (let partitions = reader.compactCount(); partitions > 0; partitions--) parts.push(part(reader, topic))
    reader.skipTags()
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
  for (let left = reader.compactCount(); left > 0; left--) {
    aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() })
    reader.skipTags()
  }
  reader.int32() // the replica to read from, which is for readers that name a rack
  const records = reader.bytes(reader.compactCount())
  reader.skipTags()
  return { topic, partition, errorCode, highWatermark, lastStableOffset, logStart, aborted, records }
}
