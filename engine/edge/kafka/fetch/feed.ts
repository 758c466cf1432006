import { type EngineError, LogCorrupt } from '../../../model/errors.ts'
import { AbortedFilter } from './aborted.ts'
import type { FetchedPart } from './fetch-request.ts'
import { batchEnd, lastOffsetOf, RecordBatch } from './record-batch.ts'

/** One partition, read from an offset on. */
export interface Feed {
  readonly topic: string
  readonly partition: number
  /** The next offset that `take` can give: what is not given is passed over, so at the end it equals `end`. */
  readonly position: number
  /** Everything below has been received. */
  readonly fetched: number
  /** As last heard; NaN before the first answer. `end` is the last stable offset: nothing from there on is given yet. */
  readonly end: number
  readonly highWatermark: number
  readonly logStart: number
  /** Of what was received and not taken yet, as it lies in the log. */
  readonly waitingBytes: number
  /** Why nothing comes just now, as one line: it is tried again. Null = all is well. */
  readonly trouble: string | null
  /**
   * The next batch that has data records at `position` or later, its cursors beginning there; null = nothing waits.
   * Errors, thrown again until `seek`: LOG_GAP where the offset is not in the log (any more); LOG_CORRUPT where a batch
   * cannot be read, also when its cursor found that out.
   */
  take(): RecordBatch | null
  /** Reads from `offset` on, and forgets what was received and what failed. */
  seek(offset: number): void
  close(): void
}

interface Chunk {
  readonly bytes: Buffer
  readonly filter: AbortedFilter
  at: number
}

/** The end of the log must look reached for so long before a gap in it is believed: a broker that just began says less. */
const GAP_MS_MIN = 1_000

/** A feed's memory: what its fetcher brings in, and what `take` makes of it. */
export class FeedState implements Feed {
  readonly topic: string
  readonly partition: number
  readonly place: string
  end = Number.NaN
  highWatermark = Number.NaN
  logStart = Number.NaN
  trouble: string | null = null
  waitingBytes = 0
  fetched: number
  /** Counts seeks, and closing: an answer to an older request is thrown away. */
  epoch = 0
  closed = false
  failure: EngineError | null = null
  /** What `fetched` cannot be read for: thrown when all that waits before it is taken. */
  #ahead: EngineError | null = null

  readonly #changed: () => void
  #position: number
  #chunks: Chunk[] = []
  /** Behind the filter, not taken yet. */
  #next: RecordBatch | null = null
  #taken: RecordBatch | null = null
  /** What waits ends in bytes that are no batch: nothing can be fetched behind them. */
  #stuck = false
  /** Since when nothing was found between `fetched` and `end`. */
  #emptySinceMs = Number.NaN

  /** `changed`: it may want to be fetched, or never again. */
  constructor(topic: string, partition: number, from: number, changed: () => void) {
    this.topic = topic
    this.partition = partition
    this.place = `${topic}/${partition}`
    this.fetched = this.#position = from
    this.#changed = changed
  }

  get position(): number {
    this.#peek()
    if (this.#next) return Math.max(this.#position, this.#next.baseOffset)
    return this.#position
  }

  /** Whether a fetch may ask for it. */
  wants(bufferBytes: number): boolean {
    return !this.closed && (this.failure ?? this.#ahead) === null && !this.#stuck && this.waitingBytes < bufferBytes
  }

  take(): RecordBatch | null {
    if (this.#taken?.fault) this.failure ??= this.#taken.fault
    for (;;) {
      this.#peek()
      const batch = this.#next
      if (this.failure) throw this.failure
      if (!batch && this.#ahead) throw this.#ahead
      if (!batch) return null
      const from = this.#position
      this.#catching(() => {
        batch.unpack()
        if (batch.beginAt(from)) this.#taken = batch
      })
      if (this.failure) continue
      this.#drop(batch)
      if (this.#taken === batch) return batch
    }
  }

  seek(offset: number): void {
    this.#forget()
    this.fetched = this.#position = offset
    this.failure = this.#ahead = null
    this.#changed()
  }

  close(): void {
    if (this.closed) return
    this.#forget()
    this.closed = true
    this.#changed()
  }

  /**
   * Takes in what a fetch from `fetched` brought. True when that is news. `complete`: had there been anything, it would have
   * been sent, so an empty answer means that there is nothing up to the last stable offset.
   */
  receive(part: FetchedPart, complete: boolean, nowMs: number): boolean {
    const before = this.end
    this.end = part.lastStableOffset
    this.highWatermark = part.highWatermark
    this.logStart = part.logStart
    this.trouble = null
    if (part.records.length > 0 && this.#keep(part)) {
      this.#emptySinceMs = Number.NaN
      return true
    }
    return this.#passGap(complete, nowMs) || before !== this.end
  }

  /** Nothing can be fetched from `fetched` on. */
  fail(error: EngineError): void {
    this.#ahead = error
  }

  #keep({ records, aborted }: FetchedPart): boolean {
    let at = 0
    let next = this.fetched
    try {
      for (let end = batchEnd(records, at); end >= 0; end = batchEnd(records, at)) {
        next = Math.max(next, lastOffsetOf(records, at, end) + 1)
        at = end
      }
    } catch {
      this.#stuck = true
    }
    const bytes = this.#stuck ? records : records.subarray(0, at)
    if (bytes.length === 0) return false
    const { buffer } = bytes
    // a small view would keep all that came with it: copied
    const own = bytes.length * 2 < buffer.byteLength ? Buffer.from(bytes) : bytes
    this.#chunks.push({ bytes: own, filter: new AbortedFilter(aborted), at: 0 })
    this.waitingBytes += bytes.length
    this.fetched = next
    return true
  }

  /** Compaction can leave nothing between the last batch and the end. */
  #passGap(complete: boolean, nowMs: number): boolean {
    if (!complete) return false
    if (this.fetched >= this.end) this.#emptySinceMs = Number.NaN
    else if (Number.isNaN(this.#emptySinceMs)) this.#emptySinceMs = nowMs
    if (!(nowMs - this.#emptySinceMs >= GAP_MS_MIN)) return false
    this.#emptySinceMs = Number.NaN
    this.fetched = this.end
    return true
  }

  /** Finds the next batch of data, and passes over what comes before it. */
  #peek(): void {
    if (this.#next !== null || this.failure !== null) return
    this.#catching(() => {
      for (let chunk = this.#chunks[0]; chunk; chunk = this.#chunks[0]) {
        if (chunk.at === chunk.bytes.length) {
          this.#chunks.shift()
          continue
        }
        const end = batchEnd(chunk.bytes, chunk.at, this.place)
        if (end < 0) throw new LogCorrupt('a batch without an end', this.place)
        const batch = new RecordBatch(chunk.bytes, chunk.at, end, this.place)
        const dropped = chunk.filter.drops(batch)
        chunk.at = end
        if (!dropped && batch.count > 0 && batch.lastOffset >= this.#position) {
          this.#next = batch
          return
        }
        this.#drop(batch)
      }
      if (this.fetched > this.#position) this.#position = this.fetched
    })
  }

  #drop(batch: RecordBatch): void {
    this.#next = null
    this.#position = Math.max(this.#position, batch.lastOffset + 1)
    this.waitingBytes -= batch.sizeBytes
    this.#changed()
  }

  #catching(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof LogCorrupt)) throw error
      this.failure = error
    }
  }

  #forget(): void {
    this.epoch++
    this.#chunks = []
    this.#next = this.#taken = null
    this.#stuck = false
    this.#emptySinceMs = Number.NaN
    this.waitingBytes = 0
  }
}
