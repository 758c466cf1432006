import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memory } from './memory.ts'
import { RecentIds } from './recent-ids.ts'

const step = fc.record({
  id: fc.nat(50),
  advance: fc.oneof(fc.nat(3), fc.nat(400)),
  ahead: fc.oneof(fc.nat(20), fc.nat(600)),
})

test('agrees with a plain Map, also after a snapshot', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500, size: 'max' }), fc.nat(499), (steps, cut) => {
      const spanMs = 100
      let memory = new Memory()
      let recent = new RecentIds(memory, spanMs)
      const readAt = new Map<string, number>()
      let now = 0
      steps.forEach(({ id, advance, ahead }, i) => {
        if (i === cut) {
          const pass = memory.begin(true)
          const pages = pass.copy(Number.POSITIVE_INFINITY)
          memory = new Memory()
          recent = new RecentIds(memory, spanMs)
          memory.load(JSON.parse(JSON.stringify(pass.roots)), pages)
        }
        const name = `event-${id}`
        const bytes = new TextEncoder().encode(name)
        const known = readAt.get(name)
        const isNew = known === undefined || known <= now + ahead - spanMs
        expect(recent.add(bytes, 0, bytes.length, now, now + ahead)).toBe(isNew)
        if (isNew) readAt.set(name, now + ahead)
        now += ahead + advance
      })
    }),
  )
})

test('half a million ids are all different', () => {
  const recent = new RecentIds(new Memory(), 1_000_000)
  let added = 0
  for (let i = 0; i < 500_000; i++) {
    const bytes = Buffer.from(`E${i}`)
    if (recent.add(bytes, 0, bytes.length, 0, 0)) added++
  }
  expect(added).toBe(500_000)
})

test('what is older than two spans takes no room', () => {
  const memory = new Memory()
  const recent = new RecentIds(memory, 1_000)
  const add = (name: string, atMs: number): boolean => recent.add(Buffer.from(name), 0, name.length, atMs, atMs)
  for (let i = 0; i < 20_000; i++) add(`E${i}`, 0)
  for (let i = 1; i <= 4; i++) add('E', i * 1_500)
  const pages = memory.begin(true).copy(Number.POSITIVE_INFINITY)
  expect(pages.reduce((sum, page) => sum + page.bytes.length, 0)).toBeLessThan(10_000)
})
