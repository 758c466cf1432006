import type { SnapshotConfig } from '../../config.ts'
import type { FolderSnapshots } from '../../edge/snapshots/folder-snapshots.ts'
import type { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { Task } from '../../task/task.ts'
import type { Gauge, Logger } from './service.ts'

export interface SnapshotsOptions {
  readonly task: Task
  readonly store: FolderSnapshots
  readonly config: SnapshotConfig
  readonly counters: Counters
  readonly logger: Logger
  /** The log position that the state stands at on disk. */
  readonly position: number
}

/**
 * Writes the state of a task now and then, while the task goes on. A snapshot is of a commit: it begins only while the
 * task rests between two (`rests` to `moves`).
 */
export class Snapshots {
  readonly #options: SnapshotsOptions
  /** Committed position at which the task rests; null = it is at work. */
  #resting: number | null = null
  /** Position of the newest snapshot that was begun and has not failed. */
  #taken: number
  #takenAtMs: number | null = null
  #lastMs = performance.now()
  #running: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #last: { readonly seconds: number; readonly bytes: number; readonly pieces: number } | null = null

  constructor(options: SnapshotsOptions) {
    this.#options = options
    this.#taken = options.position
  }

  rests(position: number): void {
    this.#resting = position
    this.#takeWhenDue()
  }

  moves(): void {
    this.#resting = null
  }

  /** Writes what changed since the last one, but for no longer than `msMax`: then the last one stays. */
  async end(msMax: number): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const late = new Promise<void>((resolve) => setTimeout(resolve, msMax).unref())
    const all = async (): Promise<void> => {
      await this.#running
      if (this.#changed > 0 && this.#options.config.everyMs > 0) await this.#take()
    }
    await Promise.race([all(), late])
  }

  gauges(): Gauge[] {
    const gauge = (name: string, value: number): Gauge => ({ name, labels: {}, value })
    const age = this.#takenAtMs === null ? [] : [gauge('snapshot_age_seconds', (Date.now() - this.#takenAtMs) / 1e3)]
    if (!this.#last) return age
    const { seconds, bytes, pieces } = this.#last
    return [
      ...age,
      gauge('snapshot_seconds', seconds),
      gauge('snapshot_bytes', bytes),
      gauge('snapshot_pieces', pieces),
    ]
  }

  /** Records committed since the last one. */
  get #changed(): number {
    return (this.#resting ?? this.#taken) - this.#taken
  }

  #takeWhenDue(): void {
    const { everyMs, records } = this.#options.config
    if (everyMs === 0 || this.#running || this.#resting === null || this.#changed === 0) return
    const dueInMs = this.#lastMs + everyMs - performance.now()
    if (dueInMs <= 0 || this.#changed >= records) {
      this.#running = this.#take().finally(() => {
        this.#running = null
      })
    } else if (!this.#timer) {
      const again = (): void => {
        this.#timer = null
        this.#takeWhenDue()
      }
      this.#timer = setTimeout(again, dueInMs).unref()
    }
  }

  async #take(): Promise<void> {
    const { task, store, counters, logger } = this.#options
    const position = this.#resting as number
    const before = this.#taken
    const beganMs = performance.now()
    const atMs = Date.now()
    this.#lastMs = beganMs
    this.#taken = position
    try {
      const saved = await store.save(position, task.beginSnapshot(store.wantsFull))
      const seconds = (performance.now() - beganMs) / 1e3
      this.#last = { seconds, bytes: saved.bytes, pieces: saved.pieces }
      this.#takenAtMs = atMs
      counters.counter('snapshots_total').value++
      counters.counter('snapshot_written_bytes_total').value += saved.bytes
      counters.counter('snapshot_written_pieces_total').value += saved.pieces
      logger.debug({ position, seconds, ...saved }, 'snapshot written')
    } catch (error) {
      // a segment that was let go of while the snapshot was under way cannot be copied any more
      const isGone = error instanceof EngineError && error.code === 'STATE_CORRUPT'
      if (!isGone && !isOfSystem(error)) throw error
      this.#taken = before
      counters.counter('snapshot_failures_total').value++
      logger.warn({ position, reason: error.message }, 'no snapshot was written; the one before stays')
    }
  }
}

/** A full disk, a folder that may not be written: not a mistake in the program. */
function isOfSystem(error: unknown): error is Error {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'string' && 'syscall' in error
}
