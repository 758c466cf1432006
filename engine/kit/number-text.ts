const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/**
 * The double nearest to the number in `text`, NaN where it is none: digits with at most one point, a sign, an exponent, as
 * decimals have them (kit/decimal.ts). No blanks, no `0x10`, no digits of other scripts. Beyond doubles it is infinite.
 */
export function numberFromText(text: string): number {
  return NUMBER.test(text) ? Number(text) : Number.NaN
}
