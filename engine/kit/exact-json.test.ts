import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numbersUnder, parseExactJson } from './exact-json.ts'

test('long numbers keep their digits, as texts; short ones are numbers', () => {
  const text = '{"id":1234567890123456781,"n":-900719925474099301 ,"d":[0.1234567890123456,12.5],"s":123456789012345}'
  expect(parseExactJson(text)).toEqual({
    id: '1234567890123456781',
    n: '-900719925474099301',
    d: ['0.1234567890123456', 12.5],
    s: 123456789012345,
  })
  expect(parseExactJson('1234567890123456789')).toBe('1234567890123456789')
  expect(parseExactJson('{"e":1234567890123456789e2}')).toEqual({ e: '1234567890123456789e2' })
})

test('what is beyond any double keeps its characters too', () => {
  expect(parseExactJson('[1e400,-2.5E+9999,1e308,1e-400,"1e400"]')).toEqual(['1e400', '-2.5E+9999', 1e308, 0, '1e400'])
  const edge = '[10e308,-999999999999999e+294,1.9e308,1.7e308,123456e302,12345678901234e294]'
  expect(parseExactJson(edge)).toEqual([
    '10e308',
    '-999999999999999e+294',
    '1.9e308',
    1.7e308,
    1.23456e307,
    1.2345678901234e307,
  ])
})

test('numbers under names that are asked for keep their characters; others, and those written as usual, are numbers', () => {
  const written = numbersUnder(['a', 'a.b"', '$'])
  const text = String.raw`{"a":1.50,"b":1.50,"a.b\"": -0.0 ,"$" :[1.0],"n":{"a":1E3},"t":"\"a\":1.50","aa":2.0}`
  const parsed = { a: '1.50', b: 1.5, 'a.b"': '-0.0', $: [1], n: { a: '1E3' }, t: '"a":1.50', aa: 2 }
  expect(parseExactJson(text, written)).toEqual(parsed)
  expect(parseExactJson('{"a":15,"$":1.5,"a.b\\"":true}', written)).toEqual({ a: 15, $: 1.5, 'a.b"': true })
  for (const bad of ['{"a":01.50}', '{"a":1.}', '{"a":1.50.0}', '{"a":1-0}'])
    expect(() => parseExactJson(bad, written)).toThrow(SyntaxError)
  expect(numbersUnder([])).toBe(null)
})

test('digits in texts and keys stay as they are', () => {
  const text = '{"a\\"1234567890123456789":"x 1234567890123456789 \\\\","\\\\":"1234567890123456","b":1234567890123456}'
  expect(parseExactJson(text)).toEqual({ ...JSON.parse(text), b: '1234567890123456' })
})

test('a field called __proto__ is a field', () => {
  const value = parseExactJson('{"__proto__":1234567890123456789}') as object
  expect(Object.hasOwn(value, '__proto__')).toBe(true)
})

describe('throws where JSON.parse does, and nowhere else', () => {
  const outcome = (parse: (text: string) => unknown, text: string) => {
    try {
      return JSON.stringify(parse(text))
    } catch (error) {
      return (error as Error).name
    }
  }
  test.each([
    '{1234567890123456789:1}',
    '{"a":1,1234567890123456789 : 1}',
    '[01234567890123456789]',
    '[1-1234567890123456789]',
    '[1234567890123456789.]',
    '[1234567890123456789x]',
    '[.1234567890123456789]',
    '["a" 1234567890123456789]',
    '["1234567890123456789',
    '1234567890123456789 1',
  ])('%s', (text) => expect(() => parseExactJson(text)).toThrow(SyntaxError))
  test('any text made of the pieces of JSON', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      ' ',
      '-',
      '+',
      '.',
      'e',
      '0',
      '1',
      '"a"',
      '"k":',
      '1234567890123456',
      '9007199254740993',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        const [mine, native] = [outcome(parseExactJson, text), outcome(JSON.parse, text)]
        expect(mine === 'SyntaxError').toBe(native === 'SyntaxError')
      }),
      { numRuns: 20_000 },
    )
  })
  test('any value of doubles comes back, but for the quotes', () => {
    const bare = (text: string) => text.replace(/"(-?[\d.]{16,}(e[+-]?\d+)?)"/g, '$1')
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        expect(bare(outcome(parseExactJson, text))).toBe(bare(outcome(JSON.parse, text)))
      }),
    )
  })
})
