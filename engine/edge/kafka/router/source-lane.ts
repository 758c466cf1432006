import type { Block } from '../../../model/block.ts'
import { BlockBuilder } from '../../../model/block-builder.ts'
import { EngineError, LogCorrupt } from '../../../model/errors.ts'
import { ROWS_PER_RECORD_MAX, sourceName } from '../../../model/source-position.ts'
import type { Stream } from '../../../model/stream.ts'
import type { Placements, Placing } from '../../../plan/placing.ts'
import type { Feed } from '../fetch/feed.ts'
import type { RecordCursor } from '../fetch/record-cursor.ts'
import type { BadRecord, Decoder } from '../ports.ts'
import { offsetOf } from '../skips.ts'
import type { Lane } from './lane.ts'

/** Decoded at a time: what a lane holds as columns. */
const STAGE_RECORDS = 2_048
const STAGE_BYTES = 1 << 20

export interface SourceId {
  readonly stream: Stream
  readonly topic: string
  /** Absent or empty: not known. */
  readonly topicId?: string
  readonly partition: number
}

/** What happens on the way that is not a row. */
export interface LaneEvents {
  /** A record that is none; `cursor` stands at it. */
  bad(lane: SourceLane, cursor: RecordCursor, why: BadRecord): void
  /** So many records, from offset `from` on, were deleted by the broker before they were read. */
  gap(lane: SourceLane, lostRecords: number, from: number): void
  /** Where to go on behind what cannot be read; null, or absent: nowhere. */
  passes?(lane: SourceLane, fault: LogCorrupt): number | null
  /** Nothing of this partition can be read from here on. */
  stuck(lane: SourceLane, reason: string): void
}

/** Decoded records of one source partition that wait for their turn. */
export interface Staged {
  readonly block: Block
  readonly places: Placements
  /** Bytes of each row's record. */
  readonly sizes: Uint32Array
  /** Oldest time that the broker or the producer gave one of the records, epoch ms; Infinity = none. */
  readonly appendedMs: number
}

/** The partition of a stream's topic: record batches from its feed, decoded into columns a piece at a time. */
export class SourceLane implements SourceId, Lane {
  readonly stream: Stream
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  end: number
  acknowledged: number
  told: number
  committed: number
  /** The next row is `row` of `staged`; null = none is decoded. */
  staged: Staged | null = null
  row = 0
  /** Largest event time routed, epoch ms. */
  clockMs = Number.NEGATIVE_INFINITY
  /** Since when it has been empty with records left at the broker, ms of the merge's clock; null = it is not. */
  hungrySinceMs: number | null = null
  /** Its decoder is not asked before, ms of `performance.now()`: the registry did not answer. */
  askAgainMs = 0
  readonly #feed: Feed
  readonly #decoder: Decoder
  readonly #placing: Placing
  readonly #builder: BlockBuilder
  readonly #sizes = new Uint32Array(STAGE_RECORDS + ROWS_PER_RECORD_MAX)
  /** Of the batch that is being decoded, or broke off; `#atRecord`: its record has been read and not decoded. */
  #cursor: RecordCursor | null = null
  #atRecord = false
  #waiting = false
  #prepared = false
  /** Why nothing of it can be read from here on; null = it can. */
  trouble: string | null = null
  /** What is in the way, where it can be passed over. */
  fault: LogCorrupt | null = null
  #decoded: number

  constructor(id: SourceId, decoder: Decoder, placing: Placing, feed: Feed) {
    this.stream = id.stream
    this.topic = id.topic
    this.topicId = id.topicId ?? ''
    this.partition = id.partition
    this.#decoder = decoder
    this.#placing = placing
    this.#feed = feed
    this.#builder = new BlockBuilder(id.stream, sourceName(id.topic, this.topicId), id.partition)
    this.told = this.acknowledged = this.committed = this.end = this.#decoded = feed.position
  }

  get routed(): number {
    if (this.staged) return Math.floor(this.staged.block.offsets[this.row])
    return this.#cursor ? this.#decoded : Math.max(this.#decoded, this.#feed.position)
  }

  /** Records are left that are not decoded yet, here or at the broker. */
  get isBehind(): boolean {
    const { routed } = this
    return this.#cursor !== null || this.#feed.waitingBytes > 0 || this.end > routed || this.#feed.end > routed
  }

  /** Where reading broke off. */
  get stuckAt(): number {
    return offsetOf(this.fault, this.#feed.position)
  }

  /** Tries once more what could not be read. */
  retry(): void {
    this.trouble = this.fault = null
  }

  close(): void {
    this.#feed.close()
  }

  /**
   * Decodes the next piece if none is staged. A promise where the registry must be asked first: nothing happens before it
   * is settled, then ask again; rejected, ask again later.
   */
  stage(clockMs: number, events: LaneEvents): Promise<void> | null {
    if (this.staged || this.#waiting || this.trouble !== null) return null
    let bytes = 0
    let appendedMs = Number.POSITIVE_INFINITY
    let asked: Promise<void> | null = null
    for (
      let records = 0;
      records < STAGE_RECORDS && this.#builder.length < STAGE_RECORDS && bytes < STAGE_BYTES;
      records++
    ) {
      const cursor = this.#nextRecord(events)
      if (!cursor) break
      const { offset, valueStart: start, valueEnd: end, timestampMs } = cursor
      const value = end < 0 ? null : cursor.bytes
      const size = Math.max(0, end - start)
      asked = this.#prepared ? null : this.#decoder.prepare(value, start, end)
      if (asked) break
      this.#prepared = false
      this.#atRecord = false
      const before = this.#builder.length
      const bad = this.#decoder.decode(value, start, end, this.#builder, offset, clockMs)
      if (bad) events.bad(this, cursor, bad)
      const rows = this.#builder.length - before
      if (rows > 0) this.#sizes.fill(size / rows, before, before + rows)
      bytes += size
      if (timestampMs >= 0 && timestampMs < appendedMs) appendedMs = timestampMs
      this.#decoded = offset + 1
    }
    this.#close(appendedMs)
    return asked && this.#prepare(asked)
  }

  #close(appendedMs: number): void {
    if (this.#builder.length === 0) return
    const sizes = this.#sizes.slice(0, this.#builder.length)
    const block = this.#builder.build()
    this.staged = { block, places: this.#placing.of(block), sizes, appendedMs }
    this.row = 0
    this.hungrySinceMs = null
  }

  /** The cursor, standing at a record that is not decoded yet; null where none is here. */
  #nextRecord(events: LaneEvents): RecordCursor | null {
    if (this.#atRecord) return this.#cursor
    try {
      for (;;) {
        this.#cursor ??= this.#feed.take()?.cursor() ?? null
        if (!this.#cursor) return null
        if (this.#cursor.next()) {
          this.#atRecord = true
          return this.#cursor
        }
        this.#cursor = null
      }
    } catch (error) {
      this.#failed(error, events)
      return null
    }
  }

  #failed(error: unknown, events: LaneEvents): void {
    if (!(error instanceof EngineError)) throw error
    const { position, logStart } = this.#feed
    if (error.code === 'LOG_GAP' && logStart > position) {
      events.gap(this, logStart - position, position)
      this.#feed.seek(logStart)
      return
    }
    const next = error instanceof LogCorrupt ? (events.passes?.(this, error) ?? null) : null
    if (next !== null) {
      this.#cursor = null
      this.#feed.seek(next)
      return
    }
    this.trouble = error.message
    this.fault = error instanceof LogCorrupt ? error : null
    events.stuck(this, error.message)
  }

  /** An id that nobody knows is asked for with each record: once is enough. */
  async #prepare(asked: Promise<void>): Promise<void> {
    this.#waiting = true
    try {
      await asked
      this.#prepared = true
    } finally {
      this.#waiting = false
    }
  }
}
