import type { KeySpace } from '../state/key-space.ts'

/** Keys that nothing referred to at some time of this moment: they are let go at its end if still nothing does. */
export class IdleKeys {
  readonly #spaces: readonly KeySpace[]
  /** Space and slot of each: the first `#end` numbers. */
  readonly #idle: number[] = []
  #end = 0

  constructor(spaces: readonly KeySpace[]) {
    this.#spaces = spaces
  }

  add(space: number, slot: number): void {
    this.#idle[this.#end++] = space
    this.#idle[this.#end++] = slot
  }

  forget(): void {
    if (this.#end === 0) return
    for (let i = 0; i < this.#end; i += 2) this.#spaces[this.#idle[i]].forget(this.#idle[i + 1])
    this.#end = 0
  }
}
