import type { Chunk } from '../state/chunk.ts'
import type { KeySpace } from '../state/key-space.ts'
import type { Layout } from './layout.ts'
import { epochOf, type TumblingFeeds } from './tumbling.ts'

/** The cells that keys have in tumbling windows: cleared when an event enters a later window than they stand for. */
export class TumblingCells {
  readonly #spaces: readonly KeySpace[]
  readonly #bitWords: number

  constructor({ spaces, shape }: Layout) {
    this.#spaces = spaces
    this.#bitWords = shape.bitWords
  }

  /** The event enters the tumbling windows that its clock stands in. */
  enter(list: readonly TumblingFeeds[], chunk: Chunk, at: number, nowMs: number): void {
    const words = at * this.#bitWords
    for (let g = 0; g < list.length; g++) {
      const { window, group, feeds } = list[g]
      const slot = chunk.slots[group.space][at]
      if (slot < 0) continue
      const keySpace = this.#spaces[group.space]
      const cells = keySpace.writeCells(slot)
      const base = keySpace.baseOf(slot)
      if (cells[base + group.epochCell] !== window.epoch) {
        for (const baseline of group.baselines) baseline.catchUp(slot, nowMs)
        for (const feed of group.feeds) feed.clear(cells, base)
        cells[base + group.epochCell] = window.epoch
      }
      for (let f = 0; f < feeds.length; f++) {
        const feed = feeds[f]
        if (feed.mask !== 0 && (chunk.bits[words + feed.word] & feed.mask) === 0) continue
        feed.apply(cells, base, slot, chunk, at, 1)
      }
    }
  }

  /** The event's tumbling windows are over for long, and it is let go. */
  retire(list: readonly TumblingFeeds[], chunk: Chunk, at: number, nowMs: number): void {
    const words = at * this.#bitWords
    for (let g = 0; g < list.length; g++) {
      const { window, group, feeds } = list[g]
      const slot = chunk.slots[group.space][at]
      if (slot < 0) continue
      const keySpace = this.#spaces[group.space]
      const cells = keySpace.writeCells(slot)
      const base = keySpace.baseOf(slot)
      const epoch = epochOf(window.calendar.startOf(chunk.timesMs[at]))
      const isCleared = cells[base + group.epochCell] > epoch
      if (!isCleared) for (const baseline of group.baselines) baseline.catchUp(slot, nowMs - 1)
      for (let f = 0; f < feeds.length; f++) {
        const feed = feeds[f]
        if (feed.mask !== 0 && (chunk.bits[words + feed.word] & feed.mask) === 0) continue
        feed.retire(cells, base, slot, chunk, at, epoch, isCleared)
      }
    }
  }
}
