import { eachRange } from '../../model/batch.ts'
import type { Batch } from '../../model/block.ts'
import type { Stream } from '../../model/stream.ts'

/** The span of the events of an input, and how many of them an engine that reads them in this order drops as late. */
export class EventTimes {
  fromMs = Number.POSITIVE_INFINITY
  toMs = Number.NEGATIVE_INFINITY
  late = 0
  readonly #latenessMs: ReadonlyMap<string, number>
  #streamMs: number

  /** `streamMs`: stream time before the first event, epoch ms. */
  constructor(streams: readonly Stream[], streamMs: number) {
    this.#latenessMs = new Map(streams.map(({ name, latenessMs }) => [name, latenessMs]))
    this.#streamMs = streamMs
  }

  see(batch: Batch): void {
    eachRange(batch, ({ stream, timesMs }, from, to) => {
      const latenessMs = this.#latenessMs.get(stream)!
      for (let row = from; row < to; row++) this.#see(timesMs[row]!, latenessMs)
    })
  }

  #see(timeMs: number, latenessMs: number): void {
    if (timeMs < this.fromMs) this.fromMs = timeMs
    if (timeMs > this.toMs) this.toMs = timeMs
    if (timeMs < this.#streamMs - latenessMs) this.late += 1
    else if (timeMs > this.#streamMs) this.#streamMs = timeMs
  }
}
