import type { Block } from './block.ts'

/** Rows of several blocks of one stream, in an order of their own: row k is row `rows[k]` of `blocks[which[k]]`. */
export interface Picked {
  readonly blocks: readonly Block[]
  readonly which: Uint16Array
  readonly rows: Uint32Array
  readonly length: number
}

let zeros = new Uint16Array(4_096)
let identity = Uint32Array.from({ length: 4_096 }, (_, i) => i)

/** All rows of a block. */
export function wholeBlock(block: Block): Picked {
  if (block.length > identity.length) {
    zeros = new Uint16Array(2 * block.length)
    identity = Uint32Array.from({ length: 2 * block.length }, (_, i) => i)
  }
  return { blocks: [block], which: zeros, rows: identity, length: block.length }
}

/** Rows of several streams, in the order in which they were added: what waits to become one batch. */
export class PickedRows {
  #blocks: Block[] = []
  #which = new Uint16Array(64)
  #rows = new Uint32Array(64)
  #last: Block | null = null
  length = 0

  add(block: Block, row: number): void {
    if (block !== this.#last) this.#use(block)
    const at = this.length++
    if (at === this.#rows.length) this.#grow()
    this.#which[at] = this.#index
    this.#rows[at] = row
  }

  #index = 0

  /** True where another block may be used: indexes have 16 bits. */
  get hasRoom(): boolean {
    return this.#blocks.length < 0xffff
  }

  clear(): void {
    this.#blocks = []
    this.#last = null
    this.length = 0
  }

  /** By stream, in the order of their first rows, and the order between them as a batch's runs. */
  byStream(): { readonly picked: readonly Picked[]; readonly runs: readonly number[] } {
    const { length } = this
    const streams = [...new Set(this.#blocks.map(({ stream }) => stream))]
    if (streams.length === 1) {
      const all = { blocks: this.#blocks, which: this.#which, rows: this.#rows, length }
      return { picked: [all], runs: [0, length] }
    }
    const streamOf = this.#blocks.map(({ stream }) => streams.indexOf(stream))
    const parts = streams.map(() => ({ which: new Uint16Array(length), rows: new Uint32Array(length), length: 0 }))
    const runs: number[] = []
    for (let k = 0; k < length; k++) {
      const stream = streamOf[this.#which[k]!]!
      const part = parts[stream]!
      part.which[part.length] = this.#which[k]!
      part.rows[part.length++] = this.#rows[k]!
      if (runs.at(-2) === stream) runs[runs.length - 1]! += 1
      else runs.push(stream, 1)
    }
    return { picked: parts.map((part) => ({ ...part, blocks: this.#blocks })), runs }
  }

  #use(block: Block): void {
    this.#last = block
    this.#index = this.#blocks.lastIndexOf(block)
    if (this.#index < 0) this.#index = this.#blocks.push(block) - 1
  }

  #grow(): void {
    const which = new Uint16Array(2 * this.length)
    which.set(this.#which)
    this.#which = which
    const rows = new Uint32Array(2 * this.length)
    rows.set(this.#rows)
    this.#rows = rows
  }
}
