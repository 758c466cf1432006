import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memory } from './memory.ts'
import { RUN_CELLS, Runs } from './runs.ts'

test('keeps the points of each key in order while the oldest go', () => {
  const step = fc.record({
    key: fc.nat(1),
    skip: fc.nat(1),
    points: fc.integer({ min: 1, max: 3 }),
    value: fc.nat(1),
    trim: fc.nat(9),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const runs = new Runs(new Memory())
      const cells = new Float64Array(2 * RUN_CELLS)
      const model: [number, number][][] = [[], []]
      const lastMs = [0, 0]
      for (const { key, skip, points, value, trim } of steps) {
        const at = key * RUN_CELLS
        const firstMs = lastMs[key] + 1 + skip
        runs.push(cells, at, firstMs, firstMs + points - 1, value, skip === 0 ? lastMs[key] : Number.NaN)
        for (let i = 0; i < points; i++) model[key].push([firstMs + i, value])
        lastMs[key] = firstMs + points - 1
        // a run goes as a whole: points that are due may stay as long as younger ones of their run do
        if (trim === 0) runs.trim(cells, at, lastMs[key] - 5)
        const held: [number, number][] = []
        let before = { lastMs: Number.NaN, value: Number.NaN }
        for (let run = runs.oldest(cells, at); run !== 0; run = runs.next(run)) {
          const value = runs.value(run)
          for (let ms = runs.firstMs(run); ms <= runs.lastMs(run); ms++) held.push([ms, value])
          if (before.value === value) expect(runs.firstMs(run)).toBeGreaterThan(before.lastMs + 1)
          before = { lastMs: runs.lastMs(run), value }
        }
        expect(held).toEqual(model[key].slice(-held.length))
        expect(held[0][0]).toBeLessThanOrEqual(Math.max(model[key][0][0], lastMs[key] - 4 + 2))
        model[key] = held
      }
    }),
    { numRuns: 100 },
  )
})

test('a key whose runs are all gone begins anew', () => {
  const runs = new Runs(new Memory())
  const cells = new Float64Array(RUN_CELLS)
  runs.push(cells, 0, 1, 3, 5, Number.NaN)
  runs.trim(cells, 0, 3)
  expect([...cells]).toEqual([0, 0])
  runs.push(cells, 0, 4, 4, 5, 3)
  expect([runs.firstMs(runs.oldest(cells, 0)), runs.lastMs(runs.oldest(cells, 0))]).toEqual([4, 4])
})
