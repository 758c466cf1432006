import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type DecimalParts,
  decimalFromBytes,
  decimalFromNumber,
  decimalFromText,
  decimalRescale,
  decimalToBytes,
  decimalToNumber,
  decimalToText,
} from './decimal.ts'

const MOST = 10n ** 18n - 1n
const LEAST = -MOST
const inRange = fc.bigInt({ min: LEAST, max: MOST })
const scales = fc.nat({ max: 18 })
const parts = (): DecimalParts => ({ high: 7, low: 7 })
const split = (value: bigint): DecimalParts => ({ high: Number(value >> 32n), low: Number(value & 0xffff_ffffn) })
const join = ({ high, low }: DecimalParts): bigint => BigInt(high) * 2n ** 32n + BigInt(low)

/** The slow and obvious way: digits * 10^(exponent + scale), half away from zero. */
function naive(text: string, scale: number): bigint {
  const [, sign, whole, rest = '', exponent = '0'] = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text)!
  const power = Number(exponent) + scale - rest.length
  const digits = BigInt(`${whole}${rest}`)
  const size =
    power >= 0 ? digits * 10n ** BigInt(power) : (digits * 2n + 10n ** BigInt(-power)) / (2n * 10n ** BigInt(-power))
  return sign === '-' ? -size : size
}

function agrees(text: string, scale: number, read: (out: DecimalParts) => string): void {
  const out = parts()
  const expected = naive(text, scale)
  const result = read(out)
  if (expected < LEAST || expected > MOST) expect(result, text).toBe('out_of_range')
  else expect([result, join(out)], `${text} at ${scale}`).toEqual(['ok', expected])
}

test('text agrees with BigInt', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 24 })
  const number = fc
    .tuple(
      fc.constantFrom('', '-', '+'),
      digits,
      fc.constantFrom('', '.'),
      digits,
      fc.constantFrom('', 'e3', 'E-7', 'e+0', 'e-30'),
    )
    .filter(([, whole, point, rest]) => (point === '' ? whole + rest : whole + rest) !== '')
  fc.assert(
    fc.property(number, scales, (pieces, scale) => {
      const text = pieces.join('')
      agrees(text, scale, (out) => decimalFromText(text, scale, out))
    }),
    { numRuns: 3_000 },
  )
})

test('numbers agree with their shortest text, halves included', () => {
  const half = fc
    .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.nat({ max: 9 }))
    .map(([n, d]) => Number(`${n}.0000${d}5`))
  fc.assert(
    fc.property(
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), half, fc.integer()),
      scales,
      (value, scale) => {
        agrees(String(value), scale, (out) => decimalFromNumber(value, scale, out))
      },
    ),
    { numRuns: 3_000 },
  )
})

test('rounds half away from zero', () => {
  const at4 = (value: number | string) => {
    const out = parts()
    expect(typeof value === 'string' ? decimalFromText(value, 4, out) : decimalFromNumber(value, 4, out)).toBe('ok')
    return decimalToText(out.high, out.low, 4)
  }
  expect([1.00005, -1.00005, 0.00004, '0.00005', '-0.00005', -0, '1e-4'].map(at4)).toEqual([
    '1.0001',
    '-1.0001',
    '0.0000',
    '0.0001',
    '-0.0001',
    '0.0000',
    '0.0001',
  ])
})

test('what is not a number is malformed', () => {
  for (const text of [
    '',
    '-',
    '.',
    'e5',
    '1e',
    '1e+',
    '1 ',
    ' 1',
    '1,000',
    '0x10',
    'NaN',
    'Infinity',
    '1.2.3',
    '1e2.5',
    '--1',
  ])
    expect(decimalFromText(text, 2, parts()), text).toBe('malformed')
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    expect(decimalFromNumber(value, 2, parts())).toBe('malformed')
})

test('the ends of the range', () => {
  for (const value of [LEAST, LEAST + 1n, -1n, 0n, 1n, MOST - 1n, MOST])
    agrees(String(value), 0, (out) => decimalFromText(String(value), 0, out))
  for (const value of [LEAST - 1n, MOST + 1n, -(2n ** 63n), 2n ** 64n, 10n ** 40n])
    expect(decimalFromText(String(value), 0, parts()), String(value)).toBe('out_of_range')
  expect(decimalFromText('1e99999999', 0, parts())).toBe('out_of_range')
  expect(decimalFromText('1e-99999999', 0, parts())).toBe('ok')
})

test('bytes agree with BigInt, padded or not', () => {
  fc.assert(
    fc.property(inRange, fc.nat({ max: 4 }), (value, padding) => {
      const { high, low } = split(value)
      const target = new Uint8Array(16).fill(value < 0n ? 0xff : 0, 0, padding)
      const end = decimalToBytes(high, low, target, padding)
      let shortest = 1n
      while (BigInt.asIntN(Number(shortest) * 8, value) !== value) shortest += 1n
      expect(end - padding).toBe(Number(shortest))
      const out = parts()
      expect(decimalFromBytes(target, 0, end, out)).toBe('ok')
      expect(join(out)).toBe(value)
    }),
  )
})

test('bytes beyond 64 bits are out of range, none are zero', () => {
  const read = (...bytes: number[]) => decimalFromBytes(Uint8Array.from(bytes), 0, bytes.length, parts())
  expect(read(1, 0, 0, 0, 0, 0, 0, 0, 0)).toBe('out_of_range')
  expect(read(0, 0x80, 0, 0, 0, 0, 0, 0, 0)).toBe('out_of_range')
  expect(read(0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0)).toBe('out_of_range')
  expect(read(0x80, 0, 0, 0, 0, 0, 0, 0)).toBe('out_of_range')
  const out = parts()
  expect([decimalFromBytes(new Uint8Array(0), 0, 0, out), out.high, out.low]).toEqual(['ok', 0, 0])
})

test('to another scale by way of doubles: halves, and on both sides of 2^53', () => {
  const whole = fc.oneof(
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n - 50n, max: 2n ** 53n + 50n }),
    fc.tuple(fc.integer(), fc.nat(8), fc.integer({ min: -1, max: 1 })).map(([n, e, d]) => n * 5 * 10 ** e + d),
  )
  fc.assert(
    fc.property(whole, scales, scales, (value, scale, other) => {
      const { high, low } = split(BigInt(value))
      agrees(decimalToText(high, low, scale), other, (out) => {
        Object.assign(out, { high, low })
        return decimalRescale(out, scale, other)
      })
    }),
    { numRuns: 3_000 },
  )
})

test('back to text, to a double, to another scale', () => {
  fc.assert(
    fc.property(inRange, scales, scales, (value, scale, other) => {
      const { high, low } = split(value)
      agrees(decimalToText(high, low, scale), scale, (out) =>
        decimalFromText(decimalToText(high, low, scale), scale, out),
      )
      expect(decimalToNumber(high, low, scale)).toBe(Number(`${value}e-${scale}`))
      agrees(decimalToText(high, low, scale), other, (out) => {
        Object.assign(out, { high, low })
        return decimalRescale(out, scale, other)
      })
    }),
  )
})
