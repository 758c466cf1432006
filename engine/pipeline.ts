import {
  concat,
  concatMap,
  defer,
  EMPTY,
  endWith,
  exhaustMap,
  filter,
  finalize,
  ignoreElements,
  interval,
  map,
  merge,
  mergeMap,
  Observable,
  type OperatorFunction,
  of,
  pipe,
  repeat,
  retry,
  sampleTime,
  share,
  switchMap,
  takeUntil,
  throwError,
  timer,
} from 'rxjs'
import { isOperational } from './edge/kafka/errors.ts'
import { type Mark, markAll } from './model/block.ts'
import { EngineError } from './model/errors.ts'
import type { Commit, CommitDone, FollowedLog } from './model/ports.ts'
import type { Commits } from './task/commits.ts'
import { step } from './task/step.ts'
import type { Task } from './task/task.ts'

/*
 * The whole dataflow, for both logs.
 *
 *   local   log ─► processing ─► commits
 *   Kafka   source partitions ─► routing ─► exchange partitions ─► processing, of each owned one ─► commits
 *
 * RxJS carries batches, never single events: the hot loops are inside `accept` and `step`.
 */

/** One batch at a time through `stages`: RxJS has no back-pressure, so the next one is pulled when they are done with the last. */
function cycle<I, O>(next: () => Promise<I | null>, stages: OperatorFunction<I, O>, stop: AbortSignal): Observable<O> {
  return defer(next).pipe(
    filter((batch) => batch !== null),
    stages,
    repeat({ delay: () => (stop.aborted ? EMPTY : of(true)) }),
  )
}

/** What the routing of one process works with. */
export interface Routing<Merged> {
  readonly sources: {
    /** Decoded rows of the source partitions, the oldest first, and what else is to be written; null when `stop` comes first. */
    next(stop: AbortSignal): Promise<Merged | null>
    /** Of what is acknowledged, the offsets. */
    commit(): Promise<void>
  }
  /** Takes them to the exchanges, at least once; resolves while there is room for more. */
  accept(merged: Merged): Promise<void>
  readonly acknowledged$: Observable<void>
}

const COMMIT_OFFSETS_MS = 200

/** Source topics → exchange topics, at least once. Completes after `stop`; fails with the first failure of a write. */
export function routing<Merged>(routing: Routing<Merged>, stop: AbortSignal): Observable<never> {
  const { sources, acknowledged$ } = routing
  const routed$ = cycle(
    () => sources.next(stop),
    concatMap((merged) => routing.accept(merged)),
    stop,
  ).pipe(ignoreElements(), endWith(null), share())
  const offsets$ = acknowledged$.pipe(
    sampleTime(COMMIT_OFFSETS_MS),
    exhaustMap(() => sources.commit()),
    takeUntil(routed$),
  )
  return merge(offsets$, routed$).pipe(ignoreElements())
}

/** One task and its log. */
export interface Processing {
  readonly task: Task
  readonly log: FollowedLog
  readonly commits: Commits
  /** Told of each position at which the task rests: a snapshot may begin. */
  readonly rests: (position: number) => void
}

export interface Processed extends CommitDone {
  /** Stream time is near the clock: what was read is happening now, not history. */
  readonly isLive: boolean
}

/** Stream time this near to the clock counts as live: sources may lag. */
const LIVE_MS = 10 * 60_000

/**
 * One task's log → what was committed, exactly once. After `stop` what was made is committed, then it completes; fails with
 * the failure of a commit, and then `commits` knows what was not committed.
 */
export function processing({ task, log, commits, rests }: Processing, stop: AbortSignal): Observable<Processed> {
  const stepped$ = cycle(
    () => log.next(commits.position, stop),
    pipe(
      map((read) => ({ read, made: step(task, read.records) })),
      concatMap(({ read, made }) => {
        const room = commits.accept(made, read)
        rests(made.position)
        return room
      }),
    ),
    stop,
  )
  const ended$ = concat(
    stepped$,
    defer(() => commits.drained()),
  ).pipe(ignoreElements(), endWith(null), share())
  return merge(commits.committed$.pipe(takeUntil(ended$)), ended$.pipe(ignoreElements())).pipe(
    map((done) => ({ ...done, isLive: done.atMs - task.streamMs <= LIVE_MS })),
  )
}

/** An exchange partition that the group has given to this process. */
export interface OwnedPartition {
  /** Now, and each time the group was joined again: somebody else may have been here. Completes when the engine stops. */
  readonly joined$: Observable<unknown>
  readonly revoked$: Observable<unknown>
  /** Fences whoever had it, and takes the task to the state of the last commit. */
  restore(): Promise<Processing>
  /** Lets go of it, when the commit under way is over. */
  close(): void
}

const RESTORE_AGAIN_MS = 200

/** All owned partitions of one process. Fails with what no further attempt mends. */
export function processingAll(owned$: Observable<OwnedPartition>, stop: AbortSignal): Observable<Processed> {
  return owned$.pipe(
    mergeMap((owned) =>
      owned.joined$.pipe(
        switchMap(() =>
          whileSubscribed(stop, (ended) =>
            defer(() => owned.restore()).pipe(switchMap((restored) => processing(restored, ended))),
          ).pipe(
            retry({
              delay: (error) => (mayRetry(error) && !stop.aborted ? timer(RESTORE_AGAIN_MS) : throwError(() => error)),
            }),
          ),
        ),
        takeUntil(owned.revoked$),
        finalize(() => owned.close()),
      ),
    ),
  )
}

/** Failures of Kafka and its client are, unless an EngineError says otherwise; mistakes of the program are not. */
function mayRetry(error: unknown): boolean {
  if (error instanceof EngineError) return error.canRetry || error.code === 'FENCED'
  return isOperational(error)
}

/** `flow` with a signal that aborts with `stop`, or when nobody is subscribed to it any more. */
function whileSubscribed<T>(stop: AbortSignal, flow: (ended: AbortSignal) => Observable<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const ended = new AbortController()
    const end = (): void => ended.abort()
    if (stop.aborted) end()
    stop.addEventListener('abort', end)
    const subscription = flow(ended.signal).subscribe(subscriber)
    return () => {
      stop.removeEventListener('abort', end)
      end()
      subscription.unsubscribe()
    }
  })
}

const COMMIT_ATTEMPTS = 5

/** `write`, tried again after failures that may pass; told before each further attempt. */
export function retried(
  write: (commit: Commit) => Promise<void>,
  onRetry: (error: EngineError, attempt: number) => void,
): (commit: Commit) => Promise<void> {
  return async (commit) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await write(commit)
      } catch (error) {
        if (attempt > COMMIT_ATTEMPTS || !(error instanceof EngineError) || !error.canRetry) throw error
        onRetry(error, attempt)
        await new Promise((resolve) => setTimeout(resolve, 1_000 * attempt))
      }
    }
  }
}

/**
 * The marks of a local log: every `everyMs`, when all that is in it has been committed, stream time may move on to
 * the clock less `graceMs`.
 *
 * Only while stream time is within `liveMs`, the smallest lateness of the streams, of the clock: then a mark makes no
 * event late that comes in order. Whoever appends last month's events, or those of five minutes ago, to a running
 * service has them read as they come. So windows stand still after a longer pause until the next event comes.
 */
export function marks(
  { task, log }: { readonly task: Task; readonly log: { readonly lastPosition: number } },
  committed: () => number,
  { everyMs, graceMs, liveMs }: { readonly everyMs: number; readonly graceMs: number; readonly liveMs: number },
): Observable<Mark> {
  return interval(everyMs).pipe(
    filter(() => Date.now() - task.streamMs <= liveMs && committed() === log.lastPosition),
    map(() => markAll(Date.now() - graceMs)),
  )
}
