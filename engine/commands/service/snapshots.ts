import type { SnapshotConfig } from '../../config.ts'
import type { FolderSnapshots } from '../../edge/snapshots/folder-snapshots.ts'
import type { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { SnapshotSource } from '../../model/ports.ts'
import type { Gauge, Logger } from '../../model/telemetry.ts'
import type { Task } from '../../task/task.ts'

export interface SnapshotsOptions {
  /** Of the task, for the log. */
  readonly folder: string
  readonly task: Task
  readonly store: FolderSnapshots
  readonly config: SnapshotConfig
  readonly counters: Counters
  readonly logger: Logger
  /** The log position that the state stands at on disk. */
  readonly position: number
  /** Resolves when a position at which the task rested is committed; rejects when that will not come: then `giveUp`. */
  readonly committed: (position: number) => Promise<void>
}

/**
 * Writes the state of a task now and then, while the task goes on. A snapshot begins only while the task rests between
 * two steps, and is there when its position is committed.
 */
export class Snapshots {
  readonly #options: SnapshotsOptions
  /** Position of the task between two steps; null before the first time. */
  #resting: number | null = null
  /** Position of the newest snapshot that was begun and has not failed. */
  #taken: number
  #takenAtMs: number | null = null
  #lastMs = performance.now()
  #running: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  readonly #ending = new AbortController()
  #last: { readonly seconds: number; readonly bytes: number; readonly pieces: number } | null = null

  constructor(options: SnapshotsOptions) {
    this.#options = options
    this.#taken = options.position
  }

  rests(position: number): void {
    this.#resting = position
    this.#takeWhenDue()
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

  /** Writes nothing any more; what is under way is given up, and the last one stays. */
  async giveUp(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#ending.abort()
    await this.#running
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

  /** Records read since the last one. */
  get #changed(): number {
    return (this.#resting ?? this.#taken) - this.#taken
  }

  #takeWhenDue(): void {
    const { everyMs, records } = this.#options.config
    if (everyMs === 0 || this.#running || this.#resting === null || this.#changed === 0) return
    if (this.#ending.signal.aborted) return
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
    const { task, store, counters, logger, committed } = this.#options
    const { signal } = this.#ending
    const position = this.#resting as number
    const before = this.#taken
    const beganMs = performance.now()
    const atMs = Date.now()
    this.#lastMs = beganMs
    this.#taken = position
    try {
      const source = unless(signal, task.beginSnapshot(store.wantsFull))
      const saved = await store.save(position, source, () => {
        signal.throwIfAborted()
        return committed(position)
      })
      const seconds = (performance.now() - beganMs) / 1e3
      this.#last = { seconds, bytes: saved.bytes, pieces: saved.pieces }
      this.#takenAtMs = atMs
      counters.counter('snapshots_total').value++
      counters.counter('snapshot_written_bytes_total').value += saved.bytes
      counters.counter('snapshot_written_pieces_total').value += saved.pieces
      logger.debug({ position, seconds, ...saved }, 'snapshot written')
    } catch (error) {
      this.#taken = before
      if (signal.aborted) {
        logger.debug({ position }, 'a snapshot was given up with its task; the one before stays')
        return
      }
      // a file of segments that is damaged, or went with the rules of before
      const isGone = error instanceof EngineError && error.code === 'STATE_CORRUPT'
      if (!isGone && !isOfSystem(error)) throw error
      counters.counter('snapshot_failures_total').value++
      logger.warn(
        { folder: this.#options.folder, position, reason: error.message },
        'no snapshot was written; the one before stays',
      )
    }
  }
}

/** The same source, until `signal` aborts. */
function unless(signal: AbortSignal, source: SnapshotSource): SnapshotSource {
  return {
    full: source.full,
    head: source.head,
    has: (key) => source.has(key),
    copy: (bytesMax) => {
      signal.throwIfAborted()
      return source.copy(bytesMax)
    },
    giveUp: () => source.giveUp(),
  }
}

/** A full disk, a folder that may not be written: not a mistake in the program. */
function isOfSystem(error: unknown): error is Error {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'string' && 'syscall' in error
}
