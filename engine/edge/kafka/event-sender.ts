import type { Producer } from 'kafkajs'
import { EngineError } from '../../model/errors.ts'
import type { Logger } from '../../model/telemetry.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { noAnswer, reasonOf } from './errors.ts'
import { byKey } from './partitioner.ts'

export interface OutgoingRecord {
  readonly topic: string
  readonly key: string
  readonly value: Buffer
}

/** Writes records to Kafka as a platform would: idempotent, acknowledged by all replicas, partitioned by key. */
export class EventSender {
  readonly #producer: Producer

  private constructor(producer: Producer) {
    this.#producer = producer
  }

  /** EngineError KAFKA_UNREACHABLE when no broker answers. */
  static async open(connection: KafkaConnection, log: Logger): Promise<EventSender> {
    const producer = createClient(connection, log, 3).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: byKey,
    })
    try {
      await producer.connect()
    } catch (error) {
      throw noAnswer(connection.brokers, error)
    }
    return new EventSender(producer)
  }

  /** Resolves when all of them are acknowledged. EngineError KAFKA_UNREACHABLE when they cannot be. */
  async send(records: readonly OutgoingRecord[]): Promise<void> {
    const byTopic = new Map<string, { key: string; value: Buffer }[]>()
    for (const { topic, key, value } of records) {
      const messages = byTopic.get(topic)
      if (messages) messages.push({ key, value })
      else byTopic.set(topic, [{ key, value }])
    }
    const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic, messages }))
    if (topicMessages.length === 0) return
    try {
      await this.#producer.sendBatch({ acks: -1, topicMessages })
    } catch (error) {
      const topics = topicMessages.map(({ topic }) => topic).join(', ')
      throw new EngineError('KAFKA_UNREACHABLE', `${topics} cannot be written: ${reasonOf(error)}`, error)
    }
  }

  close(): Promise<void> {
    return this.#producer.disconnect()
  }
}
