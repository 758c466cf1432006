import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memory } from './memory.ts'
import { PairCounts } from './pair-counts.ts'

test.each([
  { wide: false, deltas: [1, -1, 1000, -1000] },
  { wide: true, deltas: [1, -1, 8_000_000, -8_000_000, 2 ** 33, -(2 ** 33)] },
])('agrees with a plain Map, wide: $wide', ({ wide, deltas }) => {
  const delta = fc.constantFrom(...deltas)
  const step = fc.record({ slot: fc.nat(30), value: fc.nat(20), delta, undo: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 2000, size: 'max' }), (steps) => {
      const counts = new PairCounts(new Memory(), wide)
      const model = new Map<string, number>()
      for (const { slot, value, delta, undo } of steps) {
        const name = `${slot}/${value}`
        const before = model.get(name) ?? 0
        const by = undo && before !== 0 ? -before : delta
        expect(counts.add(slot, value, by)).toBe(before + by)
        if (before + by === 0) model.delete(name)
        else model.set(name, before + by)
        expect(counts.size).toBe(model.size)
      }
    }),
    { numRuns: 10 },
  )
})

test('a hundred thousand pairs come and go', () => {
  const counts = new PairCounts(new Memory(), false)
  for (const delta of [1, -1]) {
    const wrong = Array.from({ length: 100_000 }, (_, i) => counts.add(i >> 4, i & 15, delta) - Math.max(0, delta))
    expect(wrong.find((by) => by !== 0)).toBe(undefined)
  }
  expect(counts.size).toBe(0)
})
