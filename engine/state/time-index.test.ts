import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TimeIndex } from './time-index.ts'

test('each cursor gives every event that was not past when it came, in time order', () => {
  const step = fc.record({
    advance: fc.nat(3),
    late: fc.oneof(fc.constant(0), fc.nat(60)),
    count: fc.integer({ min: 1, max: 400 }),
  })
  const windows = [0, 5, 40]
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const index = new TimeIndex()
      const cursors = windows.map(() => index.addCursor())
      const expected: [number, number][][] = windows.map(() => [])
      const seen: [number, number][][] = windows.map(() => [])
      let now = 0
      let row = 0
      const walk = () => {
        cursors.forEach((cursor, i) => {
          for (let t = cursor.peekTime(); t <= now - windows[i]; t = cursor.peekTime()) seen[i].push([t, cursor.take()])
        })
      }
      for (const { advance, late, count } of steps) {
        now += advance
        walk()
        for (let n = 0; n < count; n++) {
          const timeMs = now - ((late * (n % 7)) % 61)
          if (timeMs >= now) index.append(timeMs, row)
          else index.insert(timeMs, row, (i) => now - windows[i])
          windows.forEach((w, i) => {
            if (timeMs > now - w) expected[i].push([timeMs, row])
            else if (timeMs === now && w === 0) expected[i].push([timeMs, row])
          })
          row++
        }
      }
      now += 1000
      walk()
      for (let i = 0; i < windows.length; i++) {
        expected[i].sort((a, b) => a[0] - b[0] || a[1] - b[1])
        expect(seen[i]).toEqual(expected[i])
      }
    }),
    { numRuns: 60 },
  )
})
