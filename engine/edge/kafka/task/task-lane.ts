import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { KafkaMessage } from 'kafkajs'
import type { LogRecord } from '../../../model/block.ts'
import type { Counter } from '../../../model/counters.ts'
import { EngineError } from '../../../model/errors.ts'
import type { Announcement, Output } from '../../../model/output.ts'
import type { Commit } from '../../../model/ports.ts'
import { step } from '../../../task/step.ts'
import type { Task } from '../../../task/task.ts'
import { isFenced, reasonOf } from '../errors.ts'
import type { Gauge } from '../gauges.ts'
import type { Logger } from '../log.ts'
import type { TaskKeep } from '../ports.ts'
import type { KafkaTaskLog } from './kafka-task-log.ts'

/** Events between two looks at the outputs, and two heartbeats. */
const STEP_EVENTS = 2_000
const QUIET_COMMIT_MS = 1_000
const TRIM_MS = 300_000
/** Outputs that may wait for the commit under way before the next step waits too. */
const WAITING_MAX = 5_000

export interface LaneOptions {
  readonly log: KafkaTaskLog
  readonly keep: TaskKeep
  readonly logger: Logger
  /** Longer than this a heartbeat really goes out, ms. */
  readonly heartbeatMs: number
  /** At least so much of the exchange is kept behind stream time, ms. */
  readonly retentionMs: number
  /** Tasks taken up without a snapshot. */
  readonly rebuilds: Counter
}

/** Somebody waits until a position is committed. */
interface Waiter {
  readonly position: number
  resolve(): void
  reject(error: unknown): void
}

/** What a batch comes to: read on behind it, or read again from an offset. */
export type Outcome =
  | { readonly next: 'on' }
  | { readonly next: 'seek'; readonly offset: number }
  | { readonly next: 'stale' }

/**
 * One owned exchange partition: the task, its position, and what waits to be committed.
 *
 *   closed -> fence -> heartbeat -> committed position C -> the task in memory if it stands there, else one from the newest
 *   snapshot at or before C and the records behind it, else one rebuilt from the log alone -> open
 *
 * Open alerts need no reading where there is a snapshot: it has those of its position, and the records behind it open and
 * close the same ones again. The state topic has them at C; it is read when the log alone must do.
 *
 * Commits run beside the processing, one at a time: kafkajs fetches nothing for any partition of a broker while one of its
 * batches waits. What is made meanwhile is the next commit. An error closes the lane; the next batch finds out what became
 * of the commit. Records at or below the position are never processed again.
 */
export class TaskLane {
  readonly #options: LaneOptions
  #task: Task | null = null
  #open = false
  #closed = false
  #position = -1
  #committed = -1
  #outputs: Output[] = []
  #changes = new Map<string, string | null>()
  #announcements: Announcement[] = []
  /** The commit under way, or the one that failed until its fate is known. `done` never rejects. */
  #flight: { readonly commit: Commit; readonly done: Promise<void> } | null = null
  #committedAtMs = Number.NEGATIVE_INFINITY
  #waiters: Waiter[] = []
  /** The batch under way; never rejects. */
  #busy: Promise<unknown> = Promise.resolve()
  #trimmedAtMs = performance.now()
  highWatermark = 0

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** Records of the exchange that are not processed yet. */
  get lag(): number {
    return Math.max(0, this.highWatermark - 1 - this.#position)
  }

  get streamMs(): number | null {
    return this.#task && Number.isFinite(this.#task.streamMs) ? this.#task.streamMs : null
  }

  /** Its state is in memory. */
  get isReady(): boolean {
    return this.#task !== null
  }

  gauges(): readonly Gauge[] {
    return this.#options.keep.gauges()
  }

  /** After a join somebody else may have been here: the next batch fences first. */
  rejoined(): void {
    this.#open = false
  }

  /** Processes a batch and begins to commit what it made. Errors: those of Kafka, and of a log that cannot be read. */
  process(messages: readonly KafkaMessage[], heartbeat: () => Promise<void>): Promise<Outcome> {
    const outcome = this.#process(messages, heartbeat)
    this.#busy = outcome.catch(() => {})
    return outcome
  }

  async #process(messages: readonly KafkaMessage[], heartbeat: () => Promise<void>): Promise<Outcome> {
    if (!this.#open) await this.#reopen(heartbeat)
    if (messages.length > 0 && Number(messages[0].offset) > this.#position + 1)
      return { next: 'seek', offset: this.#position + 1 }
    for (const records of this.#slices(messages)) {
      this.#take(records)
      this.#commitIfDue()
      if (this.#outputs.length + this.#announcements.length > WAITING_MAX) await this.#flight?.done
      await heartbeat()
      await turn()
      if (!this.#open) return { next: 'stale' }
    }
    await this.#trim()
    return { next: 'on' }
  }

  /** Lets go of the partition when the commit under way is over: no other one begins. A snapshot under way is given up. */
  async close(): Promise<void> {
    this.#closed = true
    this.#open = false
    await this.#flight?.done
    this.#giveUpWaiting()
    await this.#busy
    await this.#options.keep.close()
    this.#task = null
    await this.#options.log.close()
  }

  /** Records above the position, some thousand events at a time. */
  *#slices(messages: readonly KafkaMessage[]): Generator<LogRecord[]> {
    let slice: LogRecord[] = []
    let events = 0
    for (const { offset, value } of messages) {
      if (Number(offset) <= this.#position) continue
      const record = this.#options.log.decode(Number(offset), value)
      slice.push(record)
      events += record.entry.kind === 'block' ? record.entry.length : 1
      if (events < STEP_EVENTS) continue
      yield slice
      slice = []
      events = 0
    }
    if (slice.length > 0) yield slice
  }

  #take(records: readonly LogRecord[]): void {
    const { position, outputs, changes, announcements = [] } = step(this.#task!, records)
    this.#position = position
    for (const output of outputs) this.#outputs.push(output)
    for (const announcement of announcements) this.#announcements.push(announcement)
    for (const [key, value] of changes) this.#changes.set(key, value)
    this.#options.keep.rests(position)
  }

  /** Outputs at once, a mere position once a second. */
  #commitIfDue(): void {
    if (this.#flight || !this.#open || this.#position === this.#committed) return
    const isQuiet = this.#outputs.length === 0 && this.#announcements.length === 0
    if (isQuiet && performance.now() - this.#committedAtMs < QUIET_COMMIT_MS) return
    const commit: Commit = {
      position: this.#position,
      outputs: this.#outputs,
      changes: this.#changes,
      announcements: this.#announcements,
    }
    this.#outputs = []
    this.#changes = new Map()
    this.#announcements = []
    this.#flight = { commit, done: this.#commit(commit) }
  }

  async #commit(commit: Commit): Promise<void> {
    try {
      await this.#options.log.commit(commit)
    } catch (error) {
      const { logger, log } = this.#options
      const { topic, partition } = log.place
      const fields = { topic, partition, reason: reasonOf(error), fenced: isFenced(error) }
      logger.warn(fields, 'a commit failed; asking what became of it')
      this.#open = false
      return
    }
    this.#wasCommitted(commit)
    this.#commitIfDue()
  }

  #wasCommitted({ position }: Commit): void {
    this.#flight = null
    this.#committed = position
    this.#committedAtMs = performance.now()
    for (const waiter of this.#waiters) if (waiter.position <= position) waiter.resolve()
    this.#waiters = this.#waiters.filter((waiter) => waiter.position > position)
  }

  #untilCommitted(position: number): Promise<void> {
    if (position <= this.#committed) return Promise.resolve()
    if (this.#closed) return Promise.reject(new EngineError('FENCED', 'the partition was given away'))
    return new Promise((resolve, reject) => this.#waiters.push({ position, resolve, reject }))
  }

  #giveUpWaiting(): void {
    for (const { reject } of this.#waiters) reject(new EngineError('FENCED', 'the task was given up'))
    this.#waiters = []
  }

  /** Heartbeats fail where the partition is no longer ours, and that ends it here. */
  async #reopen(heartbeat: () => Promise<void>): Promise<void> {
    const { log, heartbeatMs } = this.#options
    await this.#flight?.done
    if (this.#closed) throw new EngineError('FENCED', 'the partition was given away')
    await log.fence()
    await sleep(heartbeatMs)
    await heartbeat()
    if (!this.#task) await this.#rebuild()
    else await this.#takeStock(await log.position())
    if (this.#closed) throw new EngineError('FENCED', 'the partition was given away')
    this.#open = true
    this.#commitIfDue()
  }

  /** The task in memory goes on if the log stands where it thinks: before the commit that failed, or behind it. */
  async #takeStock(position: number): Promise<void> {
    const failed = this.#flight?.commit
    if (failed && position === failed.position) this.#wasCommitted(failed)
    else if (position !== this.#committed) await this.#rebuild()
    else if (failed) {
      this.#outputs = [...failed.outputs, ...this.#outputs]
      this.#changes = new Map([...failed.changes, ...this.#changes])
      this.#announcements = [...(failed.announcements ?? []), ...this.#announcements]
      this.#flight = null
    }
  }

  async #rebuild(): Promise<void> {
    const { log, keep, logger, rebuilds } = this.#options
    const { topic, partition } = log.place
    const startMs = performance.now()
    this.#task = null
    this.#flight = null
    this.#outputs = []
    this.#changes = new Map()
    this.#announcements = []
    this.#giveUpWaiting()
    const { task, position, snapshot, records } = await keep.takeUp(log, (at) => this.#untilCommitted(at))
    this.#position = this.#committed = position
    this.#task = task
    if (snapshot === null) rebuilds.value++
    const tookMs = Math.round(performance.now() - startMs)
    const { openAlerts } = task.gauges
    logger.info({ topic, partition, position, snapshot, records, openAlerts, tookMs }, 'task ready')
  }

  async #trim(): Promise<void> {
    if (performance.now() - this.#trimmedAtMs < TRIM_MS || this.streamMs === null) return
    this.#trimmedAtMs = performance.now()
    const { log, logger, retentionMs } = this.#options
    const keptMs = Math.max(retentionMs, this.#task!.rebuildSpanMs)
    try {
      await log.trim(this.streamMs - keptMs, this.#committed)
    } catch (error) {
      logger.warn({ topic: log.place.topic, reason: reasonOf(error) }, 'the exchange cannot be trimmed; it grows')
    }
  }
}
