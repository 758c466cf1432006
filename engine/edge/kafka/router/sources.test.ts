import type { Admin } from 'kafkajs'
import { expect, test } from 'vitest'
import { Counters } from '../../../model/counters.ts'
import type { Logger } from '../../../model/telemetry.ts'
import { STREAMS } from '../../../plan/testing.ts'
import type { Fetcher } from '../fetch/fetcher.ts'
import { batchBytes, TestFeed } from '../fetch/testing.ts'
import type { Membership } from '../membership.ts'
import type { Merged } from './merged.ts'
import { Sources } from './sources.ts'
import { EXCHANGES, TextDecoder } from './testing.ts'

/** Gives feeds that the test fills, and news when it says so. */
class FakeFetcher {
  readonly feeds = new Map<string, TestFeed>()
  #hasNews = false
  #wake = (): void => {}
  asked = 0

  open(topic: string, partition: number, from: number): TestFeed {
    const feed = new TestFeed(from, topic, partition)
    this.feeds.set(`${topic}/${partition}`, feed)
    return feed
  }

  async news(signal: AbortSignal): Promise<void> {
    this.asked++
    if (!this.#hasNews && !signal.aborted)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        signal.addEventListener('abort', () => resolve())
      })
    this.#hasNews = false
  }

  push(place: string, offset: number, ...values: string[]): void {
    this.feeds.get(place)!.push(
      offset + values.length - 1,
      batchBytes(
        offset,
        values.map((value) => ({ value })),
      ),
    )
    this.#hasNews = true
    this.#wake()
  }
}

function sourcesOf({ ends = [0, 0], markIntervalMs = 60_000, decoder = new TextDecoder() } = {}) {
  const fetcher = new FakeFetcher()
  const lines: string[] = []
  const say = (_: object, message: string) => void lines.push(message)
  const log: Logger = { debug: say, info: say, warn: say, error: say }
  const commits: unknown[] = []
  const committed = new Map<number, number>()
  const broker = { asked: 0, isAway: false }
  const admin = {
    fetchTopicOffsets: async () => {
      broker.asked++
      if (broker.isAway) throw new Error('away')
      return ends.map((high, partition) => ({ partition, low: '0', high: String(high), offset: String(high) }))
    },
    fetchOffsets: async ({ topics }: { topics: string[] }) =>
      topics.map((topic) => ({
        topic,
        partitions: [...committed].map(([partition, offset]) => ({ partition, offset: String(offset), metadata: '' })),
      })),
  }
  const membership = {
    fails: false,
    commit: async (offsets: { partition: number; offset: string }[]) => {
      if (membership.fails) throw new Error('rebalancing')
      commits.push(offsets.map(({ partition, offset }) => `${partition}:${offset}`))
    },
  }
  const counters = new Counters()
  const sources = new Sources({
    ...{ group: 'g', streams: [STREAMS[0]], exchanges: EXCHANGES, decoderOf: () => decoder },
    ...{ skew: { maxSkewMs: 5_000, maxWaitMs: 0 }, markIntervalMs, idleGraceMs: 0, counters, log },
    clock: () => 5_000,
    admin: admin as unknown as Admin,
    fetcher: fetcher as unknown as Fetcher,
    membership: membership as unknown as Membership,
  })
  const stop = new AbortController()
  const next = () => sources.next(stop.signal)
  return { sources, fetcher, lines, commits, committed, broker, membership, counters, stop, next, decoder }
}

const times = (merged: Merged | null) =>
  merged?.staged.flatMap(({ block }, i) => [
    ...block.timesMs.subarray(merged.stretches[2 * i], merged.stretches[2 * i + 1]),
  ])
const offsets = (merged: Merged | null) =>
  merged && Object.fromEntries([...merged.offsets].map(([lane, at]) => [lane.partition, at]))
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('what is assigned is read from the committed offsets on, merged by event time, and told with its offsets', async () => {
  const { sources, fetcher, committed, next } = sourcesOf({ ends: [9, 9] })
  committed.set(1, 4)
  expect(sources.joined).toBe(false)
  await sources.assign({ orders: [0, 1] })
  expect(sources.joined).toBe(true)
  fetcher.push('orders/0', 0, '10', '30')
  fetcher.push('orders/1', 4, '20', '40')
  const merged = await next()
  expect([times(merged), merged?.isIdle, offsets(merged)]).toEqual([[10, 20, 30, 40], true, { 0: 2, 1: 6 }])
})

test('next waits for news, and for nothing when it is told to stop', async () => {
  const { sources, fetcher, stop, next } = sourcesOf()
  await sources.assign({ orders: [0] })
  await next() // the first marks
  const waiting = next()
  await pause(5)
  fetcher.push('orders/0', 0, '1')
  expect(times(await waiting)).toEqual([1])
  const ending = next()
  await pause(5)
  stop.abort()
  expect(await ending).toBeNull()
})

test('with nothing assigned it waits, without looking again and again', async () => {
  const { sources, fetcher, next } = sourcesOf()
  const waiting = next()
  await pause(30)
  expect(fetcher.asked).toBeLessThan(3)
  await sources.assign({ orders: [0] })
  fetcher.push('orders/0', 0, '1')
  expect(times(await waiting)).toEqual([1])
})

test('at most 2,048 rows at a time; that nothing more waits is told though there is no row with it', async () => {
  const { sources, fetcher, next } = sourcesOf()
  await sources.assign({ orders: [0] })
  await next() // the first marks
  fetcher.push('orders/0', 0, ...Array.from({ length: 2_048 }, (_, i) => String(i)))
  const first = await next()
  expect([times(first)?.length, first?.isIdle]).toEqual([2_048, false])
  const second = await Promise.race([next(), pause(1_000).then(() => null)])
  expect([second?.rows, second?.isIdle]).toEqual([0, true])
})

test('marks come when a partition is read to its end, behind its rows; the broker is asked once an interval', async () => {
  const { sources, fetcher, broker, next } = sourcesOf({ ends: [2, 0], markIntervalMs: 20 })
  await sources.assign({ orders: [0, 1] })
  const asked = broker.asked
  const quiet = await next()
  expect(quiet?.marks.map(({ lane, upToMs }) => [lane.partition, upToMs])).toEqual([[1, 5_000]])
  fetcher.push('orders/0', 0, '1', '2')
  const rows = await next()
  expect([times(rows), rows?.marks.map(({ lane }) => lane.partition)]).toEqual([[1, 2], [0]])
  await next()
  expect(broker.asked - asked).toBeLessThan(4)
})

test('a broker that does not give its ends costs marks alone', async () => {
  const { sources, fetcher, broker, lines, next } = sourcesOf({ markIntervalMs: 5 })
  await sources.assign({ orders: [0] })
  broker.isAway = true
  const waiting = next()
  await pause(20)
  fetcher.push('orders/0', 0, '1')
  expect(times(await waiting)).toEqual([1])
  expect(lines).toEqual(['source offsets cannot be read'])
})

test('offsets are committed as far as they are acknowledged, once; a commit that fails is made up for', async () => {
  const { sources, membership, commits } = sourcesOf()
  await sources.assign({ orders: [0, 1] })
  await sources.commit()
  const [first, second] = sources.lanes
  first.acknowledged = 3
  membership.fails = true
  await sources.commit()
  membership.fails = false
  second.acknowledged = 8
  await sources.commit()
  await sources.commit()
  expect(commits).toEqual([['0:3', '1:8']])
})

test('after another join a lane goes on behind what was acknowledged, committed or not', async () => {
  const { sources, fetcher, committed, next } = sourcesOf({ ends: [9, 9] })
  committed.set(0, 2)
  await sources.assign({ orders: [0] })
  const before = fetcher.feeds.get('orders/0')!
  fetcher.push('orders/0', 2, '1', '2', '3')
  await next()
  sources.lanes[0].acknowledged = 4
  await sources.assign({ orders: [0, 1] })
  expect(before.closed).toBe(true)
  expect([...fetcher.feeds.values()].map(({ position }) => position)).toEqual([4, 0])
  expect(sources.lanes.map(({ committed, end }) => [committed, end])).toEqual([
    [2, 9],
    [0, 9],
  ])
})

test('of two joins at once the later one counts', async () => {
  const { sources, fetcher } = sourcesOf()
  const first = sources.assign({ orders: [0] })
  const second = sources.assign({ orders: [1] })
  await Promise.all([first, second])
  expect([...fetcher.feeds.keys()]).toEqual(['orders/1'])
})

test('a partition that is corrupt, and a gap, are counted and said; the others go on', async () => {
  const { sources, fetcher, counters, lines, next } = sourcesOf({ ends: [9, 9] })
  await sources.assign({ orders: [0, 1] })
  const broken = batchBytes(0, [{ value: '1' }])
  broken[broken.length - 2] ^= 1
  fetcher.feeds.get('orders/0')!.push(0, broken)
  fetcher.push('orders/1', 0, '5', 'bad')
  const merged = await next()
  expect([times(merged), merged?.badRecords.length, offsets(merged)]).toEqual([[5], 1, { 1: 2 }])
  expect(counters.total('source_partitions_stuck_total')).toBe(1)
  expect(counters.total('dead_letters_total')).toBe(1)
  expect(lines).toEqual(['this partition cannot be read any further; the others go on'])
})

test('a registry that does not answer holds its lane alone, and is asked again a second later', async () => {
  const decoder = new TextDecoder()
  const { sources, fetcher, lines, next } = sourcesOf({ decoder })
  await sources.assign({ orders: [0, 1] })
  decoder.answer = () => Promise.reject(new Error('away'))
  fetcher.push('orders/0', 0, '7:1')
  fetcher.push('orders/1', 0, '5')
  expect(times(await next())).toEqual([5])
  const waiting = next()
  await pause(50)
  decoder.answer = () => Promise.resolve()
  let merged = await waiting
  while (merged && merged.rows === 0) merged = await next()
  expect([times(merged), decoder.asked]).toEqual([[1], 2])
  expect(lines).toEqual(['waiting for the registry'])
})
