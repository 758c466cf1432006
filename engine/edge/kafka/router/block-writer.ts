import type { Message, Producer, TopicMessages } from 'kafkajs'
import type { Counter, Counters } from '../../../model/counters.ts'
import { codeOf, MESSAGE_TOO_LARGE } from '../errors.ts'
import { withoutValue } from './dead-letter.ts'
import type { Lane } from './lane.ts'

/** Sent at once as soon as this much waits; the merge stops at twice as much. */
const SEND_BYTES = 512 << 10

/**
 * Writes to the exchange topics in the order of `add`: one send at a time, so that nothing follows a record that failed.
 * After a failure it writes nothing more: whoever made it starts again from the committed source offsets.
 */
export class BlockWriter {
  readonly #producer: Producer
  readonly #dlqTopic: string
  readonly #onSent: () => void
  readonly #onFailure: (error: unknown) => void
  readonly #dropped: Counter
  #pending = new Map<string, Message[]>()
  #dead: Message[] = []
  #reached = new Map<Lane, number>()
  #bytes = 0
  #sending: Promise<void> | null = null
  #failed = false

  /** `onSent` is called after each acknowledged send, when the lanes' `acknowledged` have moved. */
  constructor(
    producer: Producer,
    dlqTopic: string,
    counters: Counters,
    on: { sent: () => void; failure: (error: unknown) => void },
  ) {
    this.#producer = producer
    this.#dlqTopic = dlqTopic
    this.#onSent = on.sent
    this.#onFailure = on.failure
    this.#dropped = counters.counter('dead_letter_values_dropped_total')
  }

  /** True while more may be added: at most 1 MiB and one cut wait. */
  get hasRoom(): boolean {
    return !this.#failed && this.#bytes < 2 * SEND_BYTES
  }

  get isFull(): boolean {
    return this.#bytes >= SEND_BYTES
  }

  add(topic: string, partition: number, value: Uint8Array, timestampMs: number): void {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    const message = { key: null, value: bytes, partition, timestamp: String(Math.max(0, timestampMs)) }
    const messages = this.#pending.get(topic)
    if (messages) messages.push(message)
    else this.#pending.set(topic, [message])
    this.#bytes += value.length
  }

  addDead(message: Message): void {
    this.#dead.push(message)
    this.#bytes += message.value === null ? 0 : Buffer.byteLength(message.value)
  }

  /** With what was added so far, everything of the lane below `offset` has been written. */
  reached(lane: Lane, offset: number): void {
    this.#reached.set(lane, offset)
  }

  /** Sends what waits, unless a send is under way: then that one is followed by the next. */
  flush(): void {
    if (
      this.#sending ||
      this.#failed ||
      (this.#pending.size === 0 && this.#dead.length === 0 && this.#reached.size === 0)
    )
      return
    const [pending, dead, reached] = [this.#pending, this.#dead, this.#reached]
    this.#pending = new Map()
    this.#dead = []
    this.#reached = new Map()
    this.#bytes = 0
    this.#sending = this.#send(pending, dead).then(
      () => {
        for (const [lane, offset] of reached) lane.acknowledged = offset
        this.#sending = null
        this.#onSent()
        this.flush()
      },
      (error) => {
        this.#failed = true
        this.#sending = null
        this.#onFailure(error)
      },
    )
  }

  /** Resolves when what is being sent has been acknowledged, or has failed. */
  async settled(): Promise<void> {
    while (this.#sending) await this.#sending
  }

  async #send(pending: ReadonlyMap<string, Message[]>, dead: readonly Message[]): Promise<void> {
    if (dead.length > 0) await this.#sendDead(dead)
    const topicMessages: TopicMessages[] = [...pending].map(([topic, messages]) => ({ topic, messages }))
    if (topicMessages.length > 0) await this.#producer.sendBatch({ topicMessages, acks: -1 })
  }

  /** All at once; one by one where one of them is too large for the topic, to find which. */
  async #sendDead(messages: readonly Message[]): Promise<void> {
    try {
      await this.#producer.send({ topic: this.#dlqTopic, messages: [...messages], acks: -1 })
    } catch (error) {
      if (codeOf(error) !== MESSAGE_TOO_LARGE) throw error
      if (messages.length > 1) {
        for (const message of messages) await this.#sendDead([message])
        return
      }
      this.#dropped.value++
      await this.#producer.send({ topic: this.#dlqTopic, messages: [withoutValue(messages[0])], acks: -1 })
    }
  }
}
