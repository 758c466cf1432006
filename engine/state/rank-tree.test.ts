import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketOf, valueOfBucket } from './log-buckets.ts'
import { Memory } from './memory.ts'
import { RankTree } from './rank-tree.ts'

test('knows the number of every rank while they come and go', () => {
  const step = fc.record({
    key: fc.nat(2),
    number: fc.integer({ min: -30, max: 30 }),
    leave: fc.nat(2),
    all: fc.nat(40),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const tree = new RankTree(new Memory())
      const cells = new Float64Array(3)
      const held: number[][] = [[], [], []]
      for (const { key, number, leave, all } of steps) {
        if (all === 0) {
          tree.clear(cells, key)
          held[key] = []
        } else if (leave > 0 || held[key].length === 0) {
          tree.add(cells, key, number)
          held[key].push(number)
        } else tree.remove(cells, key, held[key].shift() as number)
        const sorted = [...held[key]].sort((a, b) => a - b)
        expect(tree.total(cells, key)).toBe(sorted.length)
        expect(sorted.map((_, i) => tree.ofRank(cells, key, i + 1))).toEqual(sorted)
      }
      held.forEach((numbers, key) => {
        for (const number of numbers) tree.remove(cells, key, number)
      })
      expect([...cells]).toEqual([0, 0, 0])
    }),
    { numRuns: 20 },
  )
})

test('more numbers than a page holds', () => {
  const tree = new RankTree(new Memory())
  const cells = new Float64Array(1)
  const numbers = Array.from({ length: 1_000 }, (_, i) => (i * 389) % 1_000)
  for (const number of numbers) tree.add(cells, 0, number)
  expect(numbers.map((_, i) => tree.ofRank(cells, 0, i + 1))).toEqual([...numbers].sort((a, b) => a - b))
})

test('a bucket stands for its values within 1 %, and buckets ascend as they do', () => {
  const positive = fc.double({ min: 1e-300, max: 1e300, noNaN: true })
  const value = fc.oneof(
    positive,
    positive.map((v) => -v),
    fc.double({ min: 1, max: 100, noNaN: true }),
  )
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(Math.abs(valueOfBucket(bucketOf(a)) - a)).toBeLessThanOrEqual(Math.abs(a) * 0.0100001)
      if (a < b) expect(bucketOf(a)).toBeLessThanOrEqual(bucketOf(b))
    }),
  )
  expect([bucketOf(0), bucketOf(-0), valueOfBucket(0)]).toEqual([0, 0, 0])
  expect(bucketOf(Number.MIN_VALUE)).toBeGreaterThan(0)
})
