import type { Admin } from 'kafkajs'
import { eventsIn } from '../../../model/batch.ts'
import type { LogRecord } from '../../../model/block.ts'
import { decodeEntry } from '../../../model/block-codec.ts'
import type { Counters } from '../../../model/counters.ts'
import { EngineError, LogCorrupt } from '../../../model/errors.ts'
import type { Committed, PastLog } from '../../../model/ports.ts'
import type { Stream } from '../../../model/stream.ts'
import { committedWithNotes } from '../offsets.ts'
import type { PartitionReader, Passes, RawRecord } from '../partition-reader.ts'
import type { Skips } from '../skips.ts'

/** A few milliseconds of a rebuild. */
const SLICE_EVENTS = 500

/** Behind it a note has the id of its exchange's topic. */
export const NOTE_ID = '@'

/** Called between pieces of a long read, with how long the last one took, ms. */
export type Breathe = (workedMs: number) => Promise<void>

/** What the readers of a group's exchanges share. */
export interface ExchangeShared {
  readonly admin: Admin
  readonly reader: PartitionReader
  /** The consumer group of the tasks, whose offsets are their positions. */
  readonly groupId: string
  readonly streams: readonly Stream[]
  readonly counters: Counters
  /** Absent: nothing that cannot be read is passed over. */
  readonly skips?: Skips
}

export interface ExchangePlace {
  readonly topic: string
  /** Absent or empty: not known. */
  readonly topicId?: string
  readonly stateTopic: string
  readonly partition: number
}

/**
 * One exchange partition, and what its task's commits keep in the partition of the same number of the compacted state
 * topic: for reading. Nothing is joined or written. A position is an offset in the exchange: without gaps, since nobody
 * writes there in transactions.
 */
export class ExchangeReader<Place extends ExchangePlace = ExchangePlace> implements PastLog {
  readonly place: Place
  readonly #shared: ExchangeShared
  readonly #breathe: Breathe
  /** What stood beside the offset when `position` was last asked and there was something; empty = nothing as yet. */
  note = ''

  constructor(place: Place, shared: ExchangeShared, breathe: Breathe) {
    this.place = place
    this.#shared = shared
    this.#breathe = breathe
  }

  /** The committed position, -1 if there is none. EngineError LOG_GAP if records behind it are gone. */
  async position(): Promise<number> {
    const { topic, partition } = this.place
    const { admin, groupId, counters } = this.#shared
    const there = (await committedWithNotes(admin, groupId, topic)).get(partition)
    const committed = there && this.#isOfThisTopic(there.note) ? there : undefined
    if (committed?.note) this.note = committed.note
    const next = committed?.offset ?? 0
    const { low, high } = await this.bounds(topic)
    if (next >= low && next <= high) return next - 1
    counters.counter('exchange_gaps_total', { topic }).value++
    const message = `${topic}/${partition}: the next record to read is ${next}, the log holds ${low} to ${high - 1}`
    throw new EngineError('LOG_GAP', message)
  }

  /** A topic that was deleted and made again is another log. */
  #isOfThisTopic(note: string): boolean {
    const { topicId = '' } = this.place
    return topicId === '' || !note.includes(NOTE_ID) || note.endsWith(`${NOTE_ID}${topicId}`)
  }

  async committed(): Promise<Committed> {
    const position = await this.position()
    const kept = new Map<string, string>()
    if (position >= 0) await this.readKept(kept)
    return { position, kept }
  }

  async *past(fromStreamMs: number, through: number): AsyncGenerator<readonly LogRecord[], void, undefined> {
    yield* this.between((await this.offsetAt(fromStreamMs)) - 1, through)
  }

  async *between(position: number, through: number): AsyncGenerator<readonly LogRecord[], void, undefined> {
    const { topic, partition } = this.place
    const { reader } = this.#shared
    for await (const records of reader.read(topic, partition, position + 1, through + 1, this.#passesIn(topic))) {
      let fromMs = performance.now()
      for (const slice of this.#slices(records)) {
        yield slice
        await this.#breathe(performance.now() - fromMs)
        fromMs = performance.now()
      }
    }
  }

  /** What one fetch brought is too much to read at once: the other tasks would wait for it. */
  *#slices(records: readonly RawRecord[]): Generator<readonly LogRecord[], void, undefined> {
    let slice: LogRecord[] = []
    let events = 0
    for (const { offset, value } of records) {
      if (this.#isSkipped(this.place.topic, offset)) continue
      const record = this.decode(offset, value)
      slice.push(record)
      events += Math.max(1, eventsIn(record.entry))
      if (events < SLICE_EVENTS) continue
      yield slice
      slice = []
      events = 0
    }
    if (slice.length > 0) yield slice
  }

  /** Whether somebody said to pass over what is at an offset. */
  #isSkipped(topic: string, offset: number): boolean {
    return (this.#shared.skips?.find(topic, this.place.partition, offset) ?? null) !== null
  }

  #passesIn(topic: string): Passes {
    return ({ baseOffset }) => this.#isSkipped(topic, baseOffset)
  }

  /** LogCorrupt on a record that is none of ours. */
  decode(offset: number, value: Buffer | null): LogRecord {
    try {
      return { position: offset, entry: decodeEntry(value ?? new Uint8Array(0), this.#shared.streams) }
    } catch (error) {
      const { topic, partition } = this.place
      throw new LogCorrupt((error as Error).message, `${topic}/${partition}`, offset, offset, error)
    }
  }

  /** Adds to `kept` what commits kept, from offset `from` of the state topic on; the offset behind it. */
  protected async readKept(kept: Map<string, string>, from = 0): Promise<number> {
    const { stateTopic, partition } = this.place
    const { low, high } = await this.bounds(stateTopic)
    const { reader } = this.#shared
    const passes = this.#passesIn(stateTopic)
    for await (const records of reader.read(stateTopic, partition, Math.max(from, low), high, passes)) {
      for (const { key, value } of records) {
        if (value === null) kept.delete(String(key))
        else kept.set(String(key), String(value))
      }
      await this.#breathe(0)
    }
    return high
  }

  /** Records carry the largest event time of their block, so this is at or before the one at which stream time came there. */
  protected async offsetAt(streamMs: number): Promise<number> {
    const { topic, partition } = this.place
    const { high } = await this.bounds(topic)
    if (streamMs === Number.POSITIVE_INFINITY) return high
    const timestamp = Math.max(0, Math.floor(streamMs))
    const found = await this.#shared.admin.fetchTopicOffsetsByTimestamp(topic, timestamp)
    return Number(found.find((one) => one.partition === partition)?.offset ?? high)
  }

  protected async bounds(topic: string): Promise<{ low: number; high: number }> {
    const bounds = await this.#shared.admin.fetchTopicOffsets(topic)
    const own = bounds.find((one) => one.partition === this.place.partition)
    if (!own) throw new EngineError('LOG_BUSY', `${topic} has no partition ${this.place.partition}`)
    return { low: Number(own.low), high: Number(own.high) }
  }
}
