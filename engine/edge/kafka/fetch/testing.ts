import { crc32c } from './crc32c.ts'
import { FeedState } from './feed.ts'
import type { FetchedPart } from './fetch-request.ts'

export interface TestRecord {
  readonly key?: string | null
  readonly value?: string | Buffer | null
  readonly headers?: Readonly<Record<string, string>>
  /** Epoch ms; default 0. */
  readonly timestampMs?: number
}

const CONTROL = 48

/** A record batch, version 2, not compressed, as a broker keeps it: records of consecutive offsets from `baseOffset` on. */
export function batchBytes(baseOffset: number, records: readonly TestRecord[], attributes = 0): Buffer {
  const body = Buffer.concat(records.map(recordBytes))
  const bytes = Buffer.alloc(61 + body.length)
  bytes.writeBigInt64BE(BigInt(baseOffset), 0)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt8(2, 16)
  bytes.writeInt16BE(attributes, 21)
  bytes.writeInt32BE(records.length - 1, 23)
  bytes.writeBigInt64BE(BigInt(Math.max(0, ...records.map(({ timestampMs = 0 }) => timestampMs))), 35)
  bytes.writeBigInt64BE(-1n, 43)
  bytes.writeInt32BE(records.length, 57)
  body.copy(bytes, 61)
  return sealed(bytes)
}

/** The end of a transaction: one offset that holds no data. */
export function controlBytes(offset: number): Buffer {
  const bytes = batchBytes(offset, [{ key: '\u0000\u0000\u0000\u0001', value: '' }], CONTROL)
  return bytes
}

/** The batch with its checksum put right. */
export function sealed(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32c(bytes, 21, bytes.length), 17)
  return bytes
}

/** A feed that no fetcher fills: `push` brings bytes, and moves its end behind `lastOffset`. */
export class TestFeed extends FeedState {
  constructor(from: number, topic = 'orders', partition = 0) {
    super(topic, partition, from, () => {})
    this.heard({ end: from })
  }

  push(lastOffset: number, ...batches: readonly Buffer[]): void {
    this.heard({ end: lastOffset + 1, records: Buffer.concat(batches) })
  }

  /** What a broker answers. */
  heard({ end, records = Buffer.alloc(0), logStart = 0 }: { end: number; records?: Buffer; logStart?: number }): void {
    const { topic, partition } = this
    const common = { topic, partition, errorCode: 0, aborted: [] }
    const part: FetchedPart = { ...common, highWatermark: end, lastStableOffset: end, logStart, records }
    this.receive(part, true, 0)
  }
}

function recordBytes({ key = null, value = null, headers = {}, timestampMs = 0 }: TestRecord, index: number): Buffer {
  const names = Object.entries(headers)
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(timestampMs),
    varint(index),
    sized(key),
    sized(value),
    varint(names.length),
    ...names.flatMap(([name, text]) => [sized(name), sized(text)]),
  ])
  return Buffer.concat([varint(body.length), body])
}

function sized(text: string | Buffer | null): Buffer {
  if (text === null) return varint(-1)
  const bytes = Buffer.from(text)
  return Buffer.concat([varint(bytes.length), bytes])
}

/** Zigzag. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}
