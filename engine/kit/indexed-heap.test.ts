import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IndexedHeap } from './indexed-heap.ts'

test('the first k of what is there, in order, while numbers come and go', () => {
  const numbers = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 300, size: 'max' })
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 200 })),
      numbers,
      fc.integer({ min: 1, max: 9 }),
      (begin, toggled, k) => {
        const heap = new IndexedHeap([...begin], (a, b) => a > b)
        const model = new Set(begin)
        for (const n of toggled) {
          if (model.delete(n)) heap.remove(n)
          else {
            heap.add(n)
            model.add(n)
          }
          expect(heap.size).toBe(model.size)
        }
        expect(heap.first(k)).toEqual([...model].sort((a, b) => b - a).slice(0, k))
      },
    ),
  )
})
