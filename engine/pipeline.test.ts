import { lastValueFrom, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { defaultConfig } from './config.ts'
import type { LogRecord } from './model/block.ts'
import { blockFromRows } from './model/column.ts'
import { Counters } from './model/counters.ts'
import { EngineError } from './model/errors.ts'
import { type Batch, type Flow, marks, pipeline } from './pipeline.ts'
import { Task } from './task/task.ts'

const { streams } = defaultConfig()
const newTask = () => new Task({ streams, counters: new Counters(), finite: false })
function recordAt(position: number, timeMs: number): LogRecord {
  const row = { offset: position, timeMs, type: 'order.created', event_id: `e${position}` }
  return { position, entry: blockFromRows(streams[0]!, { topic: 't', partition: 0 }, [row]) }
}

/** Hands out one record at a time and notes what it is asked to do; stops the pipeline behind the last one. */
function scripted(records: readonly LogRecord[], commit: (position: number) => Promise<void> = async () => {}) {
  const calls: string[] = []
  const stop = new AbortController()
  const log: Flow['log'] = {
    lastPosition: records.length,
    async next(position) {
      calls.push(`next ${position}`)
      const record = records.find((r) => r.position > position)
      if (record) return { records: [record], appendedMs: Date.now() } satisfies Batch
      stop.abort()
      return null
    },
    async commit({ position }) {
      calls.push(`commit ${position}`)
      await commit(position)
    },
  }
  const onRetry = (_: EngineError, attempt: number) => calls.push(`retry ${attempt}`)
  return { calls, flow: { task: newTask(), log, position: 0, stop: stop.signal, onRetry }, stop }
}

const tick = () => new Promise<void>((resolve) => setTimeout(resolve, 5))

describe('pipeline', () => {
  test('the next batch is read when the last is committed', async () => {
    const { calls, flow } = scripted([recordAt(1, 10), recordAt(2, 20)], tick)
    const results = await lastValueFrom(pipeline(flow).pipe(toArray()))
    expect(calls).toEqual(['next 0', 'commit 1', 'next 1', 'commit 2', 'next 2'])
    expect(results.map((r) => [r.commit.position, r.events])).toEqual([
      [1, 1],
      [2, 1],
    ])
    expect(results.every((r) => !r.isLive && r.latencyMs >= 4)).toBe(true)
  })
  test('stop lets the commit in flight end', async () => {
    const { calls, flow, stop } = scripted([recordAt(1, 10), recordAt(2, 20)], async () => {
      stop.abort()
      await tick()
    })
    const results = await lastValueFrom(pipeline(flow).pipe(toArray()))
    expect(results.map((r) => r.commit.position)).toEqual([1])
    expect(calls).toEqual(['next 0', 'commit 1'])
  })
  test('a commit that may yet succeed is tried again, the same one', async () => {
    let left = 1
    const { calls, flow } = scripted([recordAt(1, 10)], async () => {
      if (left-- > 0) throw new EngineError('LOG_BUSY', 'busy')
    })
    await lastValueFrom(pipeline(flow).pipe(toArray()))
    expect(calls).toEqual(['next 0', 'commit 1', 'retry 1', 'commit 1', 'next 1'])
  })
  test('any other failure ends it', async () => {
    const { calls, flow } = scripted([recordAt(1, 10)], async () => {
      throw new EngineError('STATE_CORRUPT', 'broken')
    })
    await expect(lastValueFrom(pipeline(flow).pipe(toArray()))).rejects.toThrow('broken')
    expect(calls).toEqual(['next 0', 'commit 1'])
  })
})

describe('marks', () => {
  const pace = { everyMs: 5, graceMs: 2_000, liveMs: 120_000 }
  async function marksFor(streamMs: number, committed: number, lastPosition: number) {
    const task = newTask()
    task.process(recordAt(1, streamMs), { output: () => {}, change: () => {} })
    const log = { ...scripted([]).flow.log, lastPosition }
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
