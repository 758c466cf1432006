import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memory } from './memory.ts'
import { TimerHeap } from './timer-heap.ts'

test('timers come by moment, then by turn, then as they were set; a restored heap goes on as the one before', () => {
  const timer = fc.record({ dueMs: fc.nat({ max: 20 }), turn: fc.nat({ max: 2 }), pops: fc.nat({ max: 2 }) })
  fc.assert(
    fc.property(fc.array(timer, { maxLength: 60, size: 'max' }), fc.nat({ max: 60 }), (timers, cut) => {
      let memory = new Memory()
      let heap = new TimerHeap(memory)
      let left: { dueMs: number; turn: number; slot: number }[] = []
      const popOne = (): void => {
        left = left.toSorted((a, b) => a.dueMs - b.dueMs || a.turn - b.turn || a.slot - b.slot)
        expect(heap.nextDueMs()).toBe(left[0]?.dueMs ?? Number.POSITIVE_INFINITY)
        const expected = left.shift()
        if (expected) expect(heap.pop()).toMatchObject({ ...expected, tag: -expected.slot, value: expected.slot + 0.5 })
      }
      timers.forEach(({ dueMs, turn, pops }, slot) => {
        if (slot === cut) {
          const pass = memory.begin(true)
          const again = new Memory()
          heap = new TimerHeap(again)
          again.load(pass.roots, pass.copy(Number.POSITIVE_INFINITY))
          memory = again
        }
        heap.push(dueMs, turn, -slot, slot, slot + 0.5)
        left.push({ dueMs, turn, slot })
        for (let i = 0; i < pops; i++) popOne()
      })
      expect(heap.all().map((t) => t.slot)).toEqual(left.map((t) => t.slot).sort((a, b) => a - b))
      while (heap.size > 0) popOne()
      expect(left).toEqual([])
    }),
  )
})

test('more timers than a page holds', () => {
  const heap = new TimerHeap(new Memory())
  for (let i = 0; i < 5_000; i++) heap.push((i * 7_919) % 5_000, 0, 0, 0, 0)
  expect(Array.from({ length: 5_000 }, () => heap.pop().dueMs)).toEqual(Array.from({ length: 5_000 }, (_, i) => i))
})
