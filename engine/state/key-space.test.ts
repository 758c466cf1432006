import { expect, test } from 'vitest'
import { KEY_CELLS, KeySpace } from './key-space.ts'
import { Memory } from './memory.ts'
import { StringTable } from './string-table.ts'

test.each([1, 2])('keys of %s parts: cells of their own, empty at first, used again; values live as long', (arity) => {
  const strings = new StringTable(new Memory())
  const space = new KeySpace(new Memory(), arity, KEY_CELLS + 3, strings)
  const codes = Array.from({ length: 1_500 }, (_, i) => strings.internText(`value ${i}`))
  const slotOf = (i: number, max?: number): number => {
    space.keys.probe.fill(codes[i])
    return space.slotOf(max)
  }
  const slots = codes.map((_, i) => slotOf(i))
  expect(new Set(slots).size).toBe(1_500)
  slots.forEach((slot, i) => {
    expect(space.newestRow(slot)).toBe(-1)
    expect([space.chain(slot, i), space.chain(slot, i + 7)]).toEqual([0, 7])
    expect(space.newestRow(slot)).toBe(i + 7)
    space.writeCells(slot).fill(i + 0.5, space.baseOf(slot) + KEY_CELLS, space.baseOf(slot) + space.stride)
    strings.release(codes[i])
  })
  slots.forEach((slot, i) => {
    const base = space.baseOf(slot)
    expect([...space.cellsOf(slot).subarray(base + KEY_CELLS, base + space.stride)]).toEqual(Array(3).fill(i + 0.5))
  })
  expect(slotOf(5, 1_500)).toBe(slots[5])
  expect(strings.live).toBe(1_500)

  for (let i = 0; i < 10; i++) {
    space.retain(slots[i])
    expect([space.release(slots[i]), space.release(slots[i])]).toEqual([false, false])
    space.forget(slots[i])
    expect([space.keys.size, strings.live]).toEqual([1_500 - i, 1_500 - i])
    expect(space.release(slots[i])).toBe(true)
    space.forget(slots[i])
    space.forget(slots[i])
    expect([space.keys.size, strings.live]).toEqual([1_499 - i, 1_499 - i])
  }

  const fresh = strings.internText('another value')
  space.keys.probe.fill(fresh)
  expect(space.slotOf(1_490)).toBe(-1)
  expect(space.keys.size).toBe(1_490)
  space.keys.probe.fill(fresh)
  const slot = space.slotOf(1_491)
  expect(slots.slice(0, 10)).toContain(slot)
  const base = space.baseOf(slot)
  expect([...space.cellsOf(slot).subarray(base, base + space.stride)]).toEqual(Array(KEY_CELLS + 3).fill(0))
})
