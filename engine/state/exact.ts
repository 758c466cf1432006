const TWO_32 = 0x1_0000_0000
const TWO_22 = 0x40_0000
const TWO_44 = TWO_22 * TWO_22
const CARRY = 2 ** 52
/** Whole numbers up to it are doubles. */
const EXACT = 2 ** 53
const FURTHER_DIGITS = 60
const FURTHER = 10n ** BigInt(FURTHER_DIGITS)

/**
 * Exact totals of signed 64-bit fixed-point values (high * 2^32 + low), kept in doubles that never round.
 *
 * Sum     3 cells of weight 2^0, 2^32, 2^64; a cell is carried before it could lose a bit (2^52)
 * Squares 4 cells of weight 2^0, 2^44, 2^88, 2^132
 * Exact   for 2^52 values of the largest size; adding and taking out again leaves the same total, to the last bit
 */
export const SUM_CELLS = 3
export const SQUARE_CELLS = 4

/** Adds (sign 1) or takes out (sign -1) one value. */
export function addToSum(cells: Float64Array, at: number, high: number, low: number, sign: 1 | -1): void {
  const low0 = cells[at] + sign * low
  const high0 = cells[at + 1] + sign * high
  cells[at] = low0
  cells[at + 1] = high0
  if (low0 >= CARRY || low0 <= -CARRY) carry(cells, at, TWO_32)
  if (high0 >= CARRY || high0 <= -CARRY) carry(cells, at + 1, TWO_32)
}

/** Adds or takes out the square of one value. */
export function addToSquares(cells: Float64Array, at: number, high: number, low: number, sign: 1 | -1): void {
  const negative = high < 0
  const magnitudeLow = negative ? (low === 0 ? 0 : TWO_32 - low) : low
  const magnitudeHigh = negative ? -high - (low === 0 ? 0 : 1) : high
  const a0 = magnitudeLow % TWO_22
  const rest = magnitudeHigh * 1024 + Math.floor(magnitudeLow / TWO_22) // value / 2^22, below 2^42
  const a1 = rest % TWO_22
  const a2 = Math.floor(rest / TWO_22)
  const cross01 = 2 * a0 * a1
  const cross12 = 2 * a1 * a2
  cells[at] += sign * (a0 * a0 + (cross01 % TWO_22) * TWO_22)
  cells[at + 1] += sign * (Math.floor(cross01 / TWO_22) + 2 * a0 * a2 + a1 * a1 + (cross12 % TWO_22) * TWO_22)
  cells[at + 2] += sign * (Math.floor(cross12 / TWO_22) + a2 * a2)
  for (let i = 0; i < 3; i++) {
    if (cells[at + i] >= CARRY || cells[at + i] <= -CARRY) carry(cells, at + i, TWO_44)
  }
}

function carry(cells: Float64Array, at: number, weight: number): void {
  const over = Math.trunc(cells[at] / weight)
  cells[at] -= over * weight
  cells[at + 1] += over
}

/** The total as the nearest double. */
function sumAsDouble(cells: Float64Array, at: number): number {
  if (cells[at + 2] === 0) return cells[at + 1] * TWO_32 + cells[at]
  return Number(sumAsBigInt(cells, at))
}

/** total / (n * 10^scale), rounded once: a sum with n = 1, a mean with the number of values. */
export function quotientOfSum(cells: Float64Array, at: number, n: number, scale: number): number {
  const total = sumAsDouble(cells, at)
  const divisor = n * 10 ** scale
  if (total <= EXACT && total >= -EXACT && divisor <= EXACT) return total / divisor
  const digits = (sumAsBigInt(cells, at) * FURTHER) / BigInt(n)
  return Number(`${digits}e-${scale + FURTHER_DIGITS}`)
}

export function sumAsBigInt(cells: Float64Array, at: number): bigint {
  return (BigInt(cells[at + 2]) << 64n) + (BigInt(cells[at + 1]) << 32n) + BigInt(cells[at])
}

export function squaresAsBigInt(cells: Float64Array, at: number): bigint {
  return (
    (BigInt(cells[at + 3]) << 132n) +
    (BigInt(cells[at + 2]) << 88n) +
    (BigInt(cells[at + 1]) << 44n) +
    BigInt(cells[at])
  )
}

/** n * squares - sum^2 as the nearest double: n^2 times the population variance, in squared units of the scale. */
export function varianceNumerator(cells: Float64Array, sumAt: number, squaresAt: number, n: number): number {
  const s = sumAsDouble(cells, sumAt)
  const q = cells[squaresAt]
  const small = cells[squaresAt + 1] === 0 && cells[squaresAt + 2] === 0 && cells[squaresAt + 3] === 0
  if (small && n * q <= Number.MAX_SAFE_INTEGER && s * s <= Number.MAX_SAFE_INTEGER) return n * q - s * s
  const sum = sumAsBigInt(cells, sumAt)
  return Number(BigInt(n) * squaresAsBigInt(cells, squaresAt) - sum * sum)
}
