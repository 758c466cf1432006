import type { LocalWriter } from '../../edge/local/writer.ts'
import type { Batch } from '../../model/block.ts'
import type { Stream } from '../../model/stream.ts'
import { type SourceState, TrafficSource } from '../../traffic/source.ts'
import { Traffic } from '../../traffic/traffic.ts'

const HOUR_MS = 3_600_000
/** Event time that is appended at once while history is played. */
const CHUNK_MS = 10_000
/** A gap below this is no history to be played, only a moment's delay. */
const GAP_MS_MAX = 10_000
/** The generator's whole state is some hundred KB of JSON: too much for each append. */
const CHECKPOINT_EVERY_MS = 60_000

/** Names under which the log keeps where the generator stands. */
const CHECKPOINT = 'traffic/checkpoint'
const UNTIL = 'traffic/until'

interface Checkpoint {
  readonly source: SourceState
  readonly atMs: number
}

/**
 * The traffic generator on the local log: the past hour first, then as time goes by. Where it stands is kept in the
 * transaction of each append: a state now and then, and the moment reached; from the state the same events are made
 * again up to that moment. A pause of more than an hour is not made up for: the generator starts anew, an hour ago.
 */
export class TrafficFeed {
  readonly #writer: LocalWriter
  #source: TrafficSource
  #untilMs: number
  readonly #beganAtMs: number
  #nowMs: number
  #checkpointMs = Number.NEGATIVE_INFINITY

  constructor(writer: LocalWriter, streams: readonly Stream[], ordersPerSecond: number, nowMs: number) {
    this.#writer = writer
    const text = writer.meta(CHECKPOINT)
    const saved: Checkpoint | null = text === null ? null : JSON.parse(text)
    const untilMs = Number(writer.meta(UNTIL) ?? Number.NEGATIVE_INFINITY)
    const options = saved?.source.traffic.options
    if (saved && options?.ordersPerSecond === ordersPerSecond && untilMs >= nowMs - HOUR_MS) {
      this.#source = TrafficSource.restore(saved.source, streams)
      this.#source.batches(untilMs)
      this.#untilMs = untilMs
    } else {
      this.#untilMs = Math.max(nowMs - HOUR_MS, untilMs, writer.streamMs)
      const seed = (options?.seed ?? 0) + 1 // ids of another seed are other ids
      this.#source = new TrafficSource(new Traffic({ seed, startMs: this.#untilMs, ordersPerSecond }), streams)
    }
    this.#beganAtMs = this.#untilMs
    this.#nowMs = nowMs
  }

  /** The history that is being played, and the share of it that has been, 0 to 1; null = real time. */
  get playing(): { readonly what: string; readonly share: number } | null {
    if (this.#nowMs - this.#untilMs <= GAP_MS_MAX) return null
    const wholeMs = this.#nowMs - this.#beganAtMs
    const what = wholeMs >= HOUR_MS ? 'playing the past hour' : 'catching up'
    return { what, share: (this.#untilMs - this.#beganAtMs) / wholeMs }
  }

  /** Event time up to which events were appended, epoch ms. */
  get untilMs(): number {
    return this.#untilMs
  }

  /** Appends what happens next, until `nowMs` or for a chunk, in records as `cut` makes them; true = now is reached. */
  feed(nowMs: number, cut: (batch: Batch) => readonly Batch[]): boolean {
    this.#nowMs = nowMs
    const untilMs = Math.min(nowMs, this.#untilMs + CHUNK_MS)
    if (untilMs <= this.#untilMs) return true
    const batches = this.#source.batches(untilMs).flatMap(cut)
    const meta: Record<string, string> = { [UNTIL]: String(untilMs) }
    if (untilMs - this.#checkpointMs >= CHECKPOINT_EVERY_MS) {
      const checkpoint: Checkpoint = { source: this.#source.state(), atMs: untilMs }
      meta[CHECKPOINT] = JSON.stringify(checkpoint)
      this.#checkpointMs = untilMs
    }
    this.#writer.appendWith(batches, meta)
    this.#untilMs = untilMs
    return untilMs === nowMs
  }
}
