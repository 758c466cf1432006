import assert from 'node:assert/strict'
import { BehaviorSubject, lastValueFrom, Subject, toArray } from 'rxjs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { defaultConfig } from './config.ts'
import type { LogRecord } from './model/block.ts'
import { blockFromRows } from './model/column.ts'
import { Counters } from './model/counters.ts'
import { EngineError } from './model/errors.ts'
import type { Commit, FollowedLog } from './model/ports.ts'
import { marks, type OwnedPartition, type Processed, processing, processingAll, retried, routing } from './pipeline.ts'
import { Commits } from './task/commits.ts'
import { Task } from './task/task.ts'

const { streams } = defaultConfig()
const newTask = () => new Task({ streams, counters: new Counters(), finite: false })
function recordAt(position: number, timeMs: number): LogRecord {
  const row = { offset: position, timeMs, type: 'order.created', event_id: `e${position}` }
  return { position, entry: blockFromRows(streams[0]!, { topic: 't', partition: 0 }, [row]) }
}

type Write = (position: number) => Promise<void>

/** Hands out one record at a time and notes what it is asked to do; stops the flow behind the last one. */
function scripted(records: readonly LogRecord[], write: Write = async () => {}) {
  const calls: string[] = []
  const stop = new AbortController()
  const log: FollowedLog = {
    async next(position) {
      calls.push(`next ${position}`)
      const record = records.find((r) => r.position > position)
      if (record) return { records: [record], appendedMs: Date.now() }
      stop.abort()
      return null
    },
  }
  const commit = async ({ position }: Commit) => {
    calls.push(`commit ${position}`)
    await write(position)
  }
  const commits = new Commits({ write: commit, outputsMax: -1, quietMs: 0, clock: Date.now }, 0)
  const rests = (position: number) => void calls.push(`rests ${position}`)
  return { calls, stop, commits, flow: { task: newTask(), log, commits, rests } }
}

const tick = (ms = 5) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const all = (flow: ReturnType<typeof scripted>['flow'], stop: AbortSignal) =>
  lastValueFrom(processing(flow, stop).pipe(toArray()))
const positions = (done: readonly Processed[]) => done.map(({ commit }) => commit.position)

afterEach(() => {
  vi.useRealTimers()
})

describe('processing', () => {
  test('the next batch is read when the last is committed', async () => {
    const { calls, flow, stop } = scripted([recordAt(1, 10), recordAt(2, 20)], () => tick())
    const results = await all(flow, stop.signal)
    expect(calls).toEqual(['next 0', 'commit 1', 'rests 1', 'next 1', 'commit 2', 'rests 2', 'next 2'])
    expect(results.map((r) => [r.commit.position, r.events])).toEqual([
      [1, 1],
      [2, 1],
    ])
    expect(results.every((r) => !r.isLive && r.latencyMs >= 4)).toBe(true)
  })
  test('stop lets the commit in flight end, and reads nothing more', async () => {
    const { calls, flow, stop } = scripted([recordAt(1, 10), recordAt(2, 20)], async () => {
      stop.abort()
      await tick()
    })
    expect(positions(await all(flow, stop.signal))).toEqual([1])
    expect(calls).toEqual(['next 0', 'commit 1', 'rests 1'])
  })
  test('a position that nothing was made at is committed at the end', async () => {
    const { calls, flow, stop } = scripted([recordAt(1, 10), recordAt(2, 20)])
    const write = async ({ position }: Commit) => void calls.push(`commit ${position}`)
    const commits = new Commits({ write, outputsMax: 0, quietMs: 60_000, clock: Date.now }, 0)
    expect(positions(await all({ ...flow, commits }, stop.signal))).toEqual([1, 2])
    expect(calls.filter((call) => call.startsWith('commit'))).toEqual(['commit 1', 'commit 2'])
    expect(calls.indexOf('commit 2')).toBeGreaterThan(calls.indexOf('next 2'))
  })
  test('stream time near the clock is live', async () => {
    const { flow, stop } = scripted([recordAt(1, Date.now() - 60_000)])
    expect((await all(flow, stop.signal)).map((r) => r.isLive)).toEqual([true])
  })
  test('a failed commit ends it, and what was made is committed when it goes on', async () => {
    let left = 1
    const { calls, commits, flow, stop } = scripted([recordAt(1, 10)], async () => {
      if (left-- > 0) throw new EngineError('STATE_CORRUPT', 'broken')
    })
    await expect(all(flow, stop.signal)).rejects.toThrow('broken')
    expect([commits.position, commits.committed]).toEqual([1, 0])
    expect(commits.resume(0)).toBe(true)
    expect(positions(await all(flow, stop.signal))).toEqual([1])
    expect(calls).toEqual(['next 0', 'commit 1', 'rests 1', 'next 1', 'commit 1'])
  })
  test('a log that cannot be read ends it', async () => {
    const { flow, stop } = scripted([])
    const log = { next: () => Promise.reject(new EngineError('LOG_CORRUPT', 'torn')) }
    await expect(all({ ...flow, log }, stop.signal)).rejects.toThrow('torn')
  })
})

describe('retried', () => {
  const commit = { position: 1, outputs: [], changes: new Map() }
  function failing(times: number, error: unknown) {
    vi.useFakeTimers()
    const attempts: number[] = []
    let calls = 0
    const write = retried(
      async () => {
        if (calls++ < times) throw error
      },
      (_, attempt) => attempts.push(attempt),
    )
    return { write, attempts, calls: () => calls }
  }
  test('a commit that may yet succeed is tried again, the same one, after a pause', async () => {
    const { write, attempts, calls } = failing(2, new EngineError('LOG_BUSY', 'busy'))
    const written = write(commit)
    await vi.advanceTimersByTimeAsync(999)
    expect(calls()).toBe(1)
    await vi.advanceTimersByTimeAsync(2_001)
    await written
    expect([attempts, calls()]).toEqual([[1, 2], 3])
  })
  test('not for ever', async () => {
    const { write, attempts } = failing(99, new EngineError('LOG_BUSY', 'busy'))
    const failed = expect(write(commit)).rejects.toThrow('busy')
    await vi.advanceTimersByTimeAsync(60_000)
    await failed
    expect(attempts).toEqual([1, 2, 3, 4, 5])
  })
  test('any other failure is not', async () => {
    const { write, attempts } = failing(1, new EngineError('STATE_CORRUPT', 'broken'))
    await expect(write(commit)).rejects.toThrow('broken')
    expect(attempts).toEqual([])
  })
})

describe('routing', () => {
  /** Merged pieces are numbers, handed out one after the other; then it waits for `stop`. */
  function router(pieces: number, accept: (piece: number) => Promise<void> = async () => {}) {
    const calls: string[] = []
    const stop = new AbortController()
    const acknowledged$ = new Subject<void>()
    let next = 0
    const sources = {
      async next(signal: AbortSignal) {
        if (next < pieces) return ++next
        await new Promise((resolve) => {
          if (signal.aborted) resolve(null)
          signal.addEventListener('abort', resolve)
        })
        return null
      },
      async commit() {
        calls.push('commit')
      },
    }
    const take = (piece: number) => {
      calls.push(`accept ${piece}`)
      return accept(piece)
    }
    const done = lastValueFrom(routing({ sources, accept: take, acknowledged$ }, stop.signal), { defaultValue: null })
    done.catch(() => {})
    return { calls, stop, acknowledged$, done }
  }
  test('a piece is taken when there is room for it; after stop it completes', async () => {
    const free: (() => void)[] = []
    const { calls, stop, done } = router(2, () => new Promise((resolve) => free.push(resolve)))
    await tick()
    expect(calls).toEqual(['accept 1'])
    free[0]!()
    await tick()
    expect(calls).toEqual(['accept 1', 'accept 2'])
    stop.abort()
    free[1]!()
    expect(await done).toBeNull()
  })
  test('offsets are committed after acknowledgements, not after each', async () => {
    const { calls, stop, acknowledged$, done } = router(1)
    await tick(250)
    expect(calls).toEqual(['accept 1'])
    for (let i = 0; i < 5; i++) acknowledged$.next()
    await tick(450)
    expect(calls).toEqual(['accept 1', 'commit'])
    stop.abort()
    await done
    acknowledged$.next()
    await tick(250)
    expect(calls).toEqual(['accept 1', 'commit'])
  })
  test('a failed write ends it, also while nothing is accepted', async () => {
    const first = router(1, () => Promise.reject(new Error('timed out')))
    await expect(first.done).rejects.toThrow('timed out')
    const second = router(0)
    await tick()
    second.acknowledged$.error(new Error('no assignment'))
    await expect(second.done).rejects.toThrow('no assignment')
  })
})

describe('processingAll', () => {
  /** A partition whose log has the records that are pushed, and whose restores are scripted. */
  class Partition implements OwnedPartition {
    readonly joined$ = new BehaviorSubject<null>(null)
    readonly revoked$ = new Subject<null>()
    readonly calls: string[] = []
    readonly records: LogRecord[] = []
    /** What restores fail with, one after the other. */
    failures: unknown[] = []
    /** What writes fail with. */
    fates: (Error | null)[] = []
    /** Signals of the readers, one for each restore. */
    readonly readers = new Set<AbortSignal>()
    readonly commits = new Commits(
      { write: (commit) => this.#write(commit), outputsMax: -1, quietMs: 0, clock: Date.now },
      0,
    )
    readonly #task = newTask()
    #committed = 0

    async restore() {
      this.calls.push('restore')
      await this.commits.paused()
      const failure = this.failures.shift()
      if (failure) throw failure
      assert(this.commits.resume(this.#committed))
      const next = async (position: number, stop: AbortSignal) => {
        this.readers.add(stop)
        while (!stop.aborted) {
          const record = this.records.find((one) => one.position > position)
          if (record) return { records: [record], appendedMs: 0 }
          await tick(1)
        }
        return null
      }
      return { task: this.#task, commits: this.commits, log: { next }, rests: () => {} }
    }

    close(): void {
      this.calls.push('close')
    }

    async #write({ position }: Commit): Promise<void> {
      const failure = this.fates.shift()
      if (failure) throw failure
      this.#committed = position
      this.calls.push(`commit ${position}`)
    }
  }

  function run() {
    const owned$ = new Subject<OwnedPartition>()
    const stop = new AbortController()
    const done: Processed[] = []
    const flow$ = processingAll(owned$, stop.signal)
    const ended = new Promise<void>((resolve, reject) => {
      flow$.subscribe({ next: (one) => void done.push(one), error: reject, complete: resolve })
    })
    ended.catch(() => {})
    return { owned$, stop, done, ended }
  }

  test('each partition is restored and processed; stop commits, completes and closes', async () => {
    const { owned$, stop, done, ended } = run()
    const [a, b] = [new Partition(), new Partition()]
    a.records.push(recordAt(1, 10))
    owned$.next(a)
    owned$.next(b)
    b.records.push(recordAt(1, 10), recordAt(2, 20))
    await expect.poll(() => done.length).toBe(3)
    stop.abort()
    for (const { joined$ } of [a, b]) joined$.complete()
    owned$.complete()
    await ended
    expect(a.calls).toEqual(['restore', 'commit 1', 'close'])
    expect(b.calls).toEqual(['restore', 'commit 1', 'commit 2', 'close'])
  })
  test('after another join it is restored again, and the reader of before gets nothing more', async () => {
    const { owned$, done } = run()
    const partition = new Partition()
    partition.records.push(recordAt(1, 10))
    owned$.next(partition)
    await expect.poll(() => done.length).toBe(1)
    partition.joined$.next(null)
    await expect.poll(() => partition.readers.size).toBe(2)
    expect([...partition.readers].map(({ aborted }) => aborted)).toEqual([true, false])
    partition.records.push(recordAt(2, 20))
    await expect.poll(() => done.length).toBe(2)
    expect(partition.calls).toEqual(['restore', 'commit 1', 'restore', 'commit 2'])
  })
  test('revoked, it is closed, and the others go on', async () => {
    const { owned$, done } = run()
    const [gone, kept] = [new Partition(), new Partition()]
    owned$.next(gone)
    owned$.next(kept)
    await expect.poll(() => gone.readers.size + kept.readers.size).toBe(2)
    gone.revoked$.next(null)
    expect([gone.calls, [...gone.readers].map(({ aborted }) => aborted)]).toEqual([['restore', 'close'], [true]])
    kept.records.push(recordAt(1, 10))
    await expect.poll(() => done.length).toBe(1)
  })
  test('after a commit that failed it is restored again, and nothing is lost', async () => {
    const { owned$, done } = run()
    const partition = new Partition()
    partition.fates = [Object.assign(new Error('timed out'), { name: 'KafkaJSRequestTimeoutError' })]
    partition.records.push(recordAt(1, 10), recordAt(2, 20))
    owned$.next(partition)
    await expect.poll(() => partition.commits.committed).toBe(2)
    expect(done.map(({ events }) => events).reduce((sum, events) => sum + events, 0)).toBe(2)
    expect(partition.calls.slice(0, 2)).toEqual(['restore', 'restore'])
  })
  test.each([
    ['an error of the network', Object.assign(new Error('reset'), { code: 'ECONNRESET' })],
    ['FENCED', new EngineError('FENCED', 'joined again')],
    ['a log that is busy', new EngineError('LOG_BUSY', 'busy')],
  ])('%s is tried again', async (_, failure) => {
    const { owned$, done } = run()
    const partition = new Partition()
    partition.failures = [failure]
    partition.records.push(recordAt(1, 10))
    owned$.next(partition)
    await expect.poll(() => done.length).toBe(1)
  })
  test.each([
    ['a mistake of the program', new TypeError('x is not a function')],
    ['an assertion', new assert.AssertionError({ message: 'closed -> running' })],
    ['a call that Node refuses', Object.assign(new TypeError('bad'), { code: 'ERR_INVALID_ARG_TYPE' })],
    ['a log with a gap', new EngineError('LOG_GAP', 'gone')],
  ])('%s ends it, and closes all', async (_, failure) => {
    const { owned$, ended } = run()
    const [wrong, other] = [new Partition(), new Partition()]
    wrong.failures = [failure]
    owned$.next(other)
    owned$.next(wrong)
    await expect(Promise.race([ended, tick(100)])).rejects.toBe(failure)
    expect([wrong.calls, other.calls]).toEqual([
      ['restore', 'close'],
      ['restore', 'close'],
    ])
  })
  test('a failure after stop is not tried again', async () => {
    const { owned$, stop, ended } = run()
    const partition = new Partition()
    partition.failures = [new EngineError('LOG_BUSY', 'busy')]
    stop.abort()
    owned$.next(partition)
    await expect(ended).rejects.toThrow('busy')
  })
})

describe('marks', () => {
  const pace = { everyMs: 5, graceMs: 2_000, liveMs: 120_000 }
  async function marksFor(streamMs: number, committed: number, lastPosition: number) {
    const task = newTask()
    task.process(recordAt(1, streamMs), { output: () => {}, change: () => {} })
    const log = { lastPosition }
    const upTo: number[] = []
    const subscription = marks({ task, log }, () => committed, pace).subscribe((mark) => upTo.push(mark.upToMs))
    await new Promise((resolve) => setTimeout(resolve, 40))
    subscription.unsubscribe()
    return upTo
  }
  test('when all is read and stream time is near the clock', async () => {
    const found = await marksFor(Date.now() - 60_000, 5, 5)
    expect(found.length).toBeGreaterThan(1)
    expect(Math.abs(found[0]! - (Date.now() - 2_000))).toBeLessThan(1_000)
  })
  test('none before all is read', async () => expect(await marksFor(Date.now(), 4, 5)).toEqual([]))
  test('none while history is read', async () => expect(await marksFor(Date.now() - 130_000, 5, 5)).toEqual([]))
})
