import type { Block } from '../model/block.ts'
import { BlockBuilder } from '../model/block-builder.ts'
import type { Stream } from '../model/stream.ts'
import { copyRow } from './copy-rows.ts'

/** Longest stretch of event time over which events of several streams change places. */
const SPAN_MS = 100
const ROWS_MAX = 1_000
/** A block of so many rows is worth its record as it is. */
const ROWS_ENOUGH = 100

/**
 * The blocks of a file whose streams take turns line by line would hold an event or two: each stream's events of 100 ms
 * go into one, as a router would make them. The order within a stream stays. `whenIdle` is done each time that the input
 * has nothing more at the moment, after all that was read has been handed on.
 */
export async function* regrouped(
  input: AsyncIterable<Block>,
  streams: readonly Stream[],
  whenIdle: () => Promise<void>,
): AsyncGenerator<Block, void, undefined> {
  const group = new Group(streams)
  const blocks = input[Symbol.asyncIterator]()
  for (;;) {
    const next = blocks.next()
    if (!(await isHere(next))) {
      yield* group.take()
      await whenIdle()
    }
    const { value: block, done } = await next
    if (done) break
    if (block.length >= ROWS_ENOUGH) {
      yield* group.take()
      yield block
      continue
    }
    for (let row = 0; row < block.length; row++) {
      if (!group.fits(block.timesMs[row]!)) yield* group.take()
      group.add(block, row)
    }
  }
  yield* group.take()
}

/** Whether a promise has settled by the time that timers and sockets get their turn. */
function isHere(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise<false>((resolve) => setImmediate(resolve, false))
  return Promise.race([promise.then(() => true), turn])
}

class Group {
  readonly #streams: readonly Stream[]
  /** In the order of their first events. */
  readonly #open = new Map<string, BlockBuilder>()
  readonly #builders = new Map<string, BlockBuilder>()
  #rows = 0
  #fromMs = Number.POSITIVE_INFINITY
  #toMs = Number.NEGATIVE_INFINITY

  constructor(streams: readonly Stream[]) {
    this.#streams = streams
  }

  fits(timeMs: number): boolean {
    return this.#rows < ROWS_MAX && Math.max(this.#toMs, timeMs) - Math.min(this.#fromMs, timeMs) <= SPAN_MS
  }

  add(block: Block, row: number): void {
    const timeMs = block.timesMs[row]!
    this.#rows += 1
    this.#fromMs = Math.min(this.#fromMs, timeMs)
    this.#toMs = Math.max(this.#toMs, timeMs)
    copyRow(this.#builderOf(block), block, row, block.offsets[row]!)
  }

  take(): Block[] {
    const blocks = [...this.#open.values()].map((builder) => builder.build())
    this.#open.clear()
    this.#rows = 0
    this.#fromMs = Number.POSITIVE_INFINITY
    this.#toMs = Number.NEGATIVE_INFINITY
    return blocks
  }

  #builderOf({ stream: name, sourceTopic, sourcePartition }: Block): BlockBuilder {
    const open = this.#open.get(name)
    if (open) return open
    const stream = this.#streams.find((s) => s.name === name)!
    const builder = this.#builders.get(name) ?? new BlockBuilder(stream, sourceTopic, sourcePartition)
    this.#builders.set(name, builder)
    this.#open.set(name, builder)
    return builder
  }
}
