import fc from 'fast-check'
import { expect, test } from 'vitest'
import { choose } from './merge.ts'
import { Merged } from './merged.ts'
import type { SourceLane } from './source-lane.ts'
import { laneOf } from './testing.ts'

const limits = { maxSkewMs: 5_000, maxWaitMs: 30_000 }
const FREE = { maxSkewMs: Number.POSITIVE_INFINITY, maxWaitMs: 0 }

/** A lane with these event times staged. */
function stagedLane(...times: number[]): SourceLane {
  const { lane, push, stage } = laneOf()
  push(0, ...times.map(String))
  stage()
  return lane
}

/** Rows as `lane:time`, in the order in which they were taken. */
function rowsOf({ staged, stretches }: Merged): string[] {
  return staged.flatMap(({ block }, i) =>
    Array.from(
      block.timesMs.subarray(stretches[2 * i], stretches[2 * i + 1]),
      (ms) => `${block.sourcePartition}:${ms}`,
    ),
  )
}

/** Always the oldest head, equal ones in the order of the lanes. */
function byHead(lanes: readonly (readonly number[])[]): string[] {
  const next = lanes.map(() => 0)
  const rows: string[] = []
  for (;;) {
    let first = -1
    for (let i = 0; i < lanes.length; i++)
      if (next[i] < lanes[i].length && (first < 0 || lanes[i][next[i]] < lanes[first][next[first]])) first = i
    if (first < 0) return rows
    rows.push(`${first}:${lanes[first][next[first]++]}`)
  }
}

test('whatever the lanes hold, the oldest head goes first: late rows stay behind their predecessors', () => {
  const piece = fc.array(fc.nat(30), { minLength: 1, maxLength: 8 })
  const lanes = fc.array(fc.array(piece, { maxLength: 4 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(lanes, fc.integer({ min: 1, max: 9 }), (pieces, rowsMax) => {
      const left = pieces.map((of) => [...of])
      const made = pieces.map((_, partition) => laneOf(0, undefined, partition))
      const rows: string[] = []
      for (let merged = new Merged(), isOver = false; !isOver; merged = new Merged()) {
        while (merged.rows < rowsMax && !isOver) {
          for (const [i, { lane, feed, push, stage }] of made.entries()) {
            if (lane.staged) continue
            const next = left[i].shift()
            if (next) push(feed.fetched, ...next.map(String))
            stage()
          }
          const choice = choose(
            made.map(({ lane }) => lane),
            0,
            FREE,
          )
          if (choice) merged.take(choice, rowsMax)
          else isOver = true
        }
        expect(merged.rows).toBeLessThanOrEqual(rowsMax)
        expect(rowsOf(merged)).toHaveLength(merged.rows)
        rows.push(...rowsOf(merged))
      }
      expect(rows).toEqual(byHead(pieces.map((of) => of.flat())))
      for (const { lane, feed } of made) expect(lane.routed).toBe(feed.fetched)
    }),
    { numRuns: 150 },
  )
})

test('rows of a lane go together while they are older than the heads of the others', () => {
  const [a, b] = [stagedLane(10, 20, 5, 30, 31), stagedLane(30)]
  const merged = new Merged()
  const choice = choose([a, b], 0, FREE)!
  expect(choice).toEqual({ lane: a, beforeMs: 30 })
  merged.take(choice, 100)
  expect([rowsOf(merged), a.row, a.clockMs]).toEqual([['0:10', '0:20', '0:5'], 3, 20])
  expect(choose([b, a], 0, FREE)?.lane).toBe(b) // equal heads: in the order of the lanes
  expect(choose([a, b], 0, FREE)?.lane).toBe(a)
})

test('no choice where nothing is staged', () => {
  expect(choose([laneOf().lane], 0, limits)).toBeNull()
})

test('a lane far ahead of one whose backlog is still at the broker is held, for max_wait', () => {
  const [ahead, slow] = [stagedLane(100_000), laneOf().lane]
  slow.clockMs = 94_999
  expect(choose([ahead, slow], 0, limits)?.lane).toBe(ahead) // the broker has no more: not slow, only quiet
  slow.end = 50
  expect(choose([ahead, slow], 0, limits)).toBeNull()
  expect(choose([ahead, slow], 29_999, limits)).toBeNull()
  expect(choose([ahead, slow], 30_000, limits)?.lane).toBe(ahead)
  slow.clockMs = 95_000
  slow.hungrySinceMs = null
  expect(choose([ahead, slow], 60_000, limits)?.lane).toBe(ahead)
})

test('it goes on up to max_skew and no further', () => {
  // slow at 10,000; max_skew 5,000
  const [ahead, slow] = [stagedLane(14_000, 14_999, 15_000, 15_001), laneOf().lane]
  slow.clockMs = 10_000
  slow.end = 50
  const merged = new Merged()
  for (let choice = choose([ahead, slow], 0, limits); choice; choice = choose([ahead, slow], 0, limits))
    merged.take(choice, 100)
  expect(rowsOf(merged)).toEqual(['0:14000', '0:14999', '0:15000'])
})

test('a lane that caught up and falls behind again is waited for anew', () => {
  const [ahead, slow] = [stagedLane(100_000), laneOf()]
  slow.lane.clockMs = 0
  slow.lane.end = 1
  expect(choose([ahead, slow.lane], 0, limits)).toBeNull()
  slow.push(0, 'bad') // no row, and it is at its end
  slow.stage()
  expect(choose([ahead, slow.lane], 10_000, limits)?.lane).toBe(ahead)
  slow.lane.end = 2
  expect(choose([ahead, slow.lane], 100_000, limits)).toBeNull()
})

test('a bad record is kept as it was: key, value, headers, offset', () => {
  const { lane, pushRecords } = laneOf()
  const merged = new Merged()
  pushRecords(7, { key: 'k', value: 'bad', headers: { a: '1', b: '2' } }, { key: null, value: 'bad' })
  lane.stage(0, { bad: (of, cursor, why) => merged.bad(of, cursor, why), gap() {}, stuck() {} })
  const why = { reason: 'MALFORMED', detail: 'it says so' }
  const headers = { a: Buffer.from('1'), b: Buffer.from('2') }
  const value = Buffer.from('bad')
  expect(merged.badRecords).toEqual([
    { lane, why, message: { key: Buffer.from('k'), value, headers, offset: 7 } },
    { lane, why, message: { key: null, value, headers: {}, offset: 8 } },
  ])
})

test('a lane is told of once for each move', () => {
  const { lane, push, stage } = laneOf(4)
  const merged = new Merged()
  merged.reached(lane)
  expect(merged.isEmpty).toBe(true)
  push(4, '1', '2')
  stage()
  lane.row = 1
  merged.reached(lane)
  merged.reached(lane)
  expect([...merged.offsets]).toEqual([[lane, 5]])
  const later = new Merged()
  later.reached(lane)
  expect(later.isEmpty).toBe(true)
})
