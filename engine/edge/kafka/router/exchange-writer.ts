import type { Message, Producer, TopicMessages } from 'kafkajs'
import { Subject } from 'rxjs'
import type { LogEntry } from '../../../model/block.ts'
import { encodeEntry, encodeRows } from '../../../model/block-codec.ts'
import type { Counter, Counters } from '../../../model/counters.ts'
import { PickedRows } from '../../../model/picked.ts'
import type { Stream } from '../../../model/stream.ts'
import type { RoutedExchange } from '../../../plan/placing.ts'
import { isRecordRefused } from '../errors.ts'
import { inParts } from '../parts.ts'
import { bareLetter, withoutValue } from './dead-letter.ts'
import type { Lane } from './lane.ts'
import type { Staged } from './source-lane.ts'

/** Rows of one exchange partition become a batch at the latest when there are so many, or their records so large. */
const BATCH_ROWS = 4_096
const BATCH_BYTES = 512 << 10
/** Waits at most, in all partitions together: rows, or bytes of their records. Above, `accept` waits for a send. */
const WAITING_ROWS_MAX = 32_768
const WAITING_BYTES_MAX = 4 << 20
/** Of one request. An exchange topic takes record batches of 8 MiB. */
const PART_BYTES = 4 << 20

/** Header of a record: when the oldest record in it was given to Kafka, epoch ms, as text. */
export const APPENDED_HEADER = 'appended'

/** What waits for one partition of an exchange: sealed records, then rows that are none yet. */
class Slot {
  readonly topic: string
  readonly partition: number
  readonly rows = new PickedRows()
  bytes = 0
  newestMs = Number.NEGATIVE_INFINITY
  appendedMs = Number.POSITIVE_INFINITY
  messages: Message[] = []

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }
}

/**
 * Writes to the exchange topics in the order in which it was given: one send at a time, so that nothing follows a record
 * that failed. What comes meanwhile is the next send: so a batch is small where rows are few, and large behind a backlog.
 * After a failure it writes nothing more: whoever made it starts again from the committed source offsets.
 */
export class ExchangeWriter {
  /** After each send: the `acknowledged` of its lanes have moved. Errors with the failure of a send. */
  readonly acknowledged$ = new Subject<void>()
  readonly #producer: Producer
  readonly #dlqTopic: string
  readonly #streams: readonly Stream[]
  readonly #slots: readonly (readonly Slot[])[]
  readonly #dropped: Counter
  readonly #batches: Counter
  #dead: Message[] = []
  #reached = new Map<Lane, number>()
  #rows = 0
  #bytes = 0
  #sending: Promise<void> | null = null
  /** What waits is sent when that is over. */
  #again = false
  #failure: { readonly error: unknown } | null = null

  constructor(
    producer: Producer,
    exchanges: readonly (RoutedExchange & { readonly topic: string })[],
    options: { readonly dlqTopic: string; readonly streams: readonly Stream[]; readonly counters: Counters },
  ) {
    this.#producer = producer
    this.#dlqTopic = options.dlqTopic
    this.#streams = options.streams
    this.#slots = exchanges.map(({ topic, partitions }) =>
      Array.from({ length: partitions }, (_, p) => new Slot(topic, p)),
    )
    this.#dropped = options.counters.counter('dead_letter_values_dropped_total')
    this.#batches = options.counters.counter('router_blocks_total')
  }

  /** The row goes to its place in each exchange. */
  addRow({ block, places, sizes, appendedMs }: Staged, row: number): void {
    for (let i = 0; i < places.length; i++) {
      const partition = places[i][row]
      if (partition < 0) continue
      const slot = this.#slots[i][partition]
      slot.rows.add(block, row)
      slot.bytes += sizes[row]
      this.#bytes += sizes[row]
      this.#rows += 1
      if (block.timesMs[row] > slot.newestMs) slot.newestMs = block.timesMs[row]
      if (appendedMs < slot.appendedMs) slot.appendedMs = appendedMs
      if (slot.rows.length >= BATCH_ROWS || slot.bytes >= BATCH_BYTES || !slot.rows.hasRoom) this.#seal(slot)
    }
  }

  /** Behind all rows of before, in every partition of that exchange. `timeMs`: the time of the record, 0 = none. */
  addToAll(exchange: number, entry: LogEntry, timeMs: number): void {
    const value = bufferOf(encodeEntry(entry, this.#streams))
    for (const slot of this.#slots[exchange]) {
      this.#seal(slot)
      slot.messages.push(message(slot, value, timeMs))
      this.#bytes += value.length
    }
  }

  addDead(message: Message): void {
    this.#dead.push(message)
    this.#bytes += Buffer.byteLength(message.value ?? '') + Buffer.byteLength(message.key ?? '')
  }

  /** With what was added so far, everything of the lane below `offset` is there. */
  reached(lane: Lane, offset: number): void {
    this.#reached.set(lane, offset)
  }

  /**
   * Sends what waits when nothing else is being sent, and it is much, or `isIdle`: nothing more comes just now. Resolves
   * when there is room for more; rejects with the failure of a send.
   */
  async accept(isIdle: boolean): Promise<void> {
    const isFull = () => this.#rows >= WAITING_ROWS_MAX || this.#bytes >= WAITING_BYTES_MAX
    if (isIdle || isFull()) this.#flush(isIdle)
    while (isFull() && this.#sending) {
      await this.#sending
      if (isFull()) this.#flush(false)
    }
    if (this.#failure) throw this.#failure.error
  }

  /** Nothing more is written. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.acknowledged$.error(error)
  }

  /** Resolves when what is being sent has been acknowledged, or has failed. */
  async settled(): Promise<void> {
    while (this.#sending) await this.#sending
  }

  /** `again`: so is what comes while it is sent. */
  #flush(again: boolean): void {
    this.#again ||= again
    if (this.#sending || this.#failure) return
    const reached = this.#reached
    const topicMessages = this.#sealed()
    const dead = this.#dead
    if (topicMessages.length === 0 && dead.length === 0 && reached.size === 0) return
    this.#dead = []
    this.#reached = new Map()
    this.#rows = this.#bytes = 0
    this.#again = false
    this.#sending = this.#send(topicMessages, dead).then(
      () => {
        for (const [lane, offset] of reached) lane.acknowledged = offset
        this.#sending = null
        this.acknowledged$.next()
        if (this.#again) this.#flush(false)
      },
      (error) => {
        this.#sending = null
        this.fail(error)
      },
    )
  }

  #sealed(): TopicMessages[] {
    const all: TopicMessages[] = []
    for (const slots of this.#slots) {
      const messages: Message[] = []
      for (const slot of slots) {
        this.#seal(slot)
        messages.push(...slot.messages)
        slot.messages = []
      }
      if (messages.length > 0) all.push({ topic: slots[0].topic, messages })
    }
    return all
  }

  #seal(slot: Slot): void {
    if (slot.rows.length === 0) return
    const value = bufferOf(encodeRows(slot.rows, this.#streams))
    const headers = Number.isFinite(slot.appendedMs) ? { [APPENDED_HEADER]: String(slot.appendedMs) } : {}
    slot.messages.push({ ...message(slot, value, slot.newestMs), headers })
    slot.rows.clear()
    slot.bytes = 0
    slot.newestMs = Number.NEGATIVE_INFINITY
    slot.appendedMs = Number.POSITIVE_INFINITY
    this.#batches.value++
  }

  async #send(topicMessages: TopicMessages[], dead: readonly Message[]): Promise<void> {
    if (dead.length > 0) await this.#sendDead(dead)
    for (const part of inParts(topicMessages, PART_BYTES))
      await this.#producer.sendBatch({ topicMessages: part, acks: -1 })
  }

  /** All at once; one by one where the topic does not take one of them, to find which: that is cut, and says so. */
  async #sendDead(messages: readonly Message[]): Promise<void> {
    for (const part of inParts([{ topic: this.#dlqTopic, messages: [...messages] }], PART_BYTES))
      for (const { messages: some } of part) await this.#sendSomeDead(some)
  }

  async #sendSomeDead(messages: readonly Message[]): Promise<void> {
    const isTaken = await this.#isTaken(messages)
    if (isTaken) return
    if (messages.length > 1) {
      for (const message of messages) await this.#sendSomeDead([message])
      return
    }
    this.#dropped.value++
    if (await this.#isTaken([withoutValue(messages[0])])) return
    await this.#producer.send({ topic: this.#dlqTopic, messages: [bareLetter(messages[0])], acks: -1 })
  }

  /** False where the topic refuses one of them for what it is. */
  async #isTaken(messages: readonly Message[]): Promise<boolean> {
    try {
      await this.#producer.send({ topic: this.#dlqTopic, messages: [...messages], acks: -1 })
      return true
    } catch (error) {
      if (isRecordRefused(error)) return false
      throw error
    }
  }
}

function message({ partition }: Slot, value: Buffer, timeMs: number): Message {
  return { key: null, value, partition, timestamp: String(Math.max(0, timeMs)) }
}

/** The same bytes, not a copy. */
function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}
