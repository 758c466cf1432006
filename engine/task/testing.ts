import type { LogEntry, LogRecord } from '../model/block.ts'
import type { Announcement, Output } from '../model/output.ts'
import type { SavedState, SnapshotPiece, SnapshotSource } from '../model/ports.ts'
import { rebuild, step } from './step.ts'
import type { Task } from './task.ts'

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
    const kept = [...this.pieces]
    function* pieces(): Generator<SnapshotPiece> {
      for (const [key, bytes] of kept) yield { key, bytes: bytes.slice() } // a task goes on in the arrays it is given
    }
    return { head: this.head, pieces: { [Symbol.iterator]: pieces } }
  }
}

/** The whole state of a task, which may go on. */
export function snapshotOf(task: Task): SavedState {
  const shelf = new Shelf()
  shelf.begin(task.beginSnapshot(true))
  while (!shelf.copyNext(Number.POSITIVE_INFINITY));
  return shelf.saved
}

export interface Made {
  readonly outputs: Output[]
  readonly announcements: Announcement[]
}

/**
 * What a log makes, read record by record at every tenth position. Before the record `cut` the task is dropped, and made anew
 * from a snapshot, or from its log alone: `past` then begins where stream time came to what a rebuild needs.
 */
export async function runLog(
  fresh: () => Task,
  entries: readonly LogEntry[],
  cut = -1,
  how: 'log' | 'snapshot' = 'log',
): Promise<Made> {
  const records: LogRecord[] = entries.map((entry, i) => ({ position: 10 * i, entry }))
  const kept = new Map<string, string>()
  const clocks: number[] = []
  let task = fresh()
  const made: Made = { outputs: [], announcements: [] }
  for (const [i, record] of records.entries()) {
    if (i === cut && i > 0) {
      const saved = how === 'snapshot' ? snapshotOf(task) : null
      task = fresh()
      if (saved) task.restore(saved)
      else
        await rebuild(task, {
          committed: async () => ({ position: records[i - 1].position, kept }),
          past: async function* (fromStreamMs, through) {
            const first = clocks.findIndex((clockMs) => clockMs >= fromStreamMs)
            yield records.slice(Math.max(0, first)).filter((r) => r.position <= through)
          },
        })
    }
    const { outputs, changes, announcements = [] } = step(task, [record])
    for (const [key, value] of changes) {
      if (value === null) kept.delete(key)
      else kept.set(key, value)
    }
    clocks.push(task.streamMs)
    made.outputs.push(...outputs)
    made.announcements.push(...announcements)
  }
  return made
}
