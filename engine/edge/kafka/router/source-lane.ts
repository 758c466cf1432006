import type { KafkaMessage } from 'kafkajs'
import type { Block } from '../../../model/block.ts'
import { BlockBuilder } from '../../../model/block-builder.ts'
import type { Stream } from '../../../model/stream.ts'
import type { BadRecord, Decoder } from '../ports.ts'
import type { Lane } from './lane.ts'

/** How far a cut reaches; event time. */
const CUT_MS = 100
/** Decoded at a time: what a lane holds as columns, and the most that one block can come to; rows beyond: one record's. */
const STAGE_RECORDS = 1_000
const STAGE_BYTES = 1 << 20

export interface SourceId {
  readonly stream: Stream
  readonly topic: string
  readonly partition: number
}

export type OnBadRecord = (lane: SourceLane, message: KafkaMessage, why: BadRecord) => void

/** The partition of a stream's topic: raw polls, then a staged piece as columns, then cuts of it. */
export class SourceLane implements SourceId, Lane {
  readonly stream: Stream
  readonly topic: string
  readonly partition: number
  end = 0
  acknowledged: number
  committed: number
  /** Largest event time routed, epoch ms. */
  clockMs = Number.NEGATIVE_INFINITY
  /** Since when it has been empty with records left at the broker, ms of the merge's clock; null = it is not. */
  hungrySinceMs: number | null = null
  /** Its decoder is not asked before, ms of `performance.now()`: the registry did not answer. */
  askAgainMs = 0
  resume: (() => void) | null = null
  readonly #decoder: Decoder
  readonly #builder: BlockBuilder
  readonly #polls: KafkaMessage[][] = []
  #read = 0 // records of the first poll that have been staged
  #staged: Block | null = null
  #row = 0
  #stagedEnd = 0
  #fetched: number
  #routed: number
  #buffered = 0
  #rawBytes = 0
  #waiting = false
  #prepared = false // the decoder is ready for the next piece

  constructor(id: SourceId, decoder: Decoder, position: number) {
    this.stream = id.stream
    this.topic = id.topic
    this.partition = id.partition
    this.#decoder = decoder
    this.#builder = new BlockBuilder(id.stream, id.topic, id.partition)
    this.acknowledged = this.committed = this.#fetched = this.#routed = position
  }

  /** Raw or staged. */
  get buffered(): number {
    return this.#buffered
  }

  get rawBytes(): number {
    return this.#rawBytes
  }

  get fetched(): number {
    return this.#fetched
  }

  get routed(): number {
    return this.#buffered === 0 ? this.#fetched : this.#routed
  }

  /** Event time of the next row; null if nothing is staged. */
  get headMs(): number | null {
    return this.#staged === null ? null : this.#staged.timesMs[this.#row]
  }

  /** Takes a poll whose last record, of any kind, stands at `lastOffset`. Records seen before are passed over. */
  push(messages: readonly KafkaMessage[], lastOffset: number): void {
    const fresh = messages.filter(({ offset }) => Number(offset) >= this.#fetched)
    if (fresh.length > 0) this.#polls.push(fresh)
    this.#buffered += fresh.length
    for (const { value } of fresh) this.#rawBytes += value?.length ?? 0
    this.passed(lastOffset)
  }

  passed(lastOffset: number): void {
    this.#fetched = Math.max(this.#fetched, lastOffset + 1)
    this.hungrySinceMs = null
  }

  /**
   * Decodes the next piece if none is staged; bad records go to `onBad`. A promise where the registry must be asked
   * first: nothing happens before it is settled, then ask again; rejected, ask again later.
   */
  stage(clockMs: number, onBad: OnBadRecord): Promise<void> | null {
    while (!this.#staged && !this.#waiting && this.#polls.length > 0) {
      const poll = this.#polls[0]
      const piece = poll.slice(this.#read, this.#read + this.#pieceLength(poll))
      const asked = this.#prepared ? null : prepareAll(this.#decoder, piece)
      if (asked) return this.#prepare(asked)
      this.#prepared = false
      this.#read += this.#decode(piece, clockMs, onBad)
      if (this.#read < poll.length) continue
      this.#polls.shift()
      this.#read = 0
    }
    return null
  }

  /**
   * Rows `[from, to)` of a block: from the head on, up to 100 ms after it, or after the lane's clock where that is later.
   * Rows behind the clock go along: no cut could bring them to the tasks in time order. Only while something is staged.
   */
  cut(): { block: Block; from: number; to: number } {
    const block = this.#staged!
    const from = this.#row
    const limitMs = Math.max(this.clockMs, block.timesMs[from]) + CUT_MS
    let to = from
    for (; to < block.length && block.timesMs[to] < limitMs; to++)
      if (block.timesMs[to] > this.clockMs) this.clockMs = block.timesMs[to]
    this.#row = to
    // a record of several rows is routed with its last one
    this.#routed =
      to < block.length
        ? Math.min(Math.floor(block.offsets[to - 1]) + 1, Math.floor(block.offsets[to]))
        : this.#stagedEnd
    this.#buffered -= to - from
    if (to === block.length) this.#staged = null
    return { block, from, to }
  }

  #pieceLength(poll: readonly KafkaMessage[]): number {
    let bytes = 0
    let length = 0
    for (let i = this.#read; i < poll.length && length < STAGE_RECORDS && bytes < STAGE_BYTES; i++, length++)
      bytes += poll[i].value?.length ?? 0
    return length
  }

  /** An id that nobody knows is asked for again and again: once for each record is enough. */
  async #prepare(asked: Promise<void>): Promise<void> {
    this.#waiting = true
    try {
      await asked
      this.#prepared = true
    } finally {
      this.#waiting = false
    }
  }

  /** Stages the piece, or what of it comes to a stage's rows; how many records that was. */
  #decode(piece: readonly KafkaMessage[], clockMs: number, onBad: OnBadRecord): number {
    let decoded = 0
    while (decoded < piece.length && this.#builder.length < STAGE_RECORDS) {
      const message = piece[decoded++]
      this.#rawBytes -= message.value?.length ?? 0
      const { value, offset } = message
      const before = this.#builder.length
      const bad = this.#decoder.decode(value, 0, value?.length ?? 0, this.#builder, Number(offset), clockMs)
      this.#buffered += this.#builder.length - before - 1 // from here on its rows wait, not the record
      if (bad) onBad(this, message, bad)
    }
    this.#stagedEnd = Number(piece[decoded - 1].offset) + 1
    if (this.#builder.length === 0) this.#routed = this.#stagedEnd
    else this.#staged = this.#builder.build()
    this.#row = 0
    return decoded
  }
}

/** Null: every record of `piece` may be decoded. */
function prepareAll(decoder: Decoder, piece: readonly KafkaMessage[]): Promise<void> | null {
  for (let i = 0; i < piece.length; i++) {
    const { value } = piece[i]
    const asked = decoder.prepare(value, 0, value?.length ?? 0)
    if (asked) return prepareRest(decoder, piece, i + 1, asked)
  }
  return null
}

async function prepareRest(
  decoder: Decoder,
  piece: readonly KafkaMessage[],
  from: number,
  asked: Promise<void>,
): Promise<void> {
  await asked
  for (const { value } of piece.slice(from)) await decoder.prepare(value, 0, value?.length ?? 0)
}
