import type { Broadcast } from '../../../model/block.ts'
import type { ControlTopic } from '../../../plan/control-topics.ts'
import { bytesOf, nextPiece } from '../control-contents.ts'
import { readControl } from '../control-records.ts'
import type { RawRecord } from '../partition-reader.ts'
import type { Lane } from './lane.ts'

/** The partition of a control topic: polls, then pieces of them as broadcasts. */
export class ControlLane implements Lane {
  readonly control: ControlTopic
  readonly topic: string
  readonly partition: number
  end = 0
  acknowledged: number
  committed: number
  resume: (() => void) | null = null
  /** Records that were none. */
  refused = 0
  #waiting: RawRecord[] = []
  #rawBytes = 0
  #fetched: number
  #routed: number

  constructor(control: ControlTopic, partition: number, position: number) {
    this.control = control
    this.topic = control.topic
    this.partition = partition
    this.acknowledged = this.committed = this.#fetched = this.#routed = position
  }

  get buffered(): number {
    return this.#waiting.length
  }

  get rawBytes(): number {
    return this.#rawBytes
  }

  get routed(): number {
    return this.#waiting.length === 0 ? this.#fetched : this.#routed
  }

  /** The next offset to fetch. */
  get fetched(): number {
    return this.#fetched
  }

  /** Takes committed records, as the engine's own reader gives them. */
  push(records: readonly RawRecord[]): void {
    for (const record of records) {
      if (record.offset < this.#fetched) continue
      this.#waiting.push(record)
      this.#rawBytes += bytesOf(record)
      this.#fetched = record.offset + 1
    }
  }

  passed(lastOffset: number): void {
    this.#fetched = Math.max(this.#fetched, lastOffset + 1)
  }

  /** The next piece; null where it has no record that is one. Only while something waits. */
  take(): Broadcast | null {
    const { count, bytes } = nextPiece(this.#waiting, 0)
    const piece = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    this.#rawBytes -= bytes
    this.#routed = piece[count - 1].offset + 1
    const records = piece.flatMap(({ offset, key, value }) => {
      const record = readControl(this.control, offset, key, value)
      if (!record && value !== null) this.refused++
      return record ?? []
    })
    return records.length === 0 ? null : { kind: 'broadcast', topic: this.topic, records }
  }
}
