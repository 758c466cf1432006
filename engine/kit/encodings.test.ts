import { describe, expect, test } from 'vitest'
import { type Encoding, isWellFormed, markedEncoding, textReader, wholeText } from './encodings.ts'

/** Byte by byte, so that each character is cut. */
function read(bytes: Buffer, encoding: Encoding = 'utf-8') {
  const reader = textReader(encoding)
  let text = ''
  for (const byte of bytes) text += reader.write(Buffer.from([byte]))
  return { text: text + reader.end(), faulty: reader.faulty, beyondAscii: reader.beyondAscii }
}
const GBK = Buffer.from([0xb1, 0xb1, 0xbe, 0xa9]) // 北京

test('characters cut by pieces come out whole, a byte order mark and U+FFFD too', () => {
  const text = '\ufeffä€😀\n\ufffd\u0000é'
  expect(read(Buffer.from(text)).text).toBe(text)
  expect(wholeText(Buffer.from(text), 'utf-8')).toBe(text.slice(1))
  expect(wholeText(Buffer.from(`\ufeff${text}`), 'utf-8')).toBe(text)
})

describe('bytes that are no text', () => {
  test.each([
    ['GBK', GBK],
    ['latin1', Buffer.from([0xe9])],
    ['an overlong slash', Buffer.from([0xc0, 0xaf])],
    ['half a surrogate pair', Buffer.from([0xed, 0xa0, 0x80])],
    ['a character cut off', Buffer.from([0x61, 0xe2, 0x82])],
  ])('%s is not UTF-8', (_, bytes) => {
    expect(isWellFormed(read(bytes).text)).toBe(false)
    expect(wholeText(bytes, 'utf-8')).toBeNull()
  })
  test('spoil their line alone, and are counted', () => {
    const reader = textReader('utf-8')
    const lines = reader.write(Buffer.concat([Buffer.from('ä\n'), GBK, Buffer.from('\nascii\nö')])).split('\n')
    expect(lines.map(isWellFormed)).toEqual([true, false, true, true])
    expect([reader.faulty, reader.beyondAscii]).toEqual([1, 2])
  })
  test('in other encodings', () => {
    for (const encoding of ['gbk', 'gb18030'] as const)
      expect(isWellFormed(read(Buffer.from([0x61, 0xff, 0x61]), encoding).text)).toBe(false)
    expect(isWellFormed(read(Buffer.from([0x00, 0xd8, 0x61, 0x00]), 'utf-16le').text)).toBe(false)
    expect(isWellFormed(read(Buffer.from([0x61, 0x00, 0x61]), 'utf-16le').text)).toBe(false)
  })
})

test('other encodings', () => {
  for (const encoding of ['gbk', 'gb18030'] as const)
    expect(read(GBK, encoding)).toMatchObject({ text: '北京', faulty: 0 })
  expect(read(Buffer.from('\ufeff北京', 'utf16le'), 'utf-16le').text).toBe('\ufeff北京')
  expect(read(Buffer.from('\ufeff北京', 'utf16le').swap16(), 'utf-16be').text).toBe('\ufeff北京')
  for (const encoding of ['latin1', 'windows-1252'] as const)
    expect(read(Buffer.from([0x80, 0xe9]), encoding).text).toBe('€é')
})

test('a byte order mark says the encoding', () => {
  expect(markedEncoding(Buffer.from('\ufeffa'))).toBe('utf-8')
  expect(markedEncoding(Buffer.from('\ufeffa', 'utf16le'))).toBe('utf-16le')
  expect(markedEncoding(Buffer.from('\ufeffa', 'utf16le').swap16())).toBe('utf-16be')
  expect(markedEncoding(Buffer.from('a'))).toBeNull()
})
