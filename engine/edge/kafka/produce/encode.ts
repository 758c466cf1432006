import type { Message } from 'kafkajs'
import { crc32c } from '../fetch/crc32c.ts'
import { varintSize, writeVarint } from './varint.ts'

/** What kafkajs's producers give to a broker object, as far as it is written. */
export interface ProduceRequest {
  readonly topicData: readonly { readonly topic: string; readonly partitions: readonly ProducePart[] }[]
  readonly transactionalId?: string
  /** Kafkajs's 64-bit integer. */
  readonly producerId: { toString(): string }
  readonly producerEpoch: number
  readonly acks: number
  /** ms */
  readonly timeout: number
}
export interface ProducePart {
  readonly partition: number
  readonly firstSequence: number
  readonly messages: readonly Message[]
}

interface Field {
  readonly key: Buffer
  readonly value: Buffer | null
}
/** A message whose texts are bytes. */
interface Prepared {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Field[]
  readonly timestampMs: number
  /** Of its record, without the length in front. */
  bodyBytes: number
}
interface Batch {
  readonly records: readonly Prepared[]
  readonly oldestMs: number
  readonly bytes: number
}

const MAGIC = 2
const IN_TRANSACTION = 16
/** From the base offset to the number of records. */
const HEADER_BYTES = 61
const LENGTH_AT = 8
const CRC_AT = 17
const CHECKED_FROM = 21

/**
 * The body of a Produce request, versions 3 to 7: one record batch (magic 2, not compressed) a partition. All is measured
 * first and then written once into a buffer of that size, where kafkajs's own encoder makes buffers of records, batches and
 * topics and copies each into the next. https://kafka.apache.org/documentation/#recordbatch
 */
export function encodeProduce(request: ProduceRequest, nowMs: number): Buffer {
  const { topicData, transactionalId, producerId, producerEpoch, acks, timeout } = request
  const id = transactionalId === undefined ? null : Buffer.from(transactionalId)
  const topics = topicData.map(({ topic, partitions }) => ({
    name: Buffer.from(topic),
    parts: partitions.map((part) => ({ ...part, batch: prepared(part.messages, nowMs) })),
  }))
  let size = 2 + (id?.length ?? 0) + 2 + 4 + 4
  for (const { name, parts } of topics)
    size += 2 + name.length + 4 + parts.reduce((sum, { batch }) => sum + 8 + batch.bytes, 0)
  const out = Buffer.allocUnsafe(size)
  let at = writeText(out, id, 0)
  at = out.writeInt16BE(acks, at)
  at = out.writeInt32BE(timeout, at)
  at = out.writeInt32BE(topics.length, at)
  for (const { name, parts } of topics) {
    at = writeText(out, name, at)
    at = out.writeInt32BE(parts.length, at)
    for (const { partition, firstSequence, batch } of parts) {
      at = out.writeInt32BE(partition, at)
      at = out.writeInt32BE(batch.bytes, at)
      const attributes = id === null ? 0 : IN_TRANSACTION
      at = writeBatch(out, at, batch, { attributes, producerId: String(producerId), producerEpoch, firstSequence })
    }
  }
  return out
}

function writeText(out: Buffer, text: Buffer | null, at: number): number {
  const behind = out.writeInt16BE(text === null ? -1 : text.length, at)
  return text === null ? behind : behind + text.copy(out, behind)
}

function prepared(messages: readonly Message[], nowMs: number): Batch {
  const records = messages.map(({ key, value, headers = {}, timestamp }): Prepared => {
    const fields = Object.entries(headers).flatMap(([name, given]) =>
      (Array.isArray(given) ? given : [given]).map((one) => ({ key: Buffer.from(name), value: utf8Of(one) })),
    )
    const timestampMs = timestamp === undefined ? nowMs : Number(timestamp)
    return { key: utf8Of(key), value: utf8Of(value), headers: fields, timestampMs, bodyBytes: 0 }
  })
  const oldestMs = records.reduce((oldest, { timestampMs }) => Math.min(oldest, timestampMs), Number.POSITIVE_INFINITY)
  let bytes = HEADER_BYTES
  records.forEach((record, i) => {
    record.bodyBytes =
      1 + // attributes
      varintSize(record.timestampMs - oldestMs) +
      varintSize(i) +
      sizeOf(record.key) +
      sizeOf(record.value) +
      varintSize(record.headers.length) +
      record.headers.reduce((sum, { key, value }) => sum + sizeOf(key) + sizeOf(value), 0)
    bytes += varintSize(record.bodyBytes) + record.bodyBytes
  })
  return { records, oldestMs, bytes }
}

function sizeOf(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length
}

function writeBatch(
  out: Buffer,
  start: number,
  { records, oldestMs, bytes }: Batch,
  numbers: { attributes: number; producerId: string; producerEpoch: number; firstSequence: number },
): number {
  const newestMs = records.reduce((newest, { timestampMs }) => Math.max(newest, timestampMs), oldestMs)
  let at = out.writeBigInt64BE(0n, start) // base offset: the broker's
  at = out.writeInt32BE(bytes - LENGTH_AT - 4, at)
  at = out.writeInt32BE(0, at) // leader epoch: the broker's
  at = out.writeInt8(MAGIC, at)
  at = start + CHECKED_FROM
  at = out.writeInt16BE(numbers.attributes, at)
  at = out.writeInt32BE(records.length - 1, at)
  at = out.writeBigInt64BE(BigInt(oldestMs), at)
  at = out.writeBigInt64BE(BigInt(newestMs), at)
  at = out.writeBigInt64BE(BigInt(numbers.producerId), at)
  at = out.writeInt16BE(numbers.producerEpoch, at)
  at = out.writeInt32BE(numbers.firstSequence, at)
  at = out.writeInt32BE(records.length, at)
  records.forEach(({ key, value, headers, timestampMs, bodyBytes }, i) => {
    at = writeVarint(out, bodyBytes, at)
    out[at++] = 0 // attributes
    at = writeVarint(out, timestampMs - oldestMs, at)
    at = writeVarint(out, i, at)
    at = writeBytes(out, key, at)
    at = writeBytes(out, value, at)
    at = writeVarint(out, headers.length, at)
    for (const header of headers) at = writeBytes(out, header.value, writeBytes(out, header.key, at))
  })
  out.writeUInt32BE(crc32c(out, start + CHECKED_FROM, at), start + CRC_AT)
  return at
}

function writeBytes(out: Buffer, bytes: Buffer | null, at: number): number {
  const behind = writeVarint(out, bytes === null ? -1 : bytes.length, at)
  return bytes === null ? behind : behind + bytes.copy(out, behind)
}

/** The bytes of a text or of bytes; null stays null. */
function utf8Of(value: Buffer | string | null | undefined): Buffer | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? Buffer.from(value) : value
}
