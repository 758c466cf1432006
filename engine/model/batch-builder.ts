import type { Batch } from './block.ts'
import type { BlockBuilder } from './block-builder.ts'

/** Makes one batch of the rows of several blocks, in the order in which they are written. */
export class BatchBuilder {
  #open: BlockBuilder[] = []
  #runs: number[] = []
  /** Rows. */
  length = 0

  /** The row just written to `builder` comes next. */
  add(builder: BlockBuilder): void {
    let index = this.#open.indexOf(builder)
    if (index < 0) index = this.#open.push(builder) - 1
    if (this.#runs.at(-2) === index) this.#runs[this.#runs.length - 1]! += 1
    else this.#runs.push(index, 1)
    this.length += 1
  }

  /** The rows added since the last time; it and its builders begin again. */
  build(): Batch {
    const blocks = this.#open.map((builder) => builder.build())
    const batch: Batch = { kind: 'batch', blocks, runs: Uint32Array.from(this.#runs), length: this.length }
    this.#open = []
    this.#runs = []
    this.length = 0
    return batch
  }
}
