import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { offsetOfRow } from '../../../model/source-position.ts'
import { STREAMS } from '../../../plan/testing.ts'
import type { Decoder } from '../ports.ts'
import { choose } from './merge.ts'
import { SourceLane } from './source-lane.ts'

const [stream] = STREAMS

/** Values are `time`, `time+time` for two rows, `bad` or `none`; `id:time` needs the registry to know `id` first. */
class TextDecoder implements Decoder {
  readonly known = new Set<string>()
  asked = 0
  answer: () => Promise<void> = async () => {}

  prepare(...[bytes]: Parameters<Decoder['prepare']>): Promise<void> | null {
    const text = String(bytes)
    if (!text.includes(':') || this.known.has(text.split(':')[0])) return null
    this.asked++
    return this.answer()
  }

  decode(...[bytes, , , builder, offset]: Parameters<Decoder['decode']>) {
    const text = String(bytes)
    if (text === 'bad') return { reason: 'MALFORMED', detail: 'it says so' } as const
    if (text === 'none') return null
    const rows = text.split('+')
    rows.forEach((row, i) => {
      builder.begin(offsetOfRow(offset, i), Number(row.split(':').at(-1)), 'order.created')
    })
    return null
  }
}

const message = (offset: number, text: string): KafkaMessage => ({
  key: null,
  value: Buffer.from(text),
  timestamp: '0',
  attributes: 0,
  offset: String(offset),
  headers: {},
})

function laneOf(position = 0, decoder: Decoder = new TextDecoder()) {
  const lane = new SourceLane({ stream, topic: 'orders', partition: 0 }, decoder, position)
  const bad: string[] = []
  const push = (from: number, ...texts: string[]) =>
    lane.push(
      texts.map((text, i) => message(from + i, text)),
      from + texts.length - 1,
    )
  const stage = () => lane.stage(0, (_lane, { offset }) => bad.push(offset))
  const cut = () => {
    stage()
    const { block, from, to } = lane.cut()
    return [...block.offsets.subarray(from, to)]
  }
  return { lane, bad, push, stage, cut }
}

test('a cut ends 100 ms after its head, or after the clock if that is later; what is behind goes along', () => {
  // time    0    50    99 | 100   150   10   199 | 200 | 350
  // offset  0    1     2  | 3     4     5    6   | 7   | 8
  const { lane, push, cut } = laneOf()
  push(0, '0', '50', '99', '100', '150', '10', '199', '200', '350')
  expect(cut()).toEqual([0, 1, 2])
  expect([lane.routed, lane.clockMs, lane.headMs]).toEqual([3, 99, 100])
  expect(cut()).toEqual([3, 4, 5, 6])
  expect(cut()).toEqual([7])
  expect(cut()).toEqual([8])
  expect([lane.routed, lane.fetched, lane.buffered, lane.headMs]).toEqual([9, 9, 0, null])
})

test('records of several rows, and of none: offsets stay whole, and a record is routed with its last row', () => {
  // time    0 1 | 200 400 | -   | 500
  // offset  0     1         2     3
  const { lane, push, cut } = laneOf()
  push(0, '0+1', '200+400', 'none', '500')
  expect(cut()).toEqual([0, offsetOfRow(0, 1)])
  expect([lane.routed, lane.buffered]).toEqual([1, 3])
  expect(cut()).toEqual([1])
  expect([lane.routed, lane.buffered]).toEqual([1, 2])
  expect(cut()).toEqual([offsetOfRow(1, 1)])
  expect([lane.routed, lane.buffered]).toEqual([2, 1])
  expect(cut()).toEqual([3])
  expect([lane.routed, lane.buffered]).toEqual([4, 0])
  push(4, 'none', 'none')
  lane.stage(0, () => {})
  expect([lane.routed, lane.buffered, lane.headMs]).toEqual([6, 0, null])
})

test('records of many rows: one stage holds a thousand rows, and the rest of one record', () => {
  const { lane, push, cut } = laneOf()
  const many = Array.from({ length: 400 }, () => '5').join('+')
  push(0, many, many, many, many)
  expect([cut().length, lane.routed, lane.buffered]).toEqual([1_200, 3, 1])
  expect([cut().length, lane.routed, lane.buffered]).toEqual([400, 4, 0])
})

test('never over the end of a poll', () => {
  const { push, cut } = laneOf()
  push(0, '0', '1')
  push(2, '2')
  expect([cut(), cut()]).toEqual([[0, 1], [2]])
})

test('bad records are passed on, and count as routed with what stands around them', () => {
  const { lane, bad, push, stage, cut } = laneOf()
  push(0, 'bad', '5', 'bad', '6', 'bad')
  stage()
  expect([bad, lane.buffered, lane.routed]).toEqual([['0', '2', '4'], 2, 0])
  expect(cut()).toEqual([1, 3])
  expect(lane.routed).toBe(5)
  push(5, 'bad', 'bad')
  stage()
  expect([lane.buffered, lane.routed]).toEqual([0, 7])
})

test('what was read before a join is passed over; control records alone move the end', () => {
  const { lane, push, cut } = laneOf(3)
  push(1, '0', '1', '2', '3')
  expect(cut()).toEqual([3, 4])
  lane.push([], 9)
  expect([lane.fetched, lane.routed]).toEqual([10, 10])
})

test('a registry that is away holds the lane and loses nothing; an id that nobody knows is asked for once a record', async () => {
  const decoder = new TextDecoder()
  const { lane, push, stage, cut } = laneOf(0, decoder)
  push(0, '7:1', '7:2')
  decoder.answer = () => Promise.reject(new Error('away'))
  await expect(stage()).rejects.toThrow('away')
  expect([lane.headMs, lane.buffered]).toEqual([null, 2])
  decoder.answer = () => Promise.resolve()
  const asking = stage()
  expect(stage()).toBeNull()
  await asking
  expect(cut()).toEqual([0, 1])
  expect(decoder.asked).toBe(3)
})

const limits = { maxSkewMs: 5_000, maxWaitMs: 30_000 }
const staged = (...texts: string[]) => {
  const { lane, push, stage } = laneOf()
  push(0, ...texts)
  stage()
  return lane
}

test('the oldest head goes first', () => {
  const [a, b, empty] = [staged('500'), staged('400', '900'), laneOf().lane]
  expect(choose([a, b, empty], 0, limits)).toBe(b)
  expect(choose([empty], 0, limits)).toBe('empty')
})

test('a lane far ahead of one whose backlog is still at the broker is held, for max_wait', () => {
  const [ahead, slow] = [staged('100000'), laneOf()]
  slow.lane.clockMs = 94_999
  expect(choose([ahead, slow.lane], 0, limits)).toBe(ahead) // the broker has no more: not slow, only quiet
  slow.lane.end = 50
  expect(choose([ahead, slow.lane], 0, limits)).toBe('held')
  expect(choose([ahead, slow.lane], 29_999, limits)).toBe('held')
  expect(choose([ahead, slow.lane], 30_000, limits)).toBe(ahead)
  slow.lane.clockMs = 95_000
  slow.lane.hungrySinceMs = null
  expect(choose([ahead, slow.lane], 60_000, limits)).toBe(ahead)
})
