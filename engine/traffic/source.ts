import { BATCH_ROWS_MAX } from '../model/batch.ts'
import { BatchRuns } from '../model/batch-runs.ts'
import type { Batch } from '../model/block.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import { setCell } from '../model/column.ts'
import type { Cell } from '../model/output.ts'
import { type Stream, streamOfType } from '../model/stream.ts'
import { Traffic, type TrafficState } from './traffic.ts'

export interface SourceState {
  readonly traffic: TrafficState
  /** Topic -> offset of its next record. */
  readonly offsets: Readonly<Record<string, number>>
}

/**
 * The generator as a source of the log: batches, of one partition for each stream, with offsets that go on. Fields that a
 * stream's schema does not have are left out, and so are events whose type no stream carries.
 */
export class TrafficSource {
  readonly traffic: Traffic
  readonly #streams: readonly Stream[]
  readonly #builders = new Map<Stream, BlockBuilder>()
  readonly #offsets: Record<string, number>

  constructor(traffic: Traffic, streams: readonly Stream[], offsets: Readonly<Record<string, number>> = {}) {
    this.traffic = traffic
    this.#streams = streams
    this.#offsets = { ...offsets }
  }

  static restore(saved: SourceState, streams: readonly Stream[]): TrafficSource {
    return new TrafficSource(Traffic.restore(saved.traffic), streams, saved.offsets)
  }

  /** To be saved with what `batches` has handed out. */
  state(): SourceState {
    return { traffic: this.traffic.state(), offsets: { ...this.#offsets } }
  }

  /** Everything before `untilMs` that was not handed out yet, in time order. */
  batches(untilMs: number): Batch[] {
    const done: Batch[] = []
    const rows = new BatchRuns<BlockBuilder>()
    for (const event of this.traffic.events(untilMs)) {
      const stream = streamOfType(this.#streams, event.type)
      if (!stream) continue
      const offset = this.#offsets[stream.topic] ?? 0
      this.#offsets[stream.topic] = offset + 1
      const builder = this.#builders.get(stream) ?? new BlockBuilder(stream, stream.topic, 0)
      this.#builders.set(stream, builder)
      builder.begin(offset, event.event_time, event.type)
      const row = event as unknown as Readonly<Record<string, Cell | undefined>>
      for (let i = 0; i < stream.fields.length; i++) setCell(builder, i, row[stream.fields[i]!.name])
      rows.add(builder)
      if (rows.length === BATCH_ROWS_MAX) done.push(rows.take((builder) => builder.build()))
    }
    return rows.length === 0 ? done : [...done, rows.take((builder) => builder.build())]
  }
}
