import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, Producer, TopicMessages } from 'kafkajs'
import { isCoordinatorBusy, isTooLarge, ofTopics } from '../errors.ts'
import type { TopicSizes } from './topic-sizes.ts'

/** A transaction lives for milliseconds; longer than this the broker takes it for dead. */
const TRANSACTION_MS_MAX = 12_000
const BUSY_PAUSE_MS = 2
const BUSY_MS_MAX = 8_000

export interface InputPosition {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  /** The next offset to read. */
  readonly offset: number
  /** Committed with it. */
  readonly note: string
}

/** Of one exchange partition. */
export function transactionalIdOf(groupId: string, topic: string, partition: number): string {
  return `${groupId}-${topic}-${partition}`
}

/**
 * The transactional producer of one owned input partition. After any error it is good for nothing: kafkajs's state machine
 * stays where it was (docs/kafka.md). Close it, open another, and ask for the committed offset.
 */
export class TaskProducer {
  readonly #producer: Producer

  private constructor(producer: Producer) {
    this.#producer = producer
  }

  /** Fences whoever had this id before, and settles what they left open: an empty transaction, aborted. */
  static async fence(kafka: Kafka, transactionalId: string): Promise<TaskProducer> {
    const producer = kafka.producer({
      transactionalId,
      idempotent: true,
      maxInFlightRequests: 1,
      transactionTimeout: TRANSACTION_MS_MAX,
      allowAutoTopicCreation: false,
    })
    try {
      await producer.connect()
      const transaction = await producer.transaction()
      await transaction.abort()
      return new TaskProducer(producer)
    } catch (error) {
      await producer.disconnect()
      throw error
    }
  }

  /** Begins, sends, moves the input position, commits; `sizes` learns of what is too large. On an error only the committed offset tells what happened. */
  async commit(
    topicMessages: TopicMessages[],
    sizes: TopicSizes,
    { groupId, topic, partition, offset, note }: InputPosition,
  ): Promise<void> {
    const transaction = await this.#producer.transaction()
    for (const part of sizes.parts(topicMessages)) {
      try {
        await transaction.sendBatch({ topicMessages: part, acks: -1 })
      } catch (error) {
        if (isTooLarge(error)) await sizes.refused(part)
        throw ofTopics([...new Set(part.map((messages) => messages.topic))], error)
      }
    }
    const topics = [{ topic, partitions: [{ partition, offset: String(offset), metadata: note }] }]
    await untilReady(() => transaction.sendOffsets({ consumerGroupId: groupId, topics }))
    await transaction.commit()
  }

  async close(): Promise<void> {
    await this.#producer.disconnect()
  }
}

/** kafkajs does not retry these codes here; in the same transaction it works. */
async function untilReady(attempt: () => Promise<void>): Promise<void> {
  for (const startMs = performance.now(); ; ) {
    try {
      return await attempt()
    } catch (error) {
      if (!isCoordinatorBusy(error) || performance.now() - startMs > BUSY_MS_MAX) throw error
      await sleep(BUSY_PAUSE_MS)
    }
  }
}
