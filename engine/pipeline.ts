import {
  concatMap,
  defer,
  EMPTY,
  filter,
  interval,
  map,
  type Observable,
  of,
  repeat,
  retry,
  tap,
  throwError,
  timer,
} from 'rxjs'
import { eventsIn } from './model/batch.ts'
import type { LogRecord, Mark } from './model/block.ts'
import { EngineError } from './model/errors.ts'
import type { Commit } from './model/ports.ts'
import { step } from './task/step.ts'
import type { Task } from './task/task.ts'

/** Records that were read together, in order, at least one. */
export interface Batch {
  readonly records: readonly LogRecord[]
  /** Wall clock at which the oldest of them was appended, epoch ms. */
  readonly appendedMs: number
}

/** What a task reads from and commits to. */
export interface FollowedLog {
  /** What stands behind `position`, as soon as there is something; null when `stop` comes first. */
  next(position: number, stop: AbortSignal): Promise<Batch | null>
  commit(commit: Commit): Promise<void>
  readonly lastPosition: number
}

/** What became of a batch. */
export interface Committed {
  readonly commit: Commit
  readonly events: number
  /** From the append of the batch's oldest record to the end of its commit, ms: an upper bound for each alert in it. */
  readonly latencyMs: number
  /** Stream time is near the clock: what was read is happening now, not history. */
  readonly isLive: boolean
}

export interface Flow {
  readonly task: Task
  readonly log: FollowedLog
  /** Position of the last record that is committed. */
  readonly position: number
  /** The commit in flight is finished, nothing more is read. */
  readonly stop: AbortSignal
  /** Told before each further attempt to commit. */
  readonly onRetry: (error: EngineError, attempt: number) => void
}

const COMMIT_ATTEMPTS = 5
/** Stream time this near to the clock counts as live: sources may lag. */
const LIVE_MS = 10 * 60_000

/**
 * The whole flow of one task: records → step → commit → what was committed.
 *
 * One batch is under way at a time: the next is read when the last is committed, so whatever the log holds waits in the
 * log. Completes after `stop`; fails with the error that no further attempt mends, and then nothing of the batch is kept.
 */
export function pipeline({ task, log, position, stop, onRetry }: Flow): Observable<Committed> {
  let committed = position
  const commit = (made: Commit) =>
    defer(() => log.commit(made)).pipe(retry({ count: COMMIT_ATTEMPTS, delay: again(onRetry) }))
  return defer(() => log.next(committed, stop)).pipe(
    filter((batch) => batch !== null),
    map((batch) => ({ batch, made: step(task, batch.records) })),
    concatMap(({ batch, made }) => commit(made).pipe(map(() => result(task, batch, made)))),
    tap((result) => {
      committed = result.commit.position
    }),
    repeat({ delay: () => (stop.aborted ? EMPTY : of(true)) }),
  )
}

/**
 * The marks of a local log: every `everyMs`, when all that stood in it has been committed, stream time may move on to
 * the clock less `graceMs`.
 *
 * Only while stream time is within `liveMs`, the smallest lateness of the streams, of the clock: then a mark makes no
 * event late that comes in order. Whoever appends last month's events, or those of five minutes ago, to a running
 * service has them read as they come. So windows stand still after a longer pause until the next event comes.
 */
export function marks(
  { task, log }: Pick<Flow, 'task' | 'log'>,
  committed: () => number,
  { everyMs, graceMs, liveMs }: { readonly everyMs: number; readonly graceMs: number; readonly liveMs: number },
): Observable<Mark> {
  return interval(everyMs).pipe(
    filter(() => Date.now() - task.streamMs <= liveMs && committed() === log.lastPosition),
    map(() => ({ ...LOCAL_SOURCE, kind: 'mark', upToMs: Date.now() - graceMs, sources: ['local/0'] })),
  )
}

/** The local log is one source partition as far as time is concerned. */
const LOCAL_SOURCE = { sourceTopic: 'local', sourcePartition: 0 } as const

function result(task: Task, { records, appendedMs }: Batch, commit: Commit): Committed {
  const events = records.reduce((sum, { entry }) => sum + eventsIn(entry), 0)
  const nowMs = Date.now()
  return { commit, events, latencyMs: nowMs - appendedMs, isLive: nowMs - task.streamMs <= LIVE_MS }
}

function again(onRetry: Flow['onRetry']): (error: unknown, attempt: number) => Observable<unknown> {
  return (error, attempt) => {
    if (!(error instanceof EngineError) || !error.canRetry) return throwError(() => error)
    onRetry(error, attempt)
    return timer(1_000 * attempt)
  }
}
