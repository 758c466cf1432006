import fc from 'fast-check'
import { expect, test } from 'vitest'
import { smallestCovers } from './cover.ts'

test('nothing wanted, nothing taken; all that are equally small', () => {
  expect(smallestCovers([])).toEqual([[]])
  expect(smallestCovers([['shop', 'buyer']])).toEqual([['buyer'], ['shop']])
  expect(smallestCovers([['shop'], ['shop', 'buyer'], ['buyer', 'item'], ['item', 'shop']])).toEqual([
    ['buyer', 'shop'],
    ['item', 'shop'],
  ])
})

test('greedy would take three', () => {
  // a covers four of six at once, but then b and c are both still needed
  const wants = [['a', 'b'], ['a', 'b'], ['a', 'c'], ['a', 'c'], ['b'], ['c']]
  expect(smallestCovers(wants)).toEqual([['b', 'c']])
})

test('those that trying all subsets finds', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const want = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(want, { maxLength: 10 }), (wants) => {
      const covers = (set: readonly string[]) => wants.every((w) => w.some((name) => set.includes(name)))
      const subsets = Array.from({ length: 2 ** names.length }, (_, bits) => names.filter((_n, i) => (bits >> i) & 1))
      const least = Math.min(...subsets.filter(covers).map((s) => s.length))
      const best = subsets.filter((s) => s.length === least && covers(s)).map((s) => s.join())
      expect(smallestCovers(wants).map((s) => s.join())).toEqual(best.sort())
    }),
  )
})
