import type { Broadcast } from '../../../model/block.ts'
import { EngineError } from '../../../model/errors.ts'
import { sourceName } from '../../../model/source-position.ts'
import type { ControlTopic } from '../../../plan/control-topics.ts'
import { BROADCAST_BYTES, BROADCAST_RECORDS } from '../control-contents.ts'
import { readControl } from '../control-records.ts'
import type { Feed } from '../fetch/feed.ts'
import type { RecordCursor } from '../fetch/record-cursor.ts'
import type { Lane } from './lane.ts'

type ControlRecord = Broadcast['records'][number]

/** The partition of a control topic: its records, as broadcasts. */
export class ControlLane implements Lane {
  readonly control: ControlTopic
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  end: number
  acknowledged: number
  told: number
  committed: number
  /** Why nothing of it can be read from here on; null = it can. */
  trouble: string | null = null
  /** Records that were none, since the last asking. */
  #refused = 0
  readonly #feed: Feed
  /** Of the batch that is being read, or broke off. */
  #cursor: RecordCursor | null = null
  /** The offset behind the last record that was taken. */
  #taken: number

  constructor(control: ControlTopic, partition: number, feed: Feed, topicId = '') {
    this.control = control
    this.topic = control.topic
    this.topicId = topicId
    this.partition = partition
    this.#feed = feed
    this.told = this.acknowledged = this.committed = this.end = this.#taken = feed.position
  }

  get routed(): number {
    return this.#cursor ? this.#taken : Math.max(this.#taken, this.#feed.position)
  }

  takeRefused(): number {
    const refused = this.#refused
    this.#refused = 0
    return refused
  }

  /** The next piece of what waits; null = nothing does. EngineError LOG_GAP, LOG_CORRUPT: behind what can be read. */
  take(): Broadcast | null {
    const records: ControlRecord[] = []
    try {
      for (let bytes = 0; records.length < BROADCAST_RECORDS && bytes < BROADCAST_BYTES; ) {
        const cursor = this.#nextRecord()
        if (!cursor) break
        bytes += this.#read(cursor, records)
      }
    } catch (error) {
      if (records.length === 0) throw error // else thrown again by the next call
    }
    return records.length === 0 ? null : { kind: 'broadcast', topic: sourceName(this.topic, this.topicId), records }
  }

  /** Goes on at `next`: what is before it cannot be read. */
  skipTo(next: number): void {
    this.trouble = null
    this.#cursor = null
    this.#feed.seek(next)
  }

  get position(): number {
    return this.#feed.position
  }

  /** Goes on where the topic begins, where records were deleted ahead of it. False: that was not the matter. */
  passGap(error: unknown): boolean {
    if (!(error instanceof EngineError) || error.code !== 'LOG_GAP') return false
    if (!(this.#feed.logStart > this.#feed.position)) return false
    this.#feed.seek(this.#feed.logStart)
    return true
  }

  close(): void {
    this.#feed.close()
  }

  #nextRecord(): RecordCursor | null {
    for (;;) {
      this.#cursor ??= this.#feed.take()?.cursor() ?? null
      if (!this.#cursor) return null
      if (this.#cursor.next()) return this.#cursor
      this.#cursor = null
    }
  }

  /** Adds the record, if it is one; its bytes then, else 0. */
  #read({ offset, bytes, keyStart, keyEnd, valueStart, valueEnd }: RecordCursor, records: ControlRecord[]): number {
    const key = keyEnd < 0 ? null : bytes.subarray(keyStart, keyEnd)
    const value = valueEnd < 0 ? null : bytes.subarray(valueStart, valueEnd)
    this.#taken = offset + 1
    const record = readControl(this.control, offset, key, value)
    if (record) records.push(record)
    else if (value !== null) this.#refused++
    return record ? (key?.length ?? 0) + (value?.length ?? 0) : 0
  }
}
