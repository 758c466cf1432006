import type { SavedState, SnapshotSource } from '../model/ports.ts'

/** Pieces as a store keeps them; `copyNext` lets the task go on in between. */
export class Shelf {
  head = new Uint8Array(0)
  pieces = new Map<number, Uint8Array>()
  #under: SnapshotSource | null = null

  begin(source: SnapshotSource): void {
    this.#under = source
    this.head = source.head.slice()
    for (const key of [...this.pieces.keys()]) if (source.full || !source.has(key)) this.pieces.delete(key)
  }

  /** True when it is complete. */
  copyNext(bytesMax: number): boolean {
    const copied = this.#under!.copy(bytesMax)
    for (const { key, bytes } of copied ?? []) this.pieces.set(key, bytes.slice())
    return copied === null
  }

  get saved(): SavedState {
    return { head: this.head, pieces: [...this.pieces].map(([key, bytes]) => ({ key, bytes })) }
  }
}
