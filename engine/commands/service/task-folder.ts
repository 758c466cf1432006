import { join } from 'node:path'
import type { SnapshotConfig } from '../../config.ts'
import { HeldFolder } from '../../edge/segments/held-folder.ts'
import { FolderSnapshots } from '../../edge/snapshots/folder-snapshots.ts'
import type { Counters } from '../../model/counters.ts'
import type { SnapshotRefused } from '../../model/errors.ts'
import type { Limits } from '../../model/limits.ts'
import type { NumberedLog } from '../../model/ports.ts'
import type { Stream } from '../../model/stream.ts'
import type { Gauge, Logger } from '../../model/telemetry.ts'
import { type TakenUp, takeUp } from '../../task/step.ts'
import { Task } from '../../task/task.ts'
import { Snapshots } from './snapshots.ts'

export interface TaskFolderOptions {
  readonly folder: string
  readonly streams: readonly Stream[]
  readonly limits: Limits
  readonly snapshots: SnapshotConfig
  readonly counters: Counters
  readonly logger: Logger
}

/** What one task has on disk: snapshots of its state, and the events it holds that are not in memory. */
export class TaskFolder {
  readonly #options: TaskFolderOptions
  readonly #held: HeldFolder
  #snapshots: Snapshots | null = null
  #takenUp: readonly Gauge[] = []
  /** By metric: what has been counted of the segments. */
  readonly #counted = new Map<string, number>()

  constructor(options: TaskFolderOptions) {
    this.#options = options
    this.#held = new HeldFolder(join(options.folder, 'held'), options.limits.eventsInMemory)
  }

  /**
   * A task with the state of the log's last commit; the one before is of no use any more. `committed` resolves when a
   * position at which the task rested is committed: before that, no snapshot of it gets its name. It rejects when that
   * will not come.
   */
  async takeUp(log: NumberedLog, committed: (position: number) => Promise<void> = async () => {}): Promise<TakenUp> {
    const { folder, streams, limits, counters, logger } = this.#options
    await this.#snapshots?.giveUp()
    await log.position() // its id is known from here on
    const store = new FolderSnapshots(join(folder, 'snapshots'), log.id)
    const fresh = (): Task => {
      this.#held.close()
      return new Task({ streams, counters, finite: false, limits, held: () => this.#held.open() })
    }
    const beganMs = performance.now()
    const taken = await takeUp(fresh, log, store, (refusal, name) => this.#tellRefused(refusal, name))
    const seconds = (performance.now() - beganMs) / 1e3
    const { task, position, snapshot, records } = taken
    if (position >= 0) logger.info({ folder, position, snapshot, records, seconds }, 'state taken up')
    const config = this.#options.snapshots
    this.#snapshots = new Snapshots({
      ...{ folder, task, store, config, counters, logger, committed },
      position: position - records,
    })
    this.#takenUp = [
      { name: 'restore_seconds', labels: {}, value: seconds },
      { name: 'restore_records', labels: {}, value: records },
    ]
    return taken
  }

  /** The task is at this position and at no record: a snapshot may begin, now or until the next step. */
  rests(position: number): void {
    this.#countSegments()
    this.#snapshots?.rests(position)
  }

  gauges(): Gauge[] {
    return [...this.#takenUp, ...(this.#snapshots?.gauges() ?? [])]
  }

  /** Writes a last snapshot, but for no longer than `msMax`. */
  async end(msMax: number): Promise<void> {
    await this.#snapshots?.end(msMax)
  }

  /** Gives up a snapshot under way. Nothing is asked of the task after this. */
  async close(): Promise<void> {
    await this.#snapshots?.giveUp()
    this.#held.close()
  }

  #tellRefused({ code, reason, message }: SnapshotRefused, name: string): void {
    const { counters, logger, folder } = this.#options
    counters.counter('snapshots_refused_total', { reason }).value++
    logger.warn({ folder, file: name, code, reason }, message)
  }

  #countSegments(): void {
    const { written, writtenBytes, readsAwaited, writesAwaited, writesFailed } = this.#held.counts()
    this.#count('segments_written_total', written)
    this.#count('segment_written_bytes_total', writtenBytes)
    this.#count('segment_reads_awaited_total', readsAwaited)
    this.#count('segment_writes_awaited_total', writesAwaited)
    this.#count('segment_writes_failed_total', writesFailed)
  }

  /** Several tasks share a counter. */
  #count(name: string, total: number): void {
    this.#options.counters.counter(name).value += total - (this.#counted.get(name) ?? 0)
    this.#counted.set(name, total)
  }
}
