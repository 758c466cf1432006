import { expect, test } from 'vitest'
import { Memory } from './memory.ts'
import { Slab } from './slab.ts'

test('records are used again, empty, also after a snapshot', () => {
  const memory = new Memory()
  const slab = new Slab(memory, 3)
  const all = Array.from({ length: 600 }, () => slab.take())
  expect(new Set(all).size).toBe(600)
  for (const record of all) slab.write(record).fill(record, slab.baseOf(record), slab.baseOf(record) + 3)
  slab.free(7)
  slab.free(300)
  const pass = memory.begin(true)
  const again = new Memory()
  const restored = new Slab(again, 3)
  again.load(pass.roots, pass.copy(Number.POSITIVE_INFINITY))
  for (const one of [slab, restored]) {
    expect([one.take(), one.take(), one.take()]).toEqual([300, 7, 600])
    expect([...one.read(7).subarray(one.baseOf(7), one.baseOf(7) + 3)]).toEqual([0, 0, 0])
    expect(one.read(599)[one.baseOf(599) + 2]).toBe(599)
  }
})
