import { randomUUID } from 'node:crypto'
import type { Admin, Kafka, Message } from 'kafkajs'
import type { LogRecord } from '../../../model/block.ts'
import { decodeEntry } from '../../../model/block-codec.ts'
import type { Counters } from '../../../model/counters.ts'
import { EngineError } from '../../../model/errors.ts'
import type { Commit, Committed, NumberedLog } from '../../../model/ports.ts'
import type { Stream } from '../../../model/stream.ts'
import { announced } from '../control-records.ts'
import { committedWithNotes } from '../offsets.ts'
import type { PartitionReader } from '../partition-reader.ts'
import type { Encoder } from '../ports.ts'
import { type OutputTopics, outputMessages } from './outputs.ts'
import { TaskProducer } from './producer.ts'

/** What all task logs of a consumer share. */
export interface TaskLogShared {
  /** For producers alone: kafkajs shares committed offsets within a client, also those of transactions that fail. */
  readonly producerKafka: Kafka
  readonly admin: Admin
  readonly reader: PartitionReader
  /** Namespace of the control topics. */
  readonly group: string
  readonly groupId: string
  readonly streams: readonly Stream[]
  readonly outputs: OutputTopics
  readonly encoder: Encoder
  readonly counters: Counters
}

export interface TaskPlace {
  readonly topic: string
  readonly stateTopic: string
  readonly partition: number
  /** Decides the partition of its outputs; fixed for an exchange and partition. */
  readonly taskIndex: number
}

/**
 * One exchange partition as a task's log. Commits are transactions: outputs, what it tells other tasks, what it keeps (one record a key in the
 * partition of the same number of the compacted state topic), and the input position in the consumer group.
 *
 * `fence` comes first, and again after any error. A position is an offset in the exchange: without gaps, since nobody
 * writes there in transactions.
 *
 * Its id is a random one that each commit puts beside its offset. It goes when the offset goes: with the topic, and when
 * somebody sets the group back by hand. Snapshots of before then know another log.
 */
export class KafkaTaskLog implements NumberedLog {
  readonly place: TaskPlace
  readonly #shared: TaskLogShared
  /** Called between pieces of a long read. */
  readonly #breathe: () => Promise<void>
  #producer: TaskProducer | null = null
  #id: string = randomUUID()

  constructor(place: TaskPlace, shared: TaskLogShared, breathe: () => Promise<void>) {
    this.place = place
    this.#shared = shared
    this.#breathe = breathe
  }

  get id(): string {
    return this.#id
  }

  /** From here on nobody else writes for this partition, and nothing of theirs is pending. */
  async fence(): Promise<void> {
    await this.close()
    const { groupId, producerKafka, counters } = this.#shared
    counters.counter('task_fences_total').value++
    this.#producer = await TaskProducer.fence(producerKafka, `${groupId}-${this.place.topic}-${this.place.partition}`)
  }

  /** The committed position, -1 if there is none. True only after `fence`. EngineError LOG_GAP if records behind it are gone. */
  async position(): Promise<number> {
    const { topic, partition } = this.place
    const { admin, groupId, counters } = this.#shared
    const committed = (await committedWithNotes(admin, groupId, topic)).get(partition)
    if (committed?.note) this.#id = committed.note
    const next = committed?.offset ?? 0
    const { low, high } = await this.#bounds(topic)
    if (next >= low && next <= high) return next - 1
    counters.counter('exchange_gaps_total', { topic }).value++
    const message = `${topic}/${partition}: the next record to read is ${next}, the log holds ${low} to ${high - 1}`
    throw new EngineError('LOG_GAP', message)
  }

  async committed(): Promise<Committed> {
    const position = await this.position()
    return { position, kept: position < 0 ? new Map() : await this.#kept() }
  }

  async *past(fromStreamMs: number, through: number): AsyncGenerator<readonly LogRecord[]> {
    yield* this.between((await this.#offsetAt(fromStreamMs)) - 1, through)
  }

  async *between(position: number, through: number): AsyncGenerator<readonly LogRecord[]> {
    const { topic, partition } = this.place
    for await (const records of this.#shared.reader.read(topic, partition, position + 1, through + 1)) {
      yield records.map(({ offset, value }) => this.decode(offset, value))
      await this.#breathe()
    }
  }

  /** EngineError STATE_CORRUPT on a record that is none of ours. */
  decode(offset: number, value: Buffer | null): LogRecord {
    return { position: offset, entry: decodeEntry(value ?? new Uint8Array(0), this.#shared.streams) }
  }

  /** One attempt. After an error: `fence`, then `position` tells whether it took place. */
  async commit({ position, outputs, changes, announcements = [] }: Commit): Promise<void> {
    if (!this.#producer) throw new EngineError('FENCED', 'a task log is fenced before its first commit')
    const { topic, stateTopic, partition, taskIndex } = this.place
    const { groupId, encoder, counters } = this.#shared
    const messages = outputMessages(outputs, taskIndex, this.#shared.outputs, encoder)
    const kept = [...changes].map(([key, value]): Message => ({ key, value, partition }))
    if (kept.length > 0) messages.push({ topic: stateTopic, messages: kept })
    const controls = announcements.map((announcement) => announced(this.#shared.group, announcement))
    for (const topic of new Set(controls.map((c) => c.topic))) {
      const records = controls.filter((c) => c.topic === topic)
      messages.push({ topic, messages: records.map(({ key, value }): Message => ({ key, value, partition: 0 })) })
    }
    const startMs = performance.now()
    await this.#producer.commit(messages, { groupId, topic, partition, offset: position + 1, note: this.#id })
    counters.counter('task_commit_ms_total').value += performance.now() - startMs
    counters.counter('task_commits_total').value++
    counters.counter('task_outputs_total').value += outputs.length
  }

  /** Cuts off the records before stream time `beforeMs`, at most up to `position`: the log's retention, in event time. */
  async trim(beforeMs: number, position: number): Promise<void> {
    const { topic, partition } = this.place
    const offset = Math.min(await this.#offsetAt(beforeMs), position)
    const { low } = await this.#bounds(topic)
    if (offset <= low) return
    await this.#shared.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  }

  async close(): Promise<void> {
    const producer = this.#producer
    this.#producer = null
    await producer?.close()
  }

  /** All that commits have kept. */
  async #kept(): Promise<Map<string, string>> {
    const { stateTopic, partition } = this.place
    const { low, high } = await this.#bounds(stateTopic)
    const kept = new Map<string, string>()
    for await (const records of this.#shared.reader.read(stateTopic, partition, low, high)) {
      for (const { key, value } of records) {
        if (value === null) kept.delete(String(key))
        else kept.set(String(key), String(value))
      }
      await this.#breathe()
    }
    return kept
  }

  /** Records carry the largest event time of their block, so this is at or before the one at which stream time came there. */
  async #offsetAt(streamMs: number): Promise<number> {
    const { topic, partition } = this.place
    const { high } = await this.#bounds(topic)
    if (streamMs === Number.POSITIVE_INFINITY) return high
    const timestamp = Math.max(0, Math.floor(streamMs))
    const found = await this.#shared.admin.fetchTopicOffsetsByTimestamp(topic, timestamp)
    return Number(found.find((one) => one.partition === partition)?.offset ?? high)
  }

  async #bounds(topic: string): Promise<{ low: number; high: number }> {
    const bounds = await this.#shared.admin.fetchTopicOffsets(topic)
    const own = bounds.find((one) => one.partition === this.place.partition)
    if (!own) throw new EngineError('LOG_BUSY', `${topic} has no partition ${this.place.partition}`)
    return { low: Number(own.low), high: Number(own.high) }
  }
}
