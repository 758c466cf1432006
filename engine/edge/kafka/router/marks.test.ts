import type { Admin } from 'kafkajs'
import { expect, test } from 'vitest'
import { controlBytes } from '../fetch/testing.ts'
import { Marks } from './marks.ts'
import { laneOf } from './testing.ts'

const adminOf = (ends: () => number[]) =>
  ({
    fetchTopicOffsets: async () =>
      ends().map((high, partition) => ({ partition, high: String(high), low: '0', offset: String(high) })),
  }) as unknown as Admin

test('a mark counts from the start of the call that gave the end, once that end has been read', async () => {
  let nowMs = 10_000
  let ends = [0, 5]
  const made = [0, 1].map((partition) => laneOf(0, undefined, partition))
  const lanes = made.map(({ lane }) => lane)
  const [quiet, busy] = lanes
  const read = (through: number) => made[1].feed.push(through, controlBytes(through))
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
  read(4)
  expect([marks.due(quiet), marks.due(busy)]).toEqual([8_700, 8_000])
  expect(busy.end).toBe(9)
  marks.clear()
  await marks.ask(lanes, admin)
  expect(marks.due(busy)).toBeNull()
  read(8)
  expect(marks.due(busy)).toBe(9_400)
})

test('a lane has come to its end when its last row is handed on, not before', async () => {
  const { lane, push, stage } = laneOf()
  push(0, '1', '2')
  const marks = new Marks(0, () => 7)
  await marks.ask(
    [lane],
    adminOf(() => [2]),
  )
  stage()
  lane.row = 1
  expect(marks.due(lane)).toBeNull()
  lane.staged = null
  expect(marks.due(lane)).toBe(7)
})
