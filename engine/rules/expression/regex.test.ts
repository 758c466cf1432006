import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePattern } from './regex.ts'

const matcher = (pattern: string) => {
  const compiled = compilePattern(pattern)
  if (!compiled.ok) throw new Error(compiled.fault)
  return compiled
}
const faultOf = (pattern: string) => {
  const compiled = compilePattern(pattern)
  return compiled.ok ? null : compiled.fault
}

test('patterns that take a backtracking engine years are answered at once', () => {
  const text = `${'a'.repeat(100_000)}!`
  for (const pattern of ['(a+)+$', '(a|aa)+$', '(a*)*b', '([a-z]+)*[0-9]', 'a*a*a*a*a*a*b', '(a{1,10}){1,10}b']) {
    const began = performance.now()
    expect([pattern, matcher(pattern).test(text)]).toEqual([pattern, false])
    expect(performance.now() - began).toBeLessThan(1_000)
  }
})

test('a pattern with a new state at every character takes some microseconds a character', () => {
  const text = Array.from({ length: 40_000 }, (_, i) => 'ab'[((i * i) >> 4) % 2]).join('')
  const { test } = matcher('[ab]*a[ab]{200}$')
  const began = performance.now()
  test(text)
  expect(performance.now() - began).toBeLessThan(5_000)
})

test('where both know a pattern, it finds what JavaScript finds', () => {
  const atom = fc.constantFrom('a', 'b', '店', '🙂', '[ab]', '[^a]', '\\d', '\\w', '\\.', '(a|bb)', '(?:b|a1)')
  const times = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,3}', '+?')
  const piece = fc.tuple(atom, times).map(([a, t]) => a + t)
  const pattern = fc
    .tuple(fc.constantFrom('', '^'), fc.array(piece, { maxLength: 5 }), fc.constantFrom('', '$'))
    .map((parts) => parts.flat().join(''))
  const text = fc.array(fc.constantFrom('a', 'b', '1', '.', '店', '🙂', ' '), { maxLength: 12 }).map((c) => c.join(''))
  fc.assert(
    fc.property(pattern, text, (p, t) => {
      expect([p, t, matcher(p).test(t)]).toEqual([p, t, new RegExp(p, 'u').test(t)])
    }),
    { numRuns: 3_000, seed: 7 },
  )
})

test('flags are written in the pattern', () => {
  expect(matcher('(?i)refund').test('a REFUND')).toBe(true)
  expect(matcher('refund').test('a REFUND')).toBe(false)
})

test('what RE2 has not, and what is too large, is a fault', () => {
  const faults: Record<string, RegExp> = {
    '(?=a)': /not a regular expression of RE2: .*\(\?=/,
    '(?<!a)b': /not a regular expression of RE2/,
    '(a)\\1': /not a regular expression of RE2: invalid escape sequence: `\\1`/,
    '[': /missing closing \]/,
    'a{2,1}': /invalid repeat count/,
    '(a{1000}){1000}': /invalid repeat count/,
    'a{1000}': /comes to 100\d steps, 250 are allowed/,
    [`${'a'.repeat(201)}`]: /longer than 200 characters/,
  }
  for (const [pattern, fault] of Object.entries(faults)) expect(faultOf(pattern)).toMatch(fault)
})
