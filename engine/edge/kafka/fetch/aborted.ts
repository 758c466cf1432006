/** A producer's transaction that was aborted, as a fetch names it. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** As much of a record batch as decides whether it is read. */
export interface Written {
  readonly lastOffset: number
  readonly isControl: boolean
  readonly isTransactional: boolean
  readonly producerId: number
  marker(): 'abort' | 'commit' | null
}

/**
 * Leaves out what a read-committed reader does not see, over the batches of one fetch, in their order: control batches, and
 * batches of transactions that were aborted. A broker sends nothing above the last stable offset, so the rest is committed.
 */
export class AbortedFilter {
  /** Oldest last. */
  readonly #ahead: AbortedTransaction[]
  readonly #aborting = new Set<number>()

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#ahead = [...transactions].sort((a, b) => b.firstOffset - a.firstOffset)
  }

  drops(batch: Written): boolean {
    while (this.#ahead.length > 0 && this.#ahead.at(-1)!.firstOffset <= batch.lastOffset)
      this.#aborting.add(this.#ahead.pop()!.producerId)
    if (batch.isControl) {
      if (batch.marker() === 'abort') this.#aborting.delete(batch.producerId)
      return true
    }
    return batch.isTransactional && this.#aborting.has(batch.producerId)
  }
}
