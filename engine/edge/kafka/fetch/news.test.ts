import type { Kafka } from 'kafkajs'
import { beforeAll, expect, test } from 'vitest'
import { codecsReady } from './codecs.ts'
import { Fetcher } from './fetcher.ts'

/** A cluster that no broker of answers: every feed gets trouble, and that is news. */
function fetcherOf() {
  const brokerPool = { retrier: () => {}, metadata: null, refreshMetadata: async () => {} }
  const inner = { brokerPool, connect: () => Promise.reject(new Error('refused')), disconnect: async () => {} }
  return new Fetcher({ [Symbol('private:Kafka:createCluster')]: () => inner } as unknown as Kafka)
}

beforeAll(() => codecsReady()) // a fetcher's first step, and slow

const pause = (ms = 50) => new Promise<void>((resolve) => setTimeout(resolve, ms))

function watched(promise: Promise<void>) {
  const state = { done: false }
  promise.then(() => {
    state.done = true
  })
  return state
}

test('news wakes all who wait, and whoever asks afterwards waits again', async () => {
  const fetcher = fetcherOf()
  const { signal } = new AbortController()
  const waiting = [watched(fetcher.news(signal)), watched(fetcher.news(signal))]
  await pause()
  expect(waiting.map(({ done }) => done)).toEqual([false, false])
  const feed = fetcher.open('t', 0, 0)
  await pause()
  expect([waiting.map(({ done }) => done), feed.trouble]).toEqual([[true, true], 't/0: refused'])
  const again = watched(fetcher.news(signal))
  await pause()
  expect(again.done).toBe(false)
  await fetcher.close()
  expect(again.done).toBe(true)
})

test('news that came before the call is told at once, also after a wait that was given up', async () => {
  const fetcher = fetcherOf()
  fetcher.open('t', 0, 0)
  await pause()
  await fetcher.news(AbortSignal.abort())
  expect(
    await Promise.race([fetcher.news(new AbortController().signal), pause().then(() => 'nothing')]),
  ).toBeUndefined()
  await fetcher.close()
})

test('whoever reads on after it was closed does not keep the process from everything else', async () => {
  const fetcher = fetcherOf()
  await fetcher.close()
  const stop = new AbortController()
  setTimeout(() => stop.abort(), 5)
  let looks = 0
  while (!stop.signal.aborted && looks < 100_000) {
    looks++
    await fetcher.news(stop.signal)
  }
  expect(looks).toBeLessThan(100_000)
})
