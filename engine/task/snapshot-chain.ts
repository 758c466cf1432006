import type { HeldPart } from '../state/held-bytes.ts'
import type { Core } from './core.ts'
import { type StateToSave, TaskSnapshot } from './snapshot.ts'

/** Snapshots of one task, each of what changed since the one before; the first of a core is of all. */
export class SnapshotChain {
  /** The core of the last snapshot, and the first parts of its events that it did not have as they will ever be. */
  #last: { readonly core: Core; readonly chunksEnd: number; readonly indexEnd: number } | null = null

  begin(core: Core, full: boolean, state: Omit<StateToSave, 'full' | 'firstNewChunk' | 'firstNewIndex'>): TaskSnapshot {
    const { held } = state
    const before = this.#last?.core === core ? this.#last : null
    this.#last = { core, chunksEnd: endOf(held.chunks), indexEnd: endOf(held.index) }
    return new TaskSnapshot({
      ...state,
      full: full || before === null,
      firstNewChunk: before?.chunksEnd ?? 0,
      firstNewIndex: before?.indexEnd ?? 0,
    })
  }
}

/** Behind the last one that is final. */
function endOf(parts: readonly HeldPart[]): number {
  return (parts.findLast(({ isFinal }) => isFinal)?.number ?? -1) + 1
}
