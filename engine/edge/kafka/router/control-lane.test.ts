import { expect, test } from 'vitest'
import { EngineError } from '../../../model/errors.ts'
import { batchBytes, controlBytes, sealed, TestFeed, type TestRecord } from '../fetch/testing.ts'
import { ControlLane } from './control-lane.ts'

const said = (item: string): TestRecord => ({ key: `known/"${item}"`, value: '{"on":true}' })

function laneFrom(position: number) {
  const feed = new TestFeed(position, 'g.lists')
  const lane = new ControlLane({ kind: 'lists', topic: 'g.lists' }, 0, feed)
  const push = (offset: number, ...records: TestRecord[]) =>
    feed.push(offset + records.length - 1, batchBytes(offset, records))
  const offsets = () => lane.take()?.records.map(({ offset }) => offset)
  return { lane, feed, push, offsets }
}

test('records from the position on come out in order, then all that was read is routed', () => {
  const { lane, feed, push, offsets } = laneFrom(3)
  push(2, said('a'), said('b'))
  push(4, said('c'))
  feed.push(5, controlBytes(5))
  expect(lane.routed).toBe(3)
  expect(offsets()).toEqual([3, 4])
  expect([lane.routed, lane.take()]).toEqual([6, null])
})

test('ends of transactions alone move it on', () => {
  const { lane, feed } = laneFrom(0)
  feed.push(1, controlBytes(0), controlBytes(1))
  expect([lane.take(), lane.routed]).toEqual([null, 2])
})

test('in pieces of at most a thousand records, whatever the batches are', () => {
  const { lane, push, offsets } = laneFrom(0)
  push(0, ...Array.from({ length: 1_500 }, (_, i) => said(`${i}`)))
  push(1_500, said('last'))
  expect([offsets()?.length, lane.routed]).toEqual([1_000, 1_000])
  expect([offsets()?.length, lane.routed]).toEqual([501, 1_501])
})

test('what is no record is counted, once; what nobody says any more is not', () => {
  const { lane, push } = laneFrom(0)
  push(0, { key: 'nothing', value: '{' }, { key: 'known/"a"', value: null })
  expect(lane.take()).toBeNull()
  expect([lane.takeRefused(), lane.takeRefused(), lane.routed]).toEqual([1, 0, 2])
})

test('records that were deleted are passed over, behind those that were there', () => {
  const { lane, feed, push, offsets } = laneFrom(0)
  const gap = new EngineError('LOG_GAP', 'gone')
  push(0, said('a'))
  feed.logStart = 9
  feed.fail(gap)
  expect(offsets()).toEqual([0])
  expect(() => lane.take()).toThrow('gone')
  expect([lane.passGap(gap), lane.take(), lane.routed]).toEqual([true, null, 9])
  push(9, said('b'))
  expect(offsets()).toEqual([9])
  expect(lane.passGap(new EngineError('LOG_CORRUPT', 'broken'))).toBe(false)
  expect(lane.passGap(gap)).toBe(false) // nothing lies ahead
})

test('a batch that breaks off: what comes before that is read, and nothing behind it counts as routed', () => {
  const { lane, feed, push, offsets } = laneFrom(0)
  push(0, said('a'))
  const bytes = batchBytes(1, [said('b'), said('c')])
  bytes[bytes.length - 13] = 127 // the length of the last value
  feed.push(2, sealed(bytes))
  expect([offsets(), lane.routed]).toEqual([[0, 1], 2])
  expect(() => lane.take()).toThrow('offsets 1 to 2')
  expect(() => lane.take()).toThrow('offsets 1 to 2')
  expect(lane.routed).toBe(2)
})
