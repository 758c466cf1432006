import type { Admin, SeekEntry } from 'kafkajs'
import { EngineError } from '../../model/errors.ts'
import type { Logger } from '../../model/telemetry.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { codeOf, noAnswer, OFFSET_OUT_OF_RANGE, reasonOf } from './errors.ts'
import { PartitionReader, type Passes, type RawRecord } from './partition-reader.ts'
import { routerTopic } from './router-topic.ts'
import { Skips } from './skips.ts'

export type { RawRecord } from './partition-reader.ts'

/** A stretch of one partition: the records with `from <= offset < end`. */
export interface Stretch {
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly end: number
}

type Bounds = SeekEntry & { readonly low: string; readonly high: string }

/** Reads what source topics hold, read-committed. Without a consumer group: nothing is joined, committed or written. */
export class SourceReader {
  readonly #admin: Admin
  readonly #reader: PartitionReader
  readonly #brokers: string
  readonly #skips: Skips

  private constructor(admin: Admin, reader: PartitionReader, { brokers, group }: KafkaConnection) {
    this.#admin = admin
    this.#reader = reader
    this.#brokers = brokers.join(', ')
    this.#skips = new Skips(group, admin, reader)
  }

  /** EngineError KAFKA_UNREACHABLE when no broker answers, INPUT_MISSING with every topic that is not there. */
  static async open(connection: KafkaConnection, log: Logger, topics: readonly string[]): Promise<SourceReader> {
    const kafka = createClient(connection, log, 3)
    const reader = new SourceReader(kafka.admin(), new PartitionReader(kafka), connection)
    try {
      await reader.#admin.connect()
      const there = await reader.#admin.listTopics()
      const lacking = topics.filter((topic) => !there.includes(topic))
      if (lacking.length > 0)
        throw new EngineError('INPUT_MISSING', `no such topic at ${reader.#brokers}: ${lacking.join(', ')}`)
      if (there.includes(routerTopic(connection.group))) await reader.#skips.look()
      return reader
    } catch (error) {
      await reader.close()
      if (error instanceof EngineError) throw error
      throw noAnswer(connection.brokers, error)
    }
  }

  /** Of each partition all from its first record whose own timestamp is `fromMs` or later, to where it ends now. */
  async stretches(topic: string, fromMs: number): Promise<Stretch[]> {
    try {
      // below 0 the protocol has other meanings: -1 the end, -2 the beginning
      const starts = fromMs > 0 ? await this.#admin.fetchTopicOffsetsByTimestamp(topic, Math.ceil(fromMs)) : []
      return stretchesOf(topic, starts, await this.#admin.fetchTopicOffsets(topic))
    } catch (error) {
      throw this.#unreadable(topic, error)
    }
  }

  /** Its data records in pieces of at most 4 MB, oldest first; without what was skipped. EngineError KAFKA_UNREACHABLE, LOG_BUSY, LOG_GAP, LOG_CORRUPT. */
  async *read({ topic, partition, from, end }: Stretch): AsyncGenerator<RawRecord[], void, undefined> {
    try {
      const passes: Passes = ({ baseOffset }) => this.#skips.find(topic, partition, baseOffset) !== null
      yield* this.#reader.read(topic, partition, from, end, passes)
    } catch (error) {
      if (error instanceof EngineError) throw error
      const what = `${topic}/${partition}`
      if (codeOf(error) !== OFFSET_OUT_OF_RANGE) throw this.#unreadable(what, error)
      throw new EngineError('LOG_GAP', `${what}: its oldest records were deleted while it was read; try again`, error)
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#admin.disconnect(), this.#reader.close()])
  }

  #unreadable(what: string, error: unknown): EngineError {
    return new EngineError('KAFKA_UNREACHABLE', `${what} cannot be read at ${this.#brokers}: ${reasonOf(error)}`, error)
  }
}

/** By partition. Where `starts` says nothing of one, or less than is still there, it is read from its beginning. */
export function stretchesOf(topic: string, starts: readonly SeekEntry[], bounds: readonly Bounds[]): Stretch[] {
  const startOf = new Map(starts.map(({ partition, offset }) => [partition, Number(offset)]))
  return bounds
    .map(({ partition, low, high }) => ({
      topic,
      partition,
      from: Math.max(Number(low), startOf.get(partition) ?? 0),
      end: Number(high),
    }))
    .filter(({ from, end }) => from < end)
    .sort((a, b) => a.partition - b.partition)
}
