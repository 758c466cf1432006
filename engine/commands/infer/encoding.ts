import { isUtf8 } from 'node:buffer'

export interface Decoded {
  readonly text: string
  /** As `encoding` of a stream says it; null: UTF-8. */
  readonly encoding: string | null
  /** What speaks for it where it is a guess. */
  readonly doubt: string | null
}

/**
 * The text of the first bytes of a file. UTF-8 strictly, else GB18030 if all of it can be read and most of it looks like
 * Chinese, else latin1, which takes anything. `whole` false: the bytes may end inside a character, so the last line goes.
 */
export function decodeSample(bytes: Buffer, whole: boolean): Decoded {
  const marked = byMark(bytes)
  if (marked) return { text: upToLine(textIn(marked, bytes), whole), encoding: marked, doubt: null }
  const lines = whole ? bytes : upToLineOf(bytes)
  if (isUtf8(lines)) return { text: textIn('utf-8', lines), encoding: null, doubt: null }
  if (looksChinese(lines)) {
    const text = readable('gb18030', lines)
    const doubt = 'the bytes are no UTF-8; read as GB18030 (GBK) they are Chinese'
    if (text !== null) return { text, encoding: 'gb18030', doubt }
  }
  const doubt = 'the bytes are neither UTF-8 nor GB18030; latin1 takes any bytes: look at the letters'
  return { text: textIn('latin1', lines), encoding: 'latin1', doubt }
}

function byMark(bytes: Buffer): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null
}

function textIn(encoding: string, bytes: Buffer): string {
  return new TextDecoder(encoding).decode(bytes)
}

function readable(encoding: string, bytes: Buffer): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

function upToLine(text: string, whole: boolean): string {
  return whole ? text : text.slice(0, text.lastIndexOf('\n') + 1)
}

function upToLineOf(bytes: Buffer): Buffer {
  return bytes.subarray(0, Math.max(bytes.lastIndexOf(0x0a), bytes.lastIndexOf(0x0d)) + 1)
}

/**
 * Chinese in GBK is pairs of bytes, both of them nearly always above A0; a letter of latin1 with an accent stands alone
 * among those of ASCII.
 */
function looksChinese(bytes: Buffer): boolean {
  let [pairs, others] = [0, 0]
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i]! < 0x80) continue
    if (bytes[i + 1]! > 0xa0) pairs += 1
    else others += 1
    i += 1
  }
  return pairs > others
}
