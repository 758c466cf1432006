import type { Batch, Block } from './block.ts'

/** A batch that is being made: its rows are counted by the source that each comes from, in the order of the batch. */
export class BatchRuns<Source> {
  /** In the order of their first rows. */
  #sources: Source[] = []
  #runs: number[] = []
  #last: Source | null = null
  /** Rows of all sources. */
  length = 0

  add(source: Source): void {
    if (source !== this.#last) this.#begin(source)
    this.#runs[this.#runs.length - 1]! += 1
    this.length += 1
  }

  /** The batch, with a block for each source; another one begins. */
  take(blockOf: (source: Source) => Block): Batch {
    const [sources, runs, length] = [this.#sources, Uint32Array.from(this.#runs), this.length]
    this.#sources = []
    this.#runs = []
    this.#last = null
    this.length = 0
    return { kind: 'batch', blocks: sources.map(blockOf), runs, length }
  }

  #begin(source: Source): void {
    this.#last = source
    let index = this.#sources.indexOf(source)
    if (index < 0) index = this.#sources.push(source) - 1
    this.#runs.push(index, 0)
  }
}
