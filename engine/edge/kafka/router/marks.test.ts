import type { Admin } from 'kafkajs'
import { expect, test } from 'vitest'
import { STREAMS } from '../../../plan/testing.ts'
import { Marks } from './marks.ts'
import { SourceLane } from './source-lane.ts'

const decoder = { prepare: () => null, decode: () => null }
const adminOf = (ends: () => number[]) =>
  ({
    fetchTopicOffsets: async () =>
      ends().map((high, partition) => ({ partition, high: String(high), low: '0', offset: String(high) })),
  }) as unknown as Admin

test('a mark counts from the start of the call that gave the end, once that end has been read', async () => {
  let nowMs = 10_000
  let ends = [0, 5]
  const lanes = [0, 1].map(
    (partition) => new SourceLane({ stream: STREAMS[0], topic: 'orders', partition }, decoder, 0),
  )
  const [quiet, busy] = lanes
  const marks = new Marks(2_000, () => nowMs)
  const admin = adminOf(() => {
    nowMs += 700 // the answer takes its time
    return ends
  })
  await marks.ask(lanes, admin)
  expect([marks.due(quiet), marks.due(busy)]).toEqual([8_000, null])
  expect(marks.due(quiet)).toBeNull()
  // busy never catches up with the newest end, but it comes to the first one
  ends = [0, 9]
  await marks.ask(lanes, admin)
  busy.push([], 4)
  expect([marks.due(quiet), marks.due(busy)]).toEqual([8_700, 8_000])
  expect(busy.end).toBe(9)
  marks.clear()
  await marks.ask(lanes, admin)
  expect(marks.due(busy)).toBeNull()
  busy.push([], 8)
  expect(marks.due(busy)).toBe(9_400)
})
