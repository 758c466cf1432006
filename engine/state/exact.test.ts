import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addToSquares,
  addToSum,
  quotientOfSum,
  SQUARE_CELLS,
  SUM_CELLS,
  squaresAsBigInt,
  sumAsBigInt,
  varianceNumerator,
} from './exact.ts'

const split = (v: bigint): [number, number] => [Number(v >> 32n), Number(v & 0xffff_ffffn)]
const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -100_000n, max: 100_000n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 0n, -1n, 2n ** 32n, -(2n ** 32n), 2n ** 22n - 1n),
)

test('totals and squares equal those of BigInt, whatever is added and taken out', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ v: int64, taken: fc.boolean() }), { maxLength: 300, size: 'max' }), (steps) => {
      const cells = new Float64Array(SUM_CELLS + SQUARE_CELLS)
      let sum = 0n
      let squares = 0n
      let n = 0
      for (const { v, taken } of steps) {
        const [high, low] = split(v)
        addToSum(cells, 0, high, low, 1)
        addToSquares(cells, SUM_CELLS, high, low, 1)
        if (taken) {
          addToSum(cells, 0, high, low, -1)
          addToSquares(cells, SUM_CELLS, high, low, -1)
        } else {
          sum += v
          squares += v * v
          n++
        }
      }
      expect(sumAsBigInt(cells, 0)).toBe(sum)
      expect(quotientOfSum(cells, 0, 1, 0)).toBe(Number(sum))
      expect(quotientOfSum(cells, 0, 1, 4)).toBe(Number(`${sum}e-4`))
      expect(squaresAsBigInt(cells, SUM_CELLS)).toBe(squares)
      expect(varianceNumerator(cells, 0, SUM_CELLS, n)).toBe(Number(BigInt(n) * squares - sum * sum))
    }),
  )
})

test('a million of the largest values neither overflow nor leave a trace', () => {
  const cells = new Float64Array(SUM_CELLS + SQUARE_CELLS)
  const [high, low] = split(2n ** 63n - 1n)
  const n = 1_000_000
  for (let i = 0; i < n; i++) {
    addToSum(cells, 0, high, low, 1)
    addToSquares(cells, SUM_CELLS, high, low, 1)
  }
  expect(sumAsBigInt(cells, 0)).toBe((2n ** 63n - 1n) * BigInt(n))
  expect(squaresAsBigInt(cells, SUM_CELLS)).toBe((2n ** 63n - 1n) ** 2n * BigInt(n))
  for (let i = 0; i < n; i++) {
    addToSum(cells, 0, high, low, -1)
    addToSquares(cells, SUM_CELLS, high, low, -1)
  }
  expect(sumAsBigInt(cells, 0)).toBe(0n)
  expect(squaresAsBigInt(cells, SUM_CELLS)).toBe(0n)
})

test('the mean of equal values is that value', () => {
  const values = fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n })
  fc.assert(
    fc.property(
      fc.oneof(values, fc.bigInt({ min: -99_999n, max: 99_999n })),
      fc.integer({ min: 1, max: 99 }),
      fc.integer({ min: 0, max: 18 }),
      (value, n, scale) => {
        const cells = new Float64Array(SUM_CELLS)
        for (let i = 0; i < n; i++) addToSum(cells, 0, ...split(value), 1)
        expect(quotientOfSum(cells, 0, n, scale)).toBe(Number(`${value}e-${scale}`))
      },
    ),
  )
})
