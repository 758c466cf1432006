import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memory } from './memory.ts'
import { TupleMap } from './tuple-map.ts'

test('agrees with a plain Map under random adds and removes', () => {
  const step = fc.record({ add: fc.boolean(), a: fc.integer({ min: -3, max: 40 }), b: fc.integer({ min: 0, max: 30 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3000, size: 'max' }), (steps) => {
      const map = new TupleMap(new Memory(), 2)
      const model = new Map<string, number>()
      const live = new Set<number>()
      for (const { add, a, b } of steps) {
        map.probe[0] = a
        map.probe[1] = b
        const known = model.get(`${a}/${b}`)
        if (add) {
          const id = map.findOrAdd()
          if (known === undefined) expect(live.has(id)).toBe(false)
          else expect(id).toBe(known)
          expect([map.part(id, 0), map.part(id, 1)]).toEqual([a, b])
          model.set(`${a}/${b}`, id)
          live.add(id)
        } else if (known !== undefined) {
          map.remove(known)
          live.delete(known)
          model.delete(`${a}/${b}`)
        }
        expect(map.size).toBe(model.size)
      }
      for (const [name, id] of model) expect(`${map.part(id, 0)}/${map.part(id, 1)}`).toBe(name)
    }),
    { numRuns: 10 },
  )
})

test('grows through many shards and empties again', () => {
  const map = new TupleMap(new Memory(), 1)
  const ids: number[] = []
  for (let i = 0; i < 100_000; i++) {
    map.probe[0] = i * 7
    ids.push(map.findOrAdd())
  }
  expect(new Set(ids).size).toBe(100_000)
  for (const id of ids) map.remove(id)
  expect(map.size).toBe(0)
})

test('one part to four', () => {
  for (const arity of [0, 5]) expect(() => new TupleMap(new Memory(), arity)).toThrow()
  for (const arity of [1, 4]) {
    const map = new TupleMap(new Memory(), arity)
    const ids = Array.from({ length: 3_000 }, (_, i) => {
      for (let part = 0; part < arity; part++) map.probe[part] = part === arity - 1 ? i : 7
      return map.findOrAdd()
    })
    expect(ids.map((id) => map.part(id, arity - 1))).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
  }
})
