import type { Core } from './core.ts'

/** How much a task holds at the moment. */
export class TaskGauges {
  readonly #core: () => Core

  constructor(core: () => Core) {
    this.#core = core
  }

  get openAlerts(): number {
    return this.#core().alerts.openCount
  }

  /** Keys that are live, over all key spaces. */
  get liveKeys(): number {
    return this.#core().layout.spaces.reduce((sum, { keys }) => sum + keys.size, 0)
  }

  /** Keys that features have published something of. */
  get publishedKeys(): number {
    return this.#core().layout.boards.reduce((sum, { keys }) => sum + keys, 0)
  }

  /** Values that measures remember one by one. */
  get liveValues(): number {
    return this.#core().layout.values.used
  }

  /** Bytes in memory of the events held, with their texts: those to be shown, and those that anything is computed with. */
  get heldBytes(): number {
    const { rows, strings } = this.#core()
    return rows.bytesInMemory + rows.textBytesInMemory + strings.textBytes
  }

  /** Keys of which sequences remember something. */
  get rememberedKeys(): number {
    return this.#core().sequences.keys
  }

  /** Timers of sequences that are still to fire. */
  get liveTimers(): number {
    return this.#core().sequences.liveTimers
  }

  /** Events held; those of the last 4,096 or fewer that have left all windows included. */
  get heldEvents(): number {
    return this.#core().rows.endRow - this.#core().rows.firstRow
  }
}
