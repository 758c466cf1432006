import { expect, test } from 'vitest'
import { EngineError } from '../../../model/errors.ts'
import { batchBytes, controlBytes, sealed } from '../fetch/testing.ts'
import { laneOf, TextDecoder } from './testing.ts'

type Made = ReturnType<typeof laneOf>

/** Offsets of the piece that is staged. */
const staged = ({ lane }: Made) => lane.staged && [...lane.staged.block.offsets]

/** All that waits, piece by piece, handed on at once. */
function taken(it: Made): number[][] {
  const pieces: number[][] = []
  for (it.stage(); it.lane.staged; it.stage()) {
    pieces.push(staged(it)!)
    it.lane.staged = null
  }
  return pieces
}

test('a piece holds the records of several batches, with the bytes of each and the oldest time of all', () => {
  const it = laneOf()
  it.pushRecords(0, { value: '10', timestampMs: 700 }, { value: '7', timestampMs: 600 })
  it.pushRecords(2, { value: '1000', timestampMs: 900 })
  expect([it.lane.routed, it.lane.isBehind]).toEqual([0, true])
  expect(it.stage()).toBeNull()
  const { block, sizes, appendedMs, places } = it.lane.staged!
  expect([[...block.offsets], [...block.timesMs], [...sizes]]).toEqual([
    [0, 1, 2],
    [10, 7, 1000],
    [2, 1, 4],
  ])
  expect(appendedMs).toBe(600)
  expect(places.map((of) => [...of])).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ])
  expect(it.lane.routed).toBe(0)
  it.lane.row = 2
  expect(it.lane.routed).toBe(2)
  it.lane.staged = null
  expect([it.lane.routed, it.lane.isBehind]).toEqual([3, false])
})

test('nothing further is decoded while a piece is staged; a piece has at most 2,048 records', () => {
  const it = laneOf()
  it.push(0, ...Array.from({ length: 3_000 }, (_, i) => String(i)))
  it.stage()
  it.stage()
  expect(staged(it)).toHaveLength(2_048)
  expect([it.lane.isBehind, it.lane.routed]).toEqual([true, 0])
  it.lane.staged = null
  expect(it.lane.routed).toBe(2_048)
  expect(taken(it).map((piece) => [piece[0], piece.length])).toEqual([[2_048, 952]])
})

test('a piece ends at 1 MiB of values; records without a value take nothing off that', () => {
  const it = laneOf()
  const large = ' '.repeat(400_000)
  it.pushRecords(0, { value: `${large}1` }, { key: large, value: null }, { value: `${large}2` }, { value: `${large}3` })
  it.push(4, '4')
  expect(taken(it)).toEqual([[0, 2, 3], [4]])
})

test('records before the offset that it begins at are passed over; so are the ends of transactions, which move it on', () => {
  const it = laneOf(3)
  it.push(1, '0', '1', '2', '3')
  expect(taken(it)).toEqual([[3, 4]])
  it.feed.push(6, controlBytes(5), controlBytes(6))
  it.stage()
  expect([it.lane.staged, it.lane.routed, it.lane.isBehind]).toEqual([null, 7, false])
})

test('while a piece waits, the end of a transaction behind it does not count as routed', () => {
  const it = laneOf()
  it.feed.push(2, batchBytes(0, [{ value: '1' }, { value: '2' }]), controlBytes(2))
  it.stage()
  it.lane.row = 1
  expect(it.lane.routed).toBe(1)
  it.lane.staged = null
  expect(it.lane.routed).toBe(3)
})

test('bad records are told, each at its cursor, and count as routed with what stands around them', () => {
  const it = laneOf()
  it.push(0, 'bad', '5', 'bad', '6', 'bad')
  it.stage()
  expect([it.bad, staged(it), it.lane.routed]).toEqual([[0, 2, 4], [1, 3], 1])
  it.lane.staged = null
  expect(it.lane.routed).toBe(5)
  it.push(5, 'bad', 'bad')
  it.stage()
  expect([it.lane.staged, it.lane.routed]).toEqual([null, 7])
})

test('a registry that is away holds the lane and loses nothing; an id that nobody knows is asked for once a record', async () => {
  const decoder = new TextDecoder()
  const it = laneOf(0, decoder)
  it.push(0, '1', '7:2', '7:3')
  decoder.answer = () => Promise.reject(new Error('away'))
  await expect(it.stage()).rejects.toThrow('away')
  expect(staged(it)).toEqual([0]) // what came before goes on
  it.lane.staged = null
  expect([it.lane.routed, it.lane.isBehind]).toEqual([1, true])
  await expect(it.stage()).rejects.toThrow('away')
  decoder.answer = () => Promise.resolve()
  const asking = it.stage()
  expect(it.stage()).toBeNull() // nothing happens before it is settled
  await asking
  const next = it.stage()
  expect([staged(it), decoder.asked]).toEqual([[1], 4])
  await next
  it.lane.staged = null
  expect([it.stage(), staged(it), decoder.asked]).toEqual([null, [2], 4])
})

test('records that the broker deleted are counted once and passed over', () => {
  const it = laneOf()
  it.push(0, '1')
  expect(taken(it)).toEqual([[0]])
  it.feed.logStart = 10
  it.feed.fail(gap())
  it.stage()
  expect([it.gaps, it.lane.routed, it.stuck]).toEqual([[9], 10, []])
  it.push(10, '2')
  expect(taken(it)).toEqual([[10]])
})

test('what was received before a gap is not lost with it', () => {
  const it = laneOf()
  it.push(0, '1', '2')
  it.feed.logStart = 10
  it.feed.fail(gap())
  expect(taken(it)).toEqual([[0, 1]])
  it.stage()
  expect([it.gaps, it.lane.routed]).toEqual([[8], 10])
})

test('a position beyond the end of the log is no gap to pass: the lane stops', () => {
  const it = laneOf(50)
  it.feed.logStart = 0
  it.feed.fail(gap())
  it.stage()
  expect([it.gaps, it.stuck, it.lane.trouble, it.lane.routed]).toEqual([[], ['gone'], 'gone', 50])
})

test('a batch whose checksum is wrong stops the lane, once, behind what came before it', () => {
  const it = laneOf()
  const broken = batchBytes(1, [{ value: '2' }])
  broken[broken.length - 2] ^= 1
  it.feed.push(1, batchBytes(0, [{ value: '1' }]), broken)
  expect(taken(it)).toEqual([[0]])
  it.push(2, '3')
  expect(taken(it)).toEqual([])
  expect([it.stuck, it.lane.routed, it.lane.isBehind]).toEqual([
    ['orders/0: offsets 1 to 1: the checksum (CRC-32C) is wrong'],
    1,
    true,
  ])
})

test('a batch that breaks off among its records: those before are read, and nothing behind them counts as routed', () => {
  const it = laneOf()
  const bytes = batchBytes(0, [{ value: '1' }, { value: '2' }, { value: '3' }])
  bytes[bytes.length - 8] = 127 // the length of the last record
  it.feed.push(2, sealed(bytes))
  it.stage()
  expect([staged(it), it.stuck.length]).toEqual([[0, 1], 1])
  it.lane.staged = null
  expect(it.lane.routed).toBe(2)
  it.stage()
  expect([it.lane.routed, it.stuck.length]).toEqual([2, 1])
})

function gap() {
  return new EngineError('LOG_GAP', 'gone')
}
