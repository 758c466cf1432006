import { expect, test } from 'vitest'
import { OutputDecoder } from './output-decoder.ts'

// others may write to the topics of alerts, too: 10^10 items in some bytes, in a block that says its size and in one that does not
const COUNTS = [
  [0x80, 0x90, 0xdf, 0xc0, 0x4a],
  [0xff, 0x8f, 0xdf, 0xc0, 0x4a, 0],
]

test.each(['alert', 'ranking'] as const)('items that an %s declares and does not hold take no time', (schema) => {
  const decoder = new OutputDecoder(schema)
  const startedMs = performance.now()
  for (let before = 5; before < 60; before++)
    for (const count of COUNTS) {
      const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(count), Buffer.alloc(30)])
      try {
        decoder.decode(bytes)
      } catch {
        // as nearly all of them
      }
    }
  expect(performance.now() - startedMs).toBeLessThan(2_000)
})

test('what is no output says so by name', () => {
  const decoder = new OutputDecoder('alert')
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(5), Buffer.from('{"kind":"alert"}')])
    expect(() => decoder.decode(bytes)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }))
})
