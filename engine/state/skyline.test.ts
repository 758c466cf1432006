import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memory } from './memory.ts'
import { Skyline } from './skyline.ts'

// window of 20 ms, (t - 20, t]; max
// time    0      10      20      30
// event   5       3       4              max: 5, 5, 4 (5 left at 20), 4 (3 left at 30)
test('the greatest value that has not left', () => {
  const skyline = new Skyline(new Memory(), 'max')
  const cells = new Float64Array(2)
  skyline.add(cells, 0, 0, 5)
  skyline.add(cells, 0, 10, 3)
  expect(skyline.best(cells, 0)).toBe(5)
  skyline.expire(cells, 0, 0)
  skyline.add(cells, 0, 20, 4)
  expect(skyline.best(cells, 0)).toBe(4)
  skyline.expire(cells, 0, 10)
  expect(skyline.best(cells, 0)).toBe(4)
  skyline.expire(cells, 0, 20)
  expect([...cells]).toEqual([0, 0])
})

test('agrees with a plain list: many keys, late events, equal times', () => {
  const step = fc.record({
    key: fc.nat(3),
    advance: fc.nat(4),
    late: fc.nat(15),
    value: fc.integer({ min: -5, max: 5 }),
  })
  for (const kind of ['min', 'max'] as const) {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const windowMs = 12
        const skyline = new Skyline(new Memory(), kind)
        const cells = new Float64Array(8)
        const held: { key: number; timeMs: number; value: number }[][] = [[], [], [], []]
        let now = 0
        for (const { key, advance, late, value } of steps) {
          now += advance
          const timeMs = now - late
          if (timeMs > now - windowMs) {
            skyline.add(cells, key * 2, timeMs, value)
            held[key].push({ key, timeMs, value })
          }
          for (let k = 0; k < 4; k++) {
            held[k] = held[k].filter((e) => e.timeMs > now - windowMs)
            skyline.expire(cells, k * 2, now - windowMs)
            const values = held[k].map((e) => e.value)
            if (values.length === 0) expect(cells[k * 2]).toBe(0)
            else expect(skyline.best(cells, k * 2)).toBe(kind === 'max' ? Math.max(...values) : Math.min(...values))
          }
        }
      }),
      { numRuns: 15 },
    )
  }
})

test('more values than a page holds', () => {
  const skyline = new Skyline(new Memory(), 'max')
  const cells = new Float64Array(2)
  for (let i = 0; i < 10_000; i++) skyline.add(cells, 0, i, -i)
  const best = Array.from({ length: 9_999 }, (_, i) => {
    skyline.expire(cells, 0, i)
    return skyline.best(cells, 0)
  })
  expect(best).toEqual(best.map((_, i) => -i - 1))
})
