import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from './heap.ts'

test('gives everything in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = new Heap<number>((a, b) => a < b)
      for (const n of numbers) heap.push(n)
      const out: number[] = []
      while (heap.size > 0) out.push(heap.pop() as number)
      expect(out).toEqual(numbers.toSorted((a, b) => a - b))
    }),
  )
})
