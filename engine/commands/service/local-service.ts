import { filter, first, firstValueFrom, Subject, type Subscription } from 'rxjs'
import type { Config } from '../../config.ts'
import { LocalLog } from '../../edge/local/local-log.ts'
import type { RuleSource } from '../../model/block.ts'
import { Counters } from '../../model/counters.ts'
import type { EngineError } from '../../model/errors.ts'
import type { Output } from '../../model/output.ts'
import type { Commit } from '../../model/ports.ts'
import type { Gauge, Logger } from '../../model/telemetry.ts'
import { marks, type Processed, processing, retried } from '../../pipeline.ts'
import { Commits } from '../../task/commits.ts'
import type { Task } from '../../task/task.ts'
import { countOutputs } from './count-outputs.ts'
import { LocalRules } from './local-rules.ts'
import { ProgressWatch } from './progress.ts'
import type { Ready, Service } from './service.ts'
import { TaskFolder } from './task-folder.ts'
import { taskGauges } from './task-gauges.ts'

const KEY_CHARS_SHOWN = 200
const TRIM_EVERY_MS = 10_000
const TRIM_SOON_MS = 100
/** What a stop may take in all is 2 s. */
const LAST_SNAPSHOT_MS_MAX = 1_500

export interface LocalServiceOptions {
  readonly config: Config
  /** They compile. */
  readonly files: readonly RuleSource[]
  /** Reads the configured files anew. Default: `files` as they are. */
  readonly read?: () => readonly RuleSource[]
  readonly logger: Logger
  /** Gets the outputs of each commit; the next batch waits for it. */
  readonly deliver?: (outputs: readonly Output[]) => Promise<void>
  /** False: history is being appended, step by step, and time must not run ahead of it. Default: always true. */
  readonly mayMark?: () => boolean
}

/** The engine on the local log of one data folder. */
export class LocalService implements Service {
  readonly counters: Counters
  readonly task: Task
  readonly log: LocalLog
  readonly rules: LocalRules
  readonly committed$ = new Subject<Processed>()
  readonly #options: LocalServiceOptions
  readonly #stopping = new AbortController()
  readonly #folder: TaskFolder
  readonly #commits: Commits
  #position: number
  readonly #progress = new ProgressWatch()
  /** Why commits fail at the moment; null = they do not. */
  #failing: string | null = null
  #done: Promise<void> = Promise.resolve()

  /** Takes up the state where the last commit left it, and puts the rules in force. EngineErrors of the local log. */
  static async open(options: LocalServiceOptions): Promise<LocalService> {
    const { streams, data, limits, snapshots } = options.config
    const { logger } = options
    const counters = new Counters()
    const log = new LocalLog(data, streams, ({ topic, rule, key, position }) => {
      counters.counter('outputs_set_aside_total', { topic, rule }).value++
      const fields = { topic, rule, key: key.slice(0, KEY_CHARS_SHOWN), position }
      logger.warn(fields, 'an output is too large to be written and was left out')
    })
    let opened: TaskFolder | null = null
    try {
      const folder = new TaskFolder({ folder: data, streams, limits, snapshots, counters, logger })
      opened = folder
      const rests: { commits: Commits | null } = { commits: null }
      const { task, position } = await folder.takeUp(log, (at) => rests.commits!.until(at))
      const service = new LocalService(options, counters, log, folder, task, position)
      rests.commits = service.#commits
      service.rules.begin(position, options.files)
      return service
    } catch (error) {
      await opened?.close()
      log.close()
      throw error
    }
  }

  private constructor(
    options: LocalServiceOptions,
    counters: Counters,
    log: LocalLog,
    folder: TaskFolder,
    task: Task,
    position: number,
  ) {
    this.#options = options
    this.counters = counters
    this.log = log
    this.task = task
    this.#folder = folder
    this.#position = position
    const { config, files, logger, read = () => files } = options
    const { streams } = config
    const write = retried(
      (commit) => this.#write(commit),
      (error, attempt) => this.#triesAgain(error, attempt),
    )
    this.#commits = new Commits({ write, outputsMax: -1, quietMs: 0, clock: Date.now }, position)
    const wake = () => log.wake()
    this.rules = new LocalRules({ task, writer: log.writer, streams, counters, logger, read, wake, clock: Date.now })
  }

  /** Position of the last record that is committed. */
  get position(): number {
    return this.#position
  }

  start(): void {
    const { log, task } = this
    const beside = [this.#mark(this.#options.config), this.#trimNowAndThen()]
    const rests = (position: number): void => this.#folder.rests(position)
    rests(this.#position)
    const flow$ = processing({ task, log, commits: this.#commits, rests }, this.#stopping.signal)
    this.#done = new Promise((resolve, reject) => {
      flow$.subscribe({ next: (done) => this.#take(done), error: reject, complete: resolve })
    })
    const written = this.#done.then(() => this.#folder.end(LAST_SNAPSHOT_MS_MAX))
    this.#done = written.finally(async () => {
      for (const end of beside) end()
      this.#commits.abandon()
      log.close()
      await this.#folder.close()
    })
    this.#done.catch(() => {}) // whoever awaits it later hears of it still
  }

  /** Settles when the service has ended; rejects with what ended it unasked. */
  get done(): Promise<void> {
    return this.#done
  }

  /** Resolves when all that stands in the log now is committed. */
  async caughtUp(): Promise<void> {
    const last = this.log.lastPosition
    if (this.#position >= last) return
    const reached = this.committed$.pipe(first(({ commit }) => commit.position >= last))
    this.log.wake()
    await Promise.race([firstValueFrom(reached, { defaultValue: null }), this.#done])
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#done
  }

  ready(): Ready {
    const behind = this.log.lastPosition - this.#position
    this.#progress.observe([{ partition: 'log', committed: this.#position, waits: behind > 0 }])
    const { rules, trouble } = this.rules.status()
    const more = { position: this.#position, behind, rules }
    if (this.#failing !== null) return { ok: false, detail: this.#failing, ...more }
    const still = this.#progress.trouble()
    if (still !== null) return { ok: false, detail: still, ...more }
    const reading = behind > 0 ? 'reading' : 'all is read'
    return { ok: true, detail: trouble === null ? reading : `${reading}; ${trouble}`, ...more }
  }

  gauges(): Gauge[] {
    const { task, log } = this
    const gauge = (name: string, value: number): Gauge => ({ name, labels: {}, value })
    return [
      ...taskGauges(task),
      gauge('log_position', this.#position),
      gauge('log_end_position', log.lastPosition),
      ...this.#folder.gauges(),
      ...this.rules.gauges(),
    ]
  }

  async #write(commit: Commit): Promise<void> {
    await this.log.commit(commit)
    await this.#options.deliver?.(commit.outputs)
  }

  #triesAgain(error: EngineError, attempt: number): void {
    this.counters.counter('commit_retries_total').value++
    this.#failing = error.message
    this.#options.logger.warn({ attempt, reason: error.message }, 'the commit failed; trying again')
  }

  #take(committed: Processed): void {
    this.#position = committed.commit.position
    this.#failing = null
    countOutputs(this.counters, committed.commit.outputs)
    this.rules.committed()
    this.committed$.next(committed)
  }

  /** A mark that cannot be written is left out: the next one says more. */
  #mark({ time, streams }: Config): () => void {
    const { mayMark = () => true } = this.#options
    const liveMs = Math.min(...streams.map((s) => s.latenessMs))
    const pace = { everyMs: time.markIntervalMs, graceMs: time.idleGraceMs, liveMs }
    const mark$ = marks(this, () => this.#position, pace).pipe(filter(mayMark))
    const subscription: Subscription = mark$.subscribe((mark) => {
      this.log.writer.append([mark]).then(
        () => this.log.wake(),
        (error: Error) => this.#options.logger.warn({ reason: error.message }, 'a mark was not written'),
      )
    })
    return () => subscription.unsubscribe()
  }

  /** The next time soon, while there is much to delete. */
  #trimNowAndThen(): () => void {
    const records = this.counters.counter('trimmed_records_total')
    const outputs = this.counters.counter('trimmed_outputs_total')
    const trim = (): void => {
      let more = false
      try {
        const trimmed = this.log.trim(this.#position, this.task.streamMs, this.task.rebuildSpanMs)
        records.value += trimmed.records
        outputs.value += trimmed.outputs
        more = trimmed.more
      } catch (error) {
        this.#options.logger.warn({ reason: (error as Error).message }, 'old records were not deleted')
      }
      timer = setTimeout(trim, more ? TRIM_SOON_MS : TRIM_EVERY_MS)
    }
    let timer = setTimeout(trim, TRIM_EVERY_MS)
    return () => clearTimeout(timer)
  }
}
