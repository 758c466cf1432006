import type { KeySpace } from '../state/key-space.ts'

/** Keys that nothing referred to at some time of this moment: they are let go at its end if still nothing does. */
export class IdleKeys {
  readonly #spaces: readonly KeySpace[]
  readonly #idle: number[] = []

  constructor(spaces: readonly KeySpace[]) {
    this.#spaces = spaces
  }

  add(space: number, slot: number): void {
    this.#idle.push(space, slot)
  }

  forget(): void {
    const idle = this.#idle
    if (idle.length === 0) return
    for (let i = 0; i < idle.length; i += 2) this.#spaces[idle[i]].forget(idle[i + 1])
    idle.length = 0
  }
}
