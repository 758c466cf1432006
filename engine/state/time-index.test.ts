import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packSome } from './packing.ts'
import { BYTES, MemorySegments } from './testing.ts'
import { TimeIndex } from './time-index.ts'

test('each cursor gives every event that it sees and that was not past when it came, in time order', () => {
  const step = fc.record({
    advance: fc.nat(3),
    late: fc.oneof(fc.constant(0), fc.nat(60)),
    count: fc.integer({ min: 1, max: 400 }),
  })
  const windows = [0, 5, 40, 5, 40]
  const sees = [null, null, null, (row: number) => row % 3 === 0, (row: number) => row % 1000 > 900]
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), (steps) => {
      const index = new TimeIndex()
      const cursors = sees.map((one) => index.addCursor(one))
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
        const seeable = expected[i].filter(([, row]) => sees[i]?.(row) !== false)
        expect(seen[i]).toEqual(seeable.sort((a, b) => a[0] - b[0] || a[1] - b[1]))
      }
    }),
    { numRuns: 10 },
  )
})

// Fifteen segments of events, one a millisecond, every other one 3 s late; a cursor stands 20 s behind.
test.each([0, 3])('what no late event can reach goes to files, comes back, and is dropped; %s stay', (inMemoryMax) => {
  const lateMs = 3_000
  const delaysMs = [lateMs + 1, 20_000]
  const build = () => {
    const files = new MemorySegments(BYTES, inMemoryMax)
    const index = new TimeIndex(files)
    return { files, index, cursors: delaysMs.map(() => index.addCursor()) }
  }
  let { files, index, cursors } = build()
  const seen: number[][] = [[], []]
  const walk = (now: number): void => {
    cursors.forEach((cursor, i) => {
      while (cursor.peekTime() <= now - delaysMs[i]) seen[i].push(cursor.take())
    })
  }
  const total = 15 * 4096
  for (let now = 0; now < total; now++) {
    if (now % 2 === 0) index.append(now, now)
    else if (now > lateMs) index.insert(now - lateMs, now, (i) => now - 1 - delaysMs[i])
    walk(now)
    if (now % 1000 !== 999 || now > total - 10_000) continue
    index.trim()
    index.freeze(now - lateMs)
    const oldestMs = Math.max(0, now - 20_000)
    expect(index.cursorRows()).toEqual(cursors.map((c) => c.peekRow()))
    expect(files.held.size).toBeLessThanOrEqual(Math.ceil((now - oldestMs) / 2048) + 1)
    if (now !== 39_999) continue
    const saved = index.save()
    index.append(now, 1_000_000)
    index.insert(now - 10, 1_000_001, () => Number.NEGATIVE_INFINITY)
    const before = files
    ;({ files, index, cursors } = build())
    const parts = saved.index.map((part) => packSome(part.packing(), Number.POSITIVE_INFINITY)!)
    index.load(
      parts,
      saved.index[0].number,
      saved.hot.map((part) => part.bytes()),
    )
    expect(files.texts).toEqual(before.texts)
  }
  expect(files.held.size).toBeGreaterThan(4)
  expect(files.reads).toBeGreaterThan(inMemoryMax === 0 ? 8 : 3)
  expect(files.asked.size).toBeGreaterThan(3)
  expect(cursors[1].peekTime()).toBeLessThan(total - 19_990)
  walk(2 * total)
  expect(index.cursorRows()).toEqual([])
  const times = Array.from({ length: total }, (_, time) => time).filter((t) => t % 2 === 0 || t < total - lateMs)
  const expected = times.map((time) => (time % 2 === 0 ? time : time + lateMs))
  for (const rows of seen) expect(rows).toEqual(expected)
  index.trim()
  index.freeze(2 * total)
  expect(files.held.size).toBe(0)
})

test('without files nothing is written, and an event in the middle of a full segment is still ahead', () => {
  const index = new TimeIndex()
  const cursor = index.addCursor()
  for (let i = 0; i < 4096; i++) index.append(i * 2, i)
  for (let i = 0; i < 2048; i++) expect([cursor.peekTime(), cursor.take()]).toEqual([i * 2, i])
  index.insert(4095, 5_000, () => 4094)
  expect([cursor.peekTime(), cursor.take(), cursor.take()]).toEqual([4095, 5_000, 2048])
  for (let i = 4096; i < 10_000; i++) index.append(i * 2, i)
  index.freeze(14_000)
  while (cursor.peekTime() < 15_000) cursor.take()
  index.trim()
  expect(cursor.take()).toBe(7_500)
})

test('a late event that a cursor does not see costs it nothing, one that it sees brings it back', () => {
  let looks = 0
  const index = new TimeIndex()
  const cursor = index.addCursor((row) => {
    looks++
    return row === 7_001
  })
  for (let i = 0; i < 7_000; i++) index.append(i, i)
  expect(cursor.peekTime()).toBe(Number.POSITIVE_INFINITY)
  expect(looks).toBe(7_000)
  index.insert(10, 7_000, () => Number.NEGATIVE_INFINITY)
  expect([cursor.peekTime(), looks]).toEqual([Number.POSITIVE_INFINITY, 7_001])
  index.insert(20, 7_001, () => Number.NEGATIVE_INFINITY)
  expect([cursor.peekTime(), cursor.take()]).toEqual([20, 7_001])
  expect(cursor.peekTime()).toBe(Number.POSITIVE_INFINITY)
})
