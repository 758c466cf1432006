import type { Block } from '../../model/block.ts'
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

  see({ stream, timesMs }: Block): void {
    const latenessMs = this.#latenessMs.get(stream)!
    for (const timeMs of timesMs) {
      if (timeMs < this.fromMs) this.fromMs = timeMs
      if (timeMs > this.toMs) this.toMs = timeMs
      if (timeMs < this.#streamMs - latenessMs) this.late += 1
      else if (timeMs > this.#streamMs) this.#streamMs = timeMs
    }
  }
}
