import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Prng } from '../kit/prng.ts'
import { Memory } from './memory.ts'
import { TALLY_CELLS, Tally } from './tally.ts'

const byCode = (a: number, b: number): boolean => a < b

function naive(counts: ReadonlyMap<number, number>, k: number): { share: number | null; top: number[] } {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || a - b)
  const total = sorted.reduce((sum, [, n]) => sum + n, 0)
  return { share: total === 0 ? null : sorted[0][1] / total, top: sorted.slice(0, k).map(([code]) => code) }
}

test('knows the most frequent values of each key while they come and go', () => {
  const step = fc.record({ slot: fc.nat(2), code: fc.nat(12), leave: fc.integer({ min: 0, max: 2 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), fc.integer({ min: 1, max: 5 }), (steps, k) => {
      const tally = new Tally(new Memory())
      const cells = new Float64Array(3 * TALLY_CELLS)
      const held: number[][] = [[], [], []]
      for (const { slot, code, leave } of steps) {
        const at = slot * TALLY_CELLS
        if (leave === 0 || held[slot].length === 0) {
          tally.add(cells, at, slot, code, 0)
          held[slot].push(code)
        } else tally.remove(cells, at, slot, held[slot].shift() as number)
        const counts = new Map<number, number>()
        for (const c of held[slot]) counts.set(c, (counts.get(c) ?? 0) + 1)
        expect({ share: tally.share(cells, at), top: tally.top(cells, at, k, byCode) }).toEqual(naive(counts, k))
      }
      held.forEach((codes, slot) => {
        for (const code of codes) tally.remove(cells, slot * TALLY_CELLS, slot, code)
      })
      expect(tally.size).toBe(0)
      expect([...cells]).toEqual([...new Float64Array(3 * TALLY_CELLS)])
    }),
    { numRuns: 100 },
  )
})

test('a key begins anew with each tumbling window, and what it leaves behind goes when its events do', () => {
  const step = fc.record({ slot: fc.nat(2), code: fc.nat(8), nextWindow: fc.nat(6) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const tally = new Tally(new Memory())
      const cells = new Float64Array(3 * TALLY_CELLS)
      const epochs = [0, 0, 0]
      const counts = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()]
      const events: { slot: number; code: number; epoch: number }[] = []
      let epoch = 1
      const retire = (throughEpoch: number): void => {
        while (events.length > 0 && events[0].epoch <= throughEpoch) {
          const { slot, code, epoch: own } = events.shift() as (typeof events)[0]
          tally.retire(cells, slot * TALLY_CELLS, slot, code, own)
        }
      }
      for (const { slot, code, nextWindow } of steps) {
        if (nextWindow === 0) {
          epoch++
          retire(epoch - 2)
        }
        const at = slot * TALLY_CELLS
        if (epochs[slot] !== epoch) {
          cells.fill(0, at, at + TALLY_CELLS)
          counts[slot].clear()
          epochs[slot] = epoch
        }
        tally.add(cells, at, slot, code, epoch)
        events.push({ slot, code, epoch })
        counts[slot].set(code, (counts[slot].get(code) ?? 0) + 1)
        expect({ share: tally.share(cells, at), top: tally.top(cells, at, 3, byCode) }).toEqual(naive(counts[slot], 3))
      }
      retire(epoch)
      expect(tally.size).toBe(0)
    }),
    { numRuns: 100 },
  )
})

test('of many values that are as frequent as each other the first come without a look at all of them', () => {
  const memory = new Memory()
  const tally = new Tally(memory)
  const cells = new Float64Array(TALLY_CELLS)
  const counts = new Map<number, number>()
  const random = new Prng(7)
  let comparisons = 0
  const counted = (a: number, b: number): boolean => {
    comparisons++
    return a < b
  }
  const steps = 20_000
  const held: number[] = []
  for (let i = 0; i < steps; i++) {
    const code = random.int(10) === 0 ? random.int(i + 1) : i
    tally.add(cells, 0, 0, code, 0)
    held.push(code)
    counts.set(code, (counts.get(code) ?? 0) + 1)
    if (held.length > 2_000) {
      const gone = held.shift() as number
      tally.remove(cells, 0, 0, gone)
      const left = (counts.get(gone) as number) - 1
      if (left === 0) counts.delete(gone)
      else counts.set(gone, left)
    }
    if (i % 3 === 0) tally.top(cells, 0, 2, counted)
    if (i % 500 === 0) expect(tally.top(cells, 0, 200, counted)).toEqual(naive(counts, 200).top)
  }

  const alike = new Float64Array(TALLY_CELLS)
  for (let code = 0; code < 2_000; code++) tally.add(alike, 0, 1, code, 0)
  tally.top(alike, 0, 3, counted)
  comparisons = 0
  for (let i = 0; i < 100; i++) {
    tally.add(alike, 0, 1, 2_000 + i, 0)
    tally.remove(alike, 0, 1, i)
    expect(tally.top(alike, 0, 3, counted)).toEqual([i + 1, i + 2, i + 3])
  }
  expect(comparisons / 100).toBeLessThan(2_000 / 10)
})
