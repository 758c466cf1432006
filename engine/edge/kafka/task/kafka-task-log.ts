import { randomUUID } from 'node:crypto'
import type { Kafka, Message } from 'kafkajs'
import { EngineError } from '../../../model/errors.ts'
import type { Commit, Committed, NumberedLog, SetAside } from '../../../model/ports.ts'
import { announced } from '../control-records.ts'
import { sizeOf } from '../parts.ts'
import type { Encoder } from '../ports.ts'
import { type Breathe, type ExchangePlace, ExchangeReader, type ExchangeShared, NOTE_ID } from './exchange-reader.ts'
import { type OutputTopics, outputMessages } from './outputs.ts'
import { TaskProducer, transactionalIdOf } from './producer.ts'
import { TopicSizes } from './topic-sizes.ts'

/** What all task logs of a consumer share. */
export interface TaskLogShared extends ExchangeShared {
  /** For producers alone: kafkajs shares committed offsets within a client, also those of transactions that fail. */
  readonly producerKafka: Kafka
  /** Namespace of the control topics. */
  readonly group: string
  readonly outputs: OutputTopics
  readonly encoder: Encoder
  /** Told of each record that was left out of a commit because its topic does not take it, when the rest is committed. */
  readonly setAside: (record: SetAside) => void
}

export interface TaskPlace extends ExchangePlace {
  /** Decides the partition of its outputs; fixed for an exchange and partition. */
  readonly taskIndex: number
}

/**
 * One exchange partition as a task's log. Commits are transactions: outputs, what it tells other tasks, what it keeps (one record a key in the
 * partition of the same number of the compacted state topic), and the input position in the consumer group.
 *
 * `fence` comes first, and again after any error: `position` is true only after it.
 *
 * Its id is a random one, with that of the exchange's topic, that each commit puts beside its offset. It goes when the offset
 * goes: with the topic, and when somebody sets the group back by hand. Snapshots of before then know another log.
 */
export class KafkaTaskLog extends ExchangeReader<TaskPlace> implements NumberedLog {
  readonly #shared: TaskLogShared
  readonly #fresh: string
  /** What the state topic still has of a log before this one: deleted with the first commit. */
  #stale: readonly string[] = []
  readonly #sizes: TopicSizes
  #producer: TaskProducer | null = null

  constructor(place: TaskPlace, shared: TaskLogShared, breathe: Breathe) {
    super(place, shared, breathe)
    this.#shared = shared
    this.#fresh = [randomUUID(), ...(place.topicId ? [place.topicId] : [])].join(NOTE_ID)
    this.#sizes = new TopicSizes(shared.admin)
  }

  get id(): string {
    return this.note || this.#fresh
  }

  /** From here on nobody else writes for this partition, and nothing of theirs is pending. */
  async fence(): Promise<void> {
    await this.close()
    const { groupId, producerKafka, counters } = this.#shared
    counters.counter('task_fences_total').value++
    const { topic, partition } = this.place
    this.#producer = await TaskProducer.fence(producerKafka, transactionalIdOf(groupId, topic, partition))
  }

  override async committed(): Promise<Committed> {
    const committed = await super.committed()
    if (committed.position < 0) {
      const left = new Map<string, string>()
      await this.readKept(left)
      this.#stale = [...left.keys()]
    }
    return committed
  }

  /**
   * One attempt. After an error: `fence`, then `position` tells whether it took place. A record that its topic does not
   * take for its size fails the attempt, and is left out of the next one.
   */
  async commit({ position, outputs, changes, announcements = [] }: Commit): Promise<void> {
    if (!this.#producer) throw new EngineError('FENCED', 'a task log is fenced before its first commit')
    const { topic, stateTopic, partition, taskIndex } = this.place
    const { groupId, encoder, counters } = this.#shared
    const aside: SetAside[] = []
    const takes = (topic: string, message: Message, rule: string): boolean => {
      const fits = this.#sizes.fits(topic, message)
      if (!fits) aside.push({ topic, rule, key: String(message.key), position, bytes: sizeOf(message) })
      return fits
    }
    const messages = outputMessages(outputs, taskIndex, this.#shared.outputs, encoder, takes)
    const stale = this.#stale.filter((key) => !changes.has(key)).map((key) => [key, null] as const)
    const kept = [...stale, ...changes]
      .map(([key, value]): Message => ({ key, value, partition }))
      .filter((message) => takes(stateTopic, message, String(message.key).split('/')[1] ?? String(message.key)))
    if (kept.length > 0) messages.push({ topic: stateTopic, messages: kept })
    const controls = announcements.flatMap((announcement) => {
      const { topic, key, value } = announced(this.#shared.group, announcement)
      const message: Message = { key, value, partition: 0 }
      const rule = announcement.kind === 'list' ? announcement.list : announcement.feature
      return takes(topic, message, rule) ? [{ topic, message }] : []
    })
    for (const topic of new Set(controls.map((c) => c.topic))) {
      const records = controls.filter((c) => c.topic === topic)
      messages.push({ topic, messages: records.map(({ message }) => message) })
    }
    const startMs = performance.now()
    const input = { groupId, topic, partition, offset: position + 1, note: this.id }
    await this.#producer.commit(messages, this.#sizes, input)
    this.#stale = []
    counters.counter('task_commit_ms_total').value += performance.now() - startMs
    counters.counter('task_commits_total').value++
    counters.counter('task_outputs_total').value += outputs.length
    for (const record of aside) this.#shared.setAside(record)
  }

  /** Cuts off the records before stream time `beforeMs`, at most up to `position`: the log's retention, in event time. */
  async trim(beforeMs: number, position: number): Promise<void> {
    const { topic, partition } = this.place
    const offset = Math.min(await this.offsetAt(beforeMs), position)
    const { low } = await this.bounds(topic)
    if (offset <= low) return
    await this.#shared.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  }

  async close(): Promise<void> {
    const producer = this.#producer
    this.#producer = null
    await producer?.close()
  }
}
