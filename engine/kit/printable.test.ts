import { expect, test } from 'vitest'
import { printable, printableLines } from './printable.ts'

test('what a terminal obeys is shown, everything else stays', () => {
  expect(printable('a\u001b[31mb\u0007\n2026 high\r\t\u009b0m')).toBe('a\\u001b[31mb\\u0007\\n2026 high\\r\\t\\u009b0m')
  expect(printable('S\u202e1\u2066\u2028\ufeff\u200b\ud800.\u{e0041}')).toBe(
    'S\\u202e1\\u2066\\u2028\\ufeff\\u200b\\ud800.\\udb40\\udc41',
  )
  for (const text of ['', 'Ärger 淘宝 😀 a\u200db \\ "', 'नमस्ते'])
    expect([printable(text), printableLines(text)]).toEqual([text, text])
  expect(printableLines('a\n\tb\u001b\r\n')).toBe('a\n\tb\\u001b\\r\n')
})

test('JSON means the same', () => {
  const value = { '\u202e': 'a\u009b\u2028\n\u{e0041}\u007f' }
  expect(JSON.parse(printableLines(`${JSON.stringify(value)}\n`))).toEqual(value)
})
