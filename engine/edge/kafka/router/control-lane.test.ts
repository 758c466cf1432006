import { expect, test } from 'vitest'
import { ControlLane } from './control-lane.ts'

const message = (offset: number, key: string, value: string | null = '{"on":true}') => ({
  ...{ offset, timestampMs: 0, key: Buffer.from(key) },
  value: value === null ? null : Buffer.from(value),
})
const lane = (position: number) => new ControlLane({ kind: 'lists', topic: 'g.lists' }, 0, position)
const offsets = (of: ControlLane) => of.take()?.records.map(({ offset }) => offset)

test('records from the position on come out in order, in pieces; then all that was polled is routed', () => {
  const it = lane(3)
  it.push([2, 3, 5].map((offset) => message(offset, `known/"${offset}"`)))
  expect([it.buffered, it.routed]).toEqual([2, 3])
  it.passed(8) // markers of transactions
  expect(offsets(it)).toEqual([3, 5])
  expect([it.buffered, it.rawBytes, it.routed]).toEqual([0, 0, 9])
  it.push(Array.from({ length: 1_500 }, (_, i) => message(9 + i, 'known/"a"')))
  expect([offsets(it)?.length, it.routed]).toEqual([1_000, 1_009])
  expect([offsets(it)?.at(-1), it.routed]).toEqual([1_508, 1_509])
})

test('what is no record is counted; what nobody says any more is not', () => {
  const it = lane(0)
  it.push([message(0, 'nothing', '{'), message(1, 'known/"a"', null)])
  expect(it.take()).toBeNull()
  expect([it.refused, it.routed]).toEqual([1, 2])
})
