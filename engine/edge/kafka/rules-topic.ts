import type { Admin, Producer } from 'kafkajs'
import type { PutRules } from '../../model/control.ts'
import type { Logger } from '../../model/telemetry.ts'
import { createClient, type KafkaConnection } from './client.ts'
import { PartitionReader, type RawRecord } from './partition-reader.ts'
import { type Answer, type ControlState, readRulesRecord } from './rules-records.ts'
import { ensureCompacted } from './topics.ts'

/** A record that is none of the control topic's. */
export interface RefusedRecord {
  readonly offset: number
  readonly reason: string
}

/** Small compacted topic with one partition: what people ask of the engines of a group. */
export function controlTopic(group: string): string {
  return `${group}.control`
}

/**
 * Reads and writes a group's control topic, and makes it where it is not. Others may write there: a record that is none
 * of ours is passed over, and what was said before it holds.
 */
export class RulesTopic {
  readonly admin: Admin
  readonly producer: Producer
  readonly reader: PartitionReader
  readonly #group: string
  readonly #log: Logger
  readonly #onRefused: (refused: RefusedRecord) => void
  #end = -1
  #state: ControlState = { rules: null, answer: null }
  #isSpoilt = false

  /** `onRefused` hears of each refused record that `state` comes to; of one again where it was read again. */
  constructor(connection: KafkaConnection, log: Logger, onRefused: (refused: RefusedRecord) => void = () => {}) {
    this.#onRefused = onRefused
    const kafka = createClient(connection, log, 3)
    this.#group = connection.group
    this.#log = log
    this.admin = kafka.admin()
    this.producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
    this.reader = new PartitionReader(kafka)
  }

  async connect(): Promise<void> {
    await Promise.all([this.admin.connect(), this.producer.connect()])
    await ensureCompacted(this.admin, controlTopic(this.#group), this.#log)
  }

  /** What the topic says now. */
  async state(): Promise<ControlState> {
    const topic = controlTopic(this.#group)
    const [{ low, high }] = await this.admin.fetchTopicOffsets(topic)
    const from = Math.max(this.#end, Number(low))
    for await (const records of this.reader.read(topic, 0, from, Number(high)))
      for (const record of records) this.#receive(record)
    this.#end = Number(high)
    return this.#state
  }

  /**
   * Whether a refused record stands behind the rule set under its key, as of the last look: once the broker has compacted
   * the topic, the rule set is gone.
   */
  get isSpoilt(): boolean {
    return this.#isSpoilt
  }

  async put(rules: PutRules): Promise<void> {
    await this.#send('rules', rules)
  }

  async answer(answer: Answer): Promise<void> {
    await this.#send('answer', answer)
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.admin.disconnect(), this.producer.disconnect(), this.reader.close()])
  }

  #receive({ offset, key, value }: RawRecord): void {
    if (value === null) return
    const read = readRulesRecord(key, value)
    if (String(key) === 'rules') this.#isSpoilt = typeof read === 'string'
    if (typeof read === 'string') this.#onRefused({ offset, reason: read })
    else this.#state = { ...this.#state, ...read }
  }

  async #send(key: keyof ControlState, value: object): Promise<void> {
    const message = { key, value: JSON.stringify(value), partition: 0 }
    await this.producer.send({ topic: controlTopic(this.#group), messages: [message], acks: -1 })
  }
}
