import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memory } from './memory.ts'
import { StringTable } from './string-table.ts'

test('codes mean their values, as long as they are referred to', () => {
  const value = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.double({ noNaN: true }), fc.constant(0))
  const step = fc.record({ add: fc.boolean(), value })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1000, size: 'max' }), (steps) => {
      const table = new StringTable(new Memory())
      const held: { value: string | number; code: number }[] = []
      for (const s of steps) {
        if (s.add || held.length === 0) {
          const v = Object.is(s.value, -0) ? 0 : s.value
          const code = typeof v === 'string' ? table.internText(v) : table.internNumber(v)
          expect(held.find((h) => (h.code === code) !== (h.value === v))).toBe(undefined)
          held.push({ value: v, code })
        } else {
          const [gone] = held.splice(held.length >> 1, 1)
          table.release(gone.code)
        }
        expect(table.live).toBe(new Set(held.map((h) => h.value)).size)
      }
      for (const h of held) expect(table.value(h.code)).toBe(h.value)
    }),
    { numRuns: 15 },
  )
})

test('the room of values that went is used again', () => {
  const table = new StringTable(new Memory())
  const window: number[] = []
  for (let i = 0; i < 200_000; i++) {
    window.push(table.internText(`a value of some length, number ${i}`))
    if (window.length > 100) table.release(window.shift() as number)
  }
  expect(table.live).toBe(100)
  expect(table.value(window[0])).toBe('a value of some length, number 199900')
})

test('a code that nobody refers to any more cannot be released', () => {
  const table = new StringTable(new Memory())
  const code = table.internText('a')
  table.retain(code)
  table.release(code)
  table.release(code)
  expect(() => table.release(code)).toThrow('a code is released once for each reference')
})

test('U+FEFF at the beginning of a text is part of it, however the text is asked for', () => {
  const table = new StringTable(new Memory())
  const bytes = new TextEncoder().encode('\ufeffS1')
  const code = table.intern(bytes, 0, bytes.length)
  expect(table.value(code)).toBe('\ufeffS1')
  expect([table.codeOfText('\ufeffS1'), table.codeOfText('S1')]).toEqual([code, -1])
})
