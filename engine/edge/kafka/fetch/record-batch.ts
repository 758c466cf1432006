import { LogCorrupt } from '../../../model/errors.ts'
import { CODECS, decompress } from './codecs.ts'
import { crc32c } from './crc32c.ts'
import { type CursorSource, RecordCursor } from './record-cursor.ts'

export type { RecordCursor, RecordHeader } from './record-cursor.ts'

/** More than this of decompressed records in one batch is taken for an attack. Brokers take 1 MiB of compressed ones. */
export const UNPACKED_BYTES_MAX = 128 << 20

const LENGTH_AT = 8
/** What the length counts is behind it. */
const LENGTH_END = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const RECORDS_AT = 61
/** The shortest of any version: up to the magic byte and the rest of an empty message. */
const OLD_BYTES_MIN = 26

/** Where the batch at `at` ends; -1 when it does not end in these bytes. LogCorrupt when its length is none. */
export function batchEnd(bytes: Buffer, at: number, place = ''): number {
  if (at + LENGTH_END > bytes.length) return -1
  const end = at + LENGTH_END + bytes.readInt32BE(at + LENGTH_AT)
  if (end < at + OLD_BYTES_MIN) throw new LogCorrupt(`a batch of ${end - at} bytes`, place)
  return end > bytes.length ? -1 : end
}

/** Its last offset, from a header that nothing was checked of yet. */
export function lastOffsetOf(bytes: Buffer, at: number, end: number): number {
  const base = int64(bytes, at)
  return bytes[at + MAGIC_AT] < 2 || end - at < RECORDS_AT ? base : base + bytes.readInt32BE(at + 23)
}

/**
 * A record batch, version 2 (the only one since Kafka 0.11), as it lies in the bytes of a fetch: its header and its CRC are
 * checked when it is made, its records are decompressed by `unpack` or the first `cursor`.
 */
export class RecordBatch implements CursorSource {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestampMs: number
  /** A transaction's end, not data. */
  readonly isControl: boolean
  readonly isTransactional: boolean
  /** -1 = neither idempotent nor transactional. */
  readonly producerId: number
  /** Records that it holds: fewer than offsets where the log was compacted. */
  readonly count: number
  /** As it lies in the log. */
  readonly sizeBytes: number
  /** What made it unreadable, if somebody found out. */
  fault: LogCorrupt | null = null

  readonly #place: string
  readonly #stored: Buffer
  readonly #attributes: number
  readonly #baseMs: number
  #unpacked: Buffer | null = null
  #firstWanted = -1

  /** The whole batch `bytes[at..end)`, `end` by `batchEnd`. `place` names the partition in errors. LogCorrupt. */
  constructor(bytes: Buffer, at: number, end: number, place = '') {
    this.#place = place
    this.sizeBytes = end - at
    this.baseOffset = int64(bytes, at)
    this.lastOffset = lastOffsetOf(bytes, at, end)
    const magic = bytes[at + MAGIC_AT]
    if (magic < 2) throw this.corrupt(`message format ${magic}, which Kafka 3 and later no longer write, is not read`)
    if (magic > 2) throw this.corrupt(`message format ${magic} is unknown`)
    if (this.sizeBytes < RECORDS_AT) throw this.corrupt(`a batch of ${this.sizeBytes} bytes`)
    const crc = crc32c(bytes, at + ATTRIBUTES_AT, end)
    if (crc !== bytes.readUInt32BE(at + CRC_AT)) throw this.corrupt('the checksum (CRC-32C) is wrong')
    this.#attributes = bytes.readInt16BE(at + ATTRIBUTES_AT)
    this.#baseMs = int64(bytes, at + 27)
    this.maxTimestampMs = int64(bytes, at + 35)
    this.producerId = int64(bytes, at + 43)
    this.count = bytes.readInt32BE(at + 57)
    this.isTransactional = (this.#attributes & 16) !== 0
    this.isControl = (this.#attributes & 32) !== 0
    this.#stored = bytes.subarray(at + RECORDS_AT, end)
    if (!(this.baseOffset >= 0 && this.lastOffset >= this.baseOffset && this.lastOffset < 2 ** 53))
      throw this.corrupt('offsets that are none')
    if (this.count < 0 || this.count > this.lastOffset - this.baseOffset + 1)
      throw this.corrupt(`${this.count} records`)
  }

  /** Decompresses the records, once. LogCorrupt. */
  unpack(bytesMax = UNPACKED_BYTES_MAX): Buffer {
    if (this.#unpacked) return this.#unpacked
    try {
      // an empty one, left by compaction, says a codec that compressed nothing
      this.#unpacked = this.count === 0 ? this.#stored : decompress(this.#attributes & 7, this.#stored, bytesMax)
    } catch (error) {
      throw this.corrupt((error as LogCorrupt).reason, error)
    }
    return this.#unpacked
  }

  /** From now on cursors begin at the first record of `offset` or later. False if there is none. LogCorrupt. */
  beginAt(offset: number): boolean {
    this.#firstWanted = offset
    return offset > this.baseOffset ? this.cursor().next() : this.count > 0
  }

  /** At its first record, or the one of `beginAt`. Decompresses where nobody did. LogCorrupt. */
  cursor(): RecordCursor {
    const appendedMs = this.#attributes & 8 ? this.maxTimestampMs : Number.NaN
    const cursor = new RecordCursor(this, this.unpack(), { baseMs: this.#baseMs, appendedMs })
    if (this.#firstWanted > this.baseOffset) cursor.skipTo(this.#firstWanted)
    return cursor
  }

  /** What a control batch says of its producer's transaction; null for other batches and other marks. LogCorrupt. */
  marker(): 'abort' | 'commit' | null {
    if (!this.isControl || this.count === 0) return null
    const cursor = this.cursor()
    cursor.next()
    if (cursor.keyEnd - cursor.keyStart < 4) throw this.corrupt('a control record without a type')
    const type = cursor.bytes.readInt16BE(cursor.keyStart + 2) // after a version
    return type === 0 ? 'abort' : type === 1 ? 'commit' : null
  }

  /** Notes that it cannot be read: for its cursors. */
  corrupt(reason: string, cause?: unknown): LogCorrupt {
    this.fault ??= new LogCorrupt(reason, this.#place, this.baseOffset, this.lastOffset, cause)
    return this.fault
  }

  /** `none`, `gzip`, `snappy`, `lz4`, `zstd`. */
  get codec(): string {
    return CODECS[this.#attributes & 7] ?? `${this.#attributes & 7}`
  }
}

/** Exact below 2^53 in size: offsets, times, producer ids. */
function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)
}
