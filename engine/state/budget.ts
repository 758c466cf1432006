import type { Memory } from './memory.ts'

/** Room for entries that several tables share. */
export class Budget {
  readonly max: number
  used = 0

  constructor(memory: Memory, max: number) {
    this.max = max
    memory.root(
      () => this.used,
      (used: number) => {
        this.used = used
      },
    )
  }

  get isFull(): boolean {
    return this.used >= this.max
  }
}
