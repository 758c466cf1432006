import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CodeMap } from './code-map.ts'
import { Memory } from './memory.ts'

test('agrees with a plain Map', () => {
  const step = fc.record({ add: fc.boolean(), code: fc.oneof(fc.nat(50), fc.nat(20_000)) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1000, size: 'max' }), (steps) => {
      const map = new CodeMap(new Memory())
      const model = new Map<number, number>()
      const live = new Set<number>()
      for (const { add, code } of steps) {
        map.probe[0] = code
        const known = model.get(code)
        if (add) {
          const id = map.findOrAdd()
          if (known === undefined) expect(live.has(id)).toBe(false)
          else expect(id).toBe(known)
          expect(map.part(id, 0)).toBe(code)
          model.set(code, id)
          live.add(id)
        } else if (known !== undefined) {
          map.remove(known)
          live.delete(known)
          model.delete(code)
        }
        expect(map.size).toBe(model.size)
      }
      for (const [code, id] of model) expect(map.part(id, 0)).toBe(code)
    }),
    { numRuns: 15 },
  )
})
