import assert from 'node:assert/strict'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { BehaviorSubject, Subject } from 'rxjs'
import { eventsIn } from '../../../model/batch.ts'
import type { LogRecord } from '../../../model/block.ts'
import type { Counter, Counters } from '../../../model/counters.ts'
import { EngineError, LogCorrupt } from '../../../model/errors.ts'
import type { Commit, FollowedLog, ReadRecords } from '../../../model/ports.ts'
import type { Gauge, Logger } from '../../../model/telemetry.ts'
import { Commits } from '../../../task/commits.ts'
import type { Task } from '../../../task/task.ts'
import { isFenced, reasonOf } from '../errors.ts'
import type { Feed } from '../fetch/feed.ts'
import type { Fetcher } from '../fetch/fetcher.ts'
import type { RecordCursor } from '../fetch/record-cursor.ts'
import { Occasionally } from '../log.ts'
import type { TaskKeep } from '../ports.ts'
import { APPENDED_HEADER } from '../router/exchange-writer.ts'
import { offsetOf, type Skips } from '../skips.ts'
import type { KafkaTaskLog } from './kafka-task-log.ts'

/** Events of one step: some milliseconds of work, then sockets and timers get their turn. */
const STEP_EVENTS = 2_000
const QUIET_COMMIT_MS = 1_000
const OUTPUTS_WAITING_MAX = 5_000
const TRIM_MS = 300_000
/** Between looks whether what is in the way is to be passed over. */
const STUCK_MS = 2_000

/** What a restored partition is processed with. */
interface Processing {
  readonly task: Task
  readonly commits: Commits
  readonly log: FollowedLog
  readonly rests: (position: number) => void
}

export interface PartitionOptions {
  readonly log: KafkaTaskLog
  /** Called once, when the owner before has released the state directory. */
  readonly keepOf: () => TaskKeep
  readonly fetcher: Fetcher
  /** Resolves when the group has confirmed the assignment. */
  readonly proven: () => Promise<void>
  /** Resolves when the owner before, in this process, has let go of the state directory. */
  readonly released: Promise<void>
  readonly logger: Logger
  /** At least so much of the exchange is kept behind stream time, ms. */
  readonly retentionMs: number
  /** Tasks restored without a snapshot. */
  readonly rebuilds: Counter
  readonly counters?: Counters
  /** Absent: nothing that cannot be read is passed over. */
  readonly skips?: Skips
}

/*
 *   created ──► restoring ──► running ──► closing ──► closed
 *                 ▲  │  ▲        │           ▲
 *                 │  └──┼────────┼───────────┤   revoked, or the engine stops
 *                 └─────┴────────┘               a commit failed, or the group was joined again
 */
const NEXT = {
  created: ['restoring', 'closing'],
  restoring: ['restoring', 'running', 'closing'],
  running: ['restoring', 'closing'],
  closing: ['closed'],
  closed: [],
} as const
type State = keyof typeof NEXT

/**
 * One owned exchange partition: its task, and the log that the task reads.
 *
 * Restoring: fence, prove that the group still gives it to us, read the committed position C, then: the task in memory if
 * it is at C, else one from the newest snapshot at or before C and the records behind it, else one from the log alone.
 * Open alerts need no reading where there is a snapshot: it has those of its position, and the records behind it open and
 * close the same ones again. The state topic has them at C; it is read when the log alone must do.
 */
export class OwnedPartition implements FollowedLog {
  readonly joined$ = new BehaviorSubject<null>(null)
  readonly revoked$ = new Subject<null>()
  readonly #options: PartitionOptions
  readonly #occasionally = new Occasionally(5_000)
  #state: State = 'created'
  /** One restore after the other, and closing behind them. */
  #turn: Promise<unknown>
  #keep: TaskKeep | null = null
  #task: Task | null = null
  #commits: Commits | null = null
  #feed: Feed | null = null
  #cursor: RecordCursor | null = null
  #trimmedAtMs = performance.now()
  #closed: Promise<void> | null = null
  /** What cannot be read, found behind records that could: thrown until reading goes on elsewhere. */
  #broken: LogCorrupt | null = null
  /** Why nothing more of it can be read; null = it can. */
  #trouble: string | null = null
  /** Why the last commit or restore failed; null = none did since one that did not. */
  #failing: string | null = null

  constructor(options: PartitionOptions) {
    this.#options = options
    this.#turn = options.released
  }

  get task(): Task | null {
    return this.#task
  }

  get trouble(): string | null {
    return this.#trouble
  }

  get state(): State {
    return this.#state
  }

  /** How far it is committed, and whether records wait behind that; null = not known yet. */
  get progress(): { readonly committed: number; readonly waits: boolean; readonly failing: string | null } | null {
    const end = this.#feed?.highWatermark ?? Number.NaN
    if (!this.#commits || Number.isNaN(end)) return null
    const { committed } = this.#commits
    return { committed, waits: end - 1 > committed, failing: this.#failing }
  }

  gauges(): Gauge[] {
    const gauge = (name: string, value: number): Gauge => ({ name, labels: {}, value })
    const position = this.#commits?.position ?? -1
    const end = this.#feed?.highWatermark ?? Number.NaN
    return [
      ...(Number.isNaN(end) ? [] : [gauge('task_lag_records', Math.max(0, end - 1 - position))]),
      ...(this.#task && Number.isFinite(this.#task.streamMs)
        ? [gauge('task_stream_time_ms', this.#task.streamMs)]
        : []),
      ...(this.#keep?.gauges() ?? []),
    ]
  }

  /** Errors: those of Kafka, and of a log that cannot be read; FENCED where the partition is not ours any more. */
  restore() {
    const restored = this.#turn.then(() => this.#restoreOrStop())
    this.#turn = restored.catch((error) => this.#notRestored(error))
    return restored
  }

  async next(position: number, stop: AbortSignal): Promise<ReadRecords | null> {
    await turn()
    await this.#trim()
    while (!stop.aborted) {
      const read = await this.#readOrStop(position, stop)
      if (read) return read
      await this.#options.fetcher.news(stop)
    }
    return null
  }

  /** Lets go of the partition when the commit under way is over: no other one begins. A snapshot under way is given up. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = this.#close()
      this.#closed.catch(() => {}) // who asks for it hears of it
    }
    return this.#closed
  }

  #enter(state: State): void {
    assert((NEXT[this.#state] as readonly State[]).includes(state), `${this.#state} -> ${state}`)
    this.#state = state
  }

  /** Waits where a record of the past cannot be read: it is the same at each attempt. */
  async #restoreOrStop(): Promise<Processing> {
    for (;;) {
      try {
        const restored = await this.#restore()
        this.#trouble = null
        return restored
      } catch (error) {
        if (!(error instanceof LogCorrupt)) throw error
        await this.#stopAt(error)
      }
    }
  }

  async #restore(): Promise<Processing> {
    const { log, proven, skips } = this.#options
    this.#mustBeOurs()
    this.#enter('restoring')
    await skips?.look()
    this.#keep ??= this.#options.keepOf()
    await this.#commits?.paused()
    await log.fence()
    this.#mustBeOurs()
    await proven()
    this.#mustBeOurs()
    const position = await log.position()
    this.#mustBeOurs()
    if (!this.#task || !this.#commits?.resume(position)) await this.#rebuild()
    const [task, commits] = [this.#task!, this.#commits!]
    this.#mustBeOurs()
    this.#follow(commits.position + 1)
    this.#enter('running')
    const rests = (at: number): void => this.#keep?.rests(at)
    return { task, commits, log: this, rests }
  }

  #notRestored(error: unknown): void {
    if (error instanceof EngineError && error.code === 'FENCED') return // as happens at each rebalance
    this.#failing = reasonOf(error)
    const { topic, partition } = this.#options.log.place
    this.#occasionally.warn(
      this.#options.logger,
      { topic, partition, reason: reasonOf(error) },
      'a task is not restored',
    )
  }

  #mustBeOurs(): void {
    if (this.#state === 'closing' || this.#state === 'closed')
      throw new EngineError('FENCED', 'the partition was given away')
  }

  async #rebuild(): Promise<void> {
    const { log, logger, rebuilds } = this.#options
    const { topic, partition } = log.place
    const startMs = performance.now()
    this.#task = null
    this.#commits?.abandon()
    const commits = { current: null as Commits | null }
    const { task, position, snapshot, records } = await this.#keep!.takeUp(log, (at) => commits.current!.until(at))
    commits.current = new Commits(
      {
        write: (commit) => this.#write(commit),
        outputsMax: OUTPUTS_WAITING_MAX,
        quietMs: QUIET_COMMIT_MS,
        clock: Date.now,
      },
      position,
    )
    this.#commits = commits.current
    this.#task = task
    if (snapshot === null) rebuilds.value++
    const tookMs = Math.round(performance.now() - startMs)
    const { openAlerts } = task.gauges
    logger.info({ topic, partition, position, snapshot, records, openAlerts, tookMs }, 'task ready')
  }

  async #write(commit: Commit): Promise<void> {
    const { log, logger } = this.#options
    const { topic, partition } = log.place
    try {
      await log.commit(commit)
      this.#failing = null
    } catch (error) {
      this.#failing = reasonOf(error)
      const fields = { topic, partition, reason: this.#failing, fenced: isFenced(error) }
      logger.warn(fields, 'a commit failed; asking what became of it')
      throw error
    }
  }

  #follow(offset: number): void {
    const { topic, partition } = this.#options.log.place
    this.#cursor = null
    this.#broken = null
    if (this.#feed) this.#feed.seek(offset)
    else this.#feed = this.#options.fetcher.open(topic, partition, offset)
  }

  /** The same as `#read`; waits where a record cannot be read, until somebody says to pass it over, or `stop`. */
  async #readOrStop(position: number, stop: AbortSignal): Promise<ReadRecords | null> {
    while (!stop.aborted) {
      try {
        const read = this.#read(position)
        this.#trouble = null
        return read
      } catch (error) {
        if (!(error instanceof LogCorrupt)) throw error
        await this.#stopAt(error, stop)
      }
    }
    return null
  }

  /** Says it, waits, and passes over what is in the way where somebody said so. The other partitions go on. */
  async #stopAt(error: LogCorrupt, stop?: AbortSignal): Promise<void> {
    const { log, logger, skips } = this.#options
    const { topic, partition } = log.place
    const offset = offsetOf(error, this.#feed?.position ?? 0)
    if (this.#trouble === null) {
      this.#trouble = error.message
      this.#count('exchange_partitions_stuck_total', 1)
      const wayOut = `lapwing skip ${topic}/${partition}@${offset}`
      logger.error({ topic, partition, reason: error.message, wayOut }, 'a task has stopped; the others go on')
    }
    await sleep(STUCK_MS, undefined, { signal: stop }).catch(() => {})
    await skips?.look()
    const skip = skips?.find(topic, partition, offset)
    if (!skip || !this.#feed) return
    this.#count('records_skipped_total', skip.to - skip.from + 1)
    logger.warn(skip, 'these offsets are passed over, as lapwing skip said')
    this.#follow(skip.to + 1)
  }

  #count(name: string, by: number): void {
    const { counters, log } = this.#options
    if (counters) counters.counter(name, { topic: log.place.topic }).value += by
  }

  /** Records behind `position`, some thousand events; null = none is here. */
  #read(position: number): ReadRecords | null {
    if (this.#broken) throw this.#broken
    const records: LogRecord[] = []
    let events = 0
    let appendedMs = Number.POSITIVE_INFINITY
    try {
      while (events < STEP_EVENTS) {
        const cursor = this.#nextRecord()
        if (!cursor) break
        const { offset, bytes, valueStart, valueEnd } = cursor
        if (offset <= position) continue
        const record = this.#options.log.decode(offset, valueEnd < 0 ? null : bytes.subarray(valueStart, valueEnd))
        records.push(record)
        events += Math.max(1, eventsIn(record.entry))
        appendedMs = Math.min(appendedMs, appendedIn(cursor))
      }
    } catch (error) {
      if (!(error instanceof LogCorrupt)) throw error
      this.#broken = error
      if (records.length === 0) throw error
    }
    return records.length === 0 ? null : { records, appendedMs: Number.isFinite(appendedMs) ? appendedMs : Date.now() }
  }

  #nextRecord(): RecordCursor | null {
    for (;;) {
      this.#cursor ??= this.#feed?.take()?.cursor() ?? null
      if (!this.#cursor) return null
      if (this.#cursor.next()) return this.#cursor
      this.#cursor = null
    }
  }

  async #trim(): Promise<void> {
    const [task, commits] = [this.#task, this.#commits]
    if (performance.now() - this.#trimmedAtMs < TRIM_MS || !task || !commits || !Number.isFinite(task.streamMs)) return
    this.#trimmedAtMs = performance.now()
    const { log, logger, retentionMs } = this.#options
    try {
      await log.trim(task.streamMs - Math.max(retentionMs, task.rebuildSpanMs), commits.committed)
    } catch (error) {
      logger.warn({ topic: log.place.topic, reason: reasonOf(error) }, 'the exchange cannot be trimmed; it grows')
    }
  }

  async #close(): Promise<void> {
    this.#enter('closing')
    this.#feed?.close()
    await this.#commits?.paused()
    this.#commits?.abandon()
    await this.#turn
    this.#commits?.abandon()
    await this.#keep?.close()
    this.#task = null
    await this.#options.log.close()
    this.#enter('closed')
  }
}

function appendedIn(cursor: RecordCursor): number {
  const header = cursor.headers().find(({ key }) => key === APPENDED_HEADER)
  const ms = Number(header?.value ?? Number.NaN)
  return Number.isFinite(ms) ? ms : Number.POSITIVE_INFINITY
}
