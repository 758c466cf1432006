import { expect, test } from 'vitest'
import { Prng } from './prng.ts'

const take = (prng: Prng, count: number, draw: (p: Prng) => number = (p) => p.next()) =>
  Array.from({ length: count }, () => draw(prng))

test('a seed fixes the numbers, and its neighbours give others', () => {
  expect(take(new Prng(7), 3)).toEqual(take(new Prng(7), 3))
  expect(new Set([0, 1, 2, 7, -1].map((seed) => new Prng(seed).next())).size).toBe(5)
  expect(take(new Prng(42), 4).map((v) => Math.floor(v * 2 ** 32))).toMatchInlineSnapshot(`
    [
      1959603763,
      2423114712,
      2466933512,
      4144396390,
    ]
  `)
})

test('it goes on where its state was taken', () => {
  const prng = new Prng(1)
  take(prng, 100)
  const again = new Prng(JSON.parse(JSON.stringify(prng.state())))
  expect(take(again, 10)).toEqual(take(prng, 10))
})

test('the distributions have their means', () => {
  const mean = (draw: (p: Prng) => number) => take(new Prng(3), 200_000, draw).reduce((a, b) => a + b) / 200_000
  expect(mean((p) => p.next())).toBeCloseTo(0.5, 2)
  expect(mean((p) => p.int(10))).toBeCloseTo(4.5, 1)
  expect(mean((p) => p.between(2, 4))).toBeCloseTo(3, 2)
  expect(mean((p) => p.exponential(2))).toBeCloseTo(2, 1)
  const sorted = take(new Prng(3), 10_001, (p) => p.logNormal(5, 1)).sort((a, b) => a - b)
  expect(Math.abs(sorted[5_000]! - 5)).toBeLessThan(0.3)
})
