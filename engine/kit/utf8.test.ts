import { isUtf8 as nodeIsUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isUtf8 } from './utf8.ts'

test('every sequence of up to two bytes, and all that can follow a lead of three or four, as Node says', () => {
  const differ: string[] = []
  const compare = (...values: number[]) => {
    const bytes = Uint8Array.from(values)
    if (isUtf8(bytes, 0, bytes.length) !== nodeIsUtf8(bytes)) differ.push(values.map((v) => v.toString(16)).join(' '))
  }
  for (let a = 0; a < 256; a++) {
    compare(a)
    for (let b = 0; b < 256; b++) {
      compare(a, b)
      if (a < 0xe0) continue
      for (const c of [0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff]) {
        compare(a, b, c)
        for (const d of [0x7f, 0x80, 0xbf, 0xc0]) compare(a, b, c, d)
      }
    }
  }
  expect(differ).toEqual([])
})

test('pieces of a larger buffer: what stands around them is not looked at', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 })
  fc.assert(
    fc.property(text, fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), fc.nat(3), (s, a, b, cut) => {
      const middle = Buffer.from(s).subarray(0, Math.max(0, Buffer.byteLength(s) - cut))
      const bytes = Buffer.concat([a, middle, b])
      expect(isUtf8(bytes, a.length, a.length + middle.length)).toBe(nodeIsUtf8(middle))
    }),
    { numRuns: 2_000 },
  )
})
