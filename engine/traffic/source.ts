import type { Block } from '../model/block.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import { setCell } from '../model/column.ts'
import type { Cell } from '../model/output.ts'
import { type Stream, streamOfType } from '../model/stream.ts'
import type { TrafficEvent } from './event.ts'
import { Traffic, type TrafficState } from './traffic.ts'

/** Longest stretch of event time in one block. */
const BLOCK_MS = 100
/** And most rows, for high rates. */
const BLOCK_ROWS = 1_000

export interface SourceState {
  readonly traffic: TrafficState
  /** Topic -> offset of its next record. */
  readonly offsets: Readonly<Record<string, number>>
}

/**
 * The generator as a source of the log: blocks of one partition for each stream, with offsets that go on. Fields that
 * a stream's schema does not have are left out, and so are events whose type no stream carries.
 */
export class TrafficSource {
  readonly traffic: Traffic
  readonly #writers = new Map<string, Writer | null>()
  readonly #streams: readonly Stream[]
  readonly #byStream = new Map<Stream, Writer>()
  readonly #offsets: Record<string, number>

  constructor(traffic: Traffic, streams: readonly Stream[], offsets: Readonly<Record<string, number>> = {}) {
    this.traffic = traffic
    this.#streams = streams
    this.#offsets = { ...offsets }
  }

  static restore(saved: SourceState, streams: readonly Stream[]): TrafficSource {
    return new TrafficSource(Traffic.restore(saved.traffic), streams, saved.offsets)
  }

  /** To be saved with what `blocks` has handed out. */
  state(): SourceState {
    return { traffic: this.traffic.state(), offsets: { ...this.#offsets } }
  }

  /** Everything before `untilMs` that was not handed out yet; each stream's blocks in time order. */
  blocks(untilMs: number): Block[] {
    const done: Block[] = []
    for (const event of this.traffic.events(untilMs)) {
      const writer = this.#writer(event.type)
      if (!writer) continue
      if (writer.isFull(event.event_time)) done.push(writer.builder.build())
      const { topic } = writer.stream
      const offset = this.#offsets[topic] ?? 0
      this.#offsets[topic] = offset + 1
      writer.add(event, offset)
    }
    for (const { builder } of this.#byStream.values()) if (builder.length > 0) done.push(builder.build())
    return done
  }

  #writer(type: string): Writer | null {
    let writer = this.#writers.get(type)
    if (writer === undefined) {
      const stream = streamOfType(this.#streams, type)
      writer = stream ? (this.#byStream.get(stream) ?? new Writer(stream)) : null
      if (stream && writer) this.#byStream.set(stream, writer)
      this.#writers.set(type, writer)
    }
    return writer
  }
}

class Writer {
  readonly stream: Stream
  readonly builder: BlockBuilder
  #firstMs = 0

  constructor(stream: Stream) {
    this.stream = stream
    this.builder = new BlockBuilder(stream, stream.topic, 0)
  }

  isFull(timeMs: number): boolean {
    const { length } = this.builder
    return length >= BLOCK_ROWS || (length > 0 && timeMs - this.#firstMs >= BLOCK_MS)
  }

  add(event: TrafficEvent, offset: number): void {
    const { builder, stream } = this
    if (builder.length === 0) this.#firstMs = event.event_time
    builder.begin(offset, event.event_time, event.type)
    const row = event as unknown as Readonly<Record<string, Cell | undefined>>
    for (let i = 0; i < stream.fields.length; i++) setCell(builder, i, row[stream.fields[i]!.name])
  }
}
