import type { Admin, Kafka, Producer } from 'kafkajs'
import type { RuleSource } from '../../model/block.ts'
import { createClient, type KafkaConnection } from './client.ts'
import type { Logger } from './log.ts'
import { PartitionReader } from './partition-reader.ts'
import { ensureCompacted } from './topics.ts'

/** The rule set that engines of a group are to run. */
export interface PutRules {
  readonly files: readonly RuleSource[]
  /** `textHash` of the configured files that were put there last; null = none were. */
  readonly configured: string | null
  readonly atMs: number
}

/** What an engine says of a rule set. */
export interface Answer {
  /** `textHash` of its files. */
  readonly hash: string
  /** Every fault, where it was refused. */
  readonly refused: string | null
}

export interface ControlState {
  readonly rules: PutRules | null
  readonly answer: Answer | null
}

/** Small compacted topic with one partition: what people ask of the engines of a group. */
export function controlTopic(group: string): string {
  return `${group}.control`
}

/** Reads and writes a group's control topic, and makes it where it is not. */
export class RulesTopic {
  readonly #kafka: Kafka
  readonly #group: string
  readonly #log: Logger
  readonly #admin: Admin
  readonly #producer: Producer
  readonly #reader: PartitionReader
  #end = -1
  #state: ControlState = { rules: null, answer: null }

  constructor(connection: KafkaConnection, log: Logger) {
    this.#kafka = createClient(connection, log, 3)
    this.#group = connection.group
    this.#log = log
    this.#admin = this.#kafka.admin()
    this.#producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    this.#reader = new PartitionReader(this.#kafka)
  }

  async connect(): Promise<void> {
    await Promise.all([this.#admin.connect(), this.#producer.connect()])
    await ensureCompacted(this.#admin, controlTopic(this.#group), this.#log)
  }

  /** What the topic says now. */
  async state(): Promise<ControlState> {
    const topic = controlTopic(this.#group)
    const [{ low, high }] = await this.#admin.fetchTopicOffsets(topic)
    const from = Math.max(this.#end, Number(low))
    for await (const records of this.#reader.read(topic, 0, from, Number(high)))
      for (const { key, value } of records)
        if (value !== null) this.#state = { ...this.#state, [String(key)]: JSON.parse(String(value)) }
    this.#end = Number(high)
    return this.#state
  }

  async put(rules: PutRules): Promise<void> {
    await this.#send('rules', rules)
  }

  async answer(answer: Answer): Promise<void> {
    await this.#send('answer', answer)
  }

  /** Whether engines of the group run. */
  async hasEngine(): Promise<boolean> {
    const { groups } = await this.#admin.describeGroups([`${this.#group}-router`])
    return groups.some(({ members }) => members.length > 0)
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#admin.disconnect(), this.#producer.disconnect(), this.#reader.close()])
  }

  async #send(key: keyof ControlState, value: object): Promise<void> {
    const message = { key, value: JSON.stringify(value), partition: 0 }
    await this.#producer.send({ topic: controlTopic(this.#group), messages: [message], acks: -1 })
  }
}
