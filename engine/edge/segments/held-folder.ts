import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Chunk } from '../../state/chunk.ts'
import { FileSegments, type SegmentCounts } from './file-segments.ts'
import { CHUNKS, PACKED } from './part-forms.ts'

const EVENTS_PER_SEGMENT = 4_096

interface Held {
  readonly rows: FileSegments<Chunk>
  readonly index: FileSegments
  close(): void
}

/**
 * Where the events held by one task stand that are not in memory: a folder of segments for each filling of its state.
 * Nothing in it outlives the process; snapshots have copies of their own.
 */
export class HeldFolder {
  readonly #folder: string
  readonly #inMemoryMax: number
  readonly #open = new Set<Held>()
  readonly #closed: SegmentCounts = new Counts()
  #next = 0

  /** Empties the folder. */
  constructor(folder: string, eventsInMemory: number) {
    this.#folder = folder
    this.#inMemoryMax = Math.max(1, Math.floor(eventsInMemory / EVENTS_PER_SEGMENT))
    rmSync(folder, { recursive: true, force: true })
  }

  open(): Held {
    const folder = join(this.#folder, String(this.#next++))
    const rows = new FileSegments(join(folder, 'rows'), this.#inMemoryMax, CHUNKS)
    const index = new FileSegments(join(folder, 'index'), this.#inMemoryMax, PACKED)
    const held = {
      rows,
      index,
      close: (): void => {
        if (!this.#open.delete(held)) return
        for (const segments of [rows, index]) {
          segments.close()
          add(this.#closed, segments.counts)
        }
        rmSync(folder, { recursive: true, force: true })
      },
    }
    this.#open.add(held)
    return held
  }

  close(): void {
    for (const held of [...this.#open]) held.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Over all that were ever open. */
  counts(): SegmentCounts {
    const sum = { ...this.#closed }
    for (const { rows, index } of this.#open) for (const { counts } of [rows, index]) add(sum, counts)
    return sum
  }
}

class Counts implements SegmentCounts {
  written = 0
  writtenBytes = 0
  read = 0
  readsAwaited = 0
  writesAwaited = 0
  writesFailed = 0
}

function add(sum: SegmentCounts, counts: SegmentCounts): void {
  for (const name of Object.keys(counts) as (keyof SegmentCounts)[]) sum[name] += counts[name]
}
