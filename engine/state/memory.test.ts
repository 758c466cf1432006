import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memory, Pages, type SavedPage } from './memory.ts'

function storage() {
  const memory = new Memory()
  const pages = new Pages(memory, Int32Array)
  let size = 0
  memory.root(
    () => ({ size }),
    (saved) => {
      size = saved.size
    },
  )
  return { memory, pages, size: () => size, setSize: (n: number) => (size = n) }
}

const change = fc.record({
  page: fc.nat({ max: 5 }),
  at: fc.nat({ max: 3 }),
  value: fc.integer(),
  kind: fc.nat({ max: 9 }),
})

const many = { maxLength: 30, size: 'max' } as const

test('a snapshot is what stood when it began, whatever changes while it is copied; later ones need only what changed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.array(change, many), fc.array(fc.tuple(change, fc.nat({ max: 40 })), many)), {
        maxLength: 5,
        size: 'max',
      }),
      (rounds) => {
        const { memory, pages, size, setSize } = storage()
        const apply = (c: { page: number; at: number; value: number; kind: number }): void => {
          while (pages.list.length <= c.page) pages.grow(4)
          if (c.kind === 0) pages.replace(c.page, Int32Array.of(c.value, 1, 2, 3))
          else if (c.kind === 1) {
            pages.drop(c.page)
            expect(pages.list[c.page].length).toBe(0)
          } else {
            expect(pages.write(c.page)).toBe(pages.list[c.page])
            if (pages.list[c.page].length > 0) pages.write(c.page)[c.at] = c.value
          }
          setSize(c.value)
        }
        const store = new Map<number, SavedPage>()
        rounds.forEach(([before, during], i) => {
          before.forEach(apply)
          const expected = { size: size(), pages: pages.list.map((p) => [...p]) }
          const pass = memory.begin(i === 0)
          for (const [c, bytes] of during) {
            for (const saved of pass.copy(bytes)) store.set(saved.page, saved)
            apply(c)
          }
          for (;;) {
            const saved = pass.copy(16)
            if (saved.length === 0) break
            expect(saved.reduce((sum, page) => sum + page.bytes.length, 0)).toBeLessThanOrEqual(16)
            for (const page of saved) store.set(page.page, page)
          }
          const again = storage()
          again.memory.load(
            pass.roots,
            [...store.values()].filter((s) => s.page < pass.lengths[0]),
          )
          expect({ size: again.size(), pages: again.pages.list.map((p) => [...p]) }).toEqual(expected)
        })
      },
    ),
  )
})

test('a snapshot that is given up leaves nothing behind; a memory tells its build', () => {
  const { memory, pages } = storage()
  pages.grow(4)
  memory.begin(true).giveUp()
  pages.write(0)[1] = 7
  const saved = memory.begin(true).copy(100)
  expect(saved.map(({ page, bytes }) => [page, bytes[4]])).toEqual([[0, 7]])
  expect(memory.build).toBe('Int32Array 1')
  new Pages(memory, Float64Array)
  expect(memory.build).toBe('Int32Array Float64Array 1')
})
