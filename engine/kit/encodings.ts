import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'

/** How texts are written, by the names that a configuration takes. latin1 is what browsers read as such: windows-1252. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'gbk', 'gb18030', 'windows-1252', 'latin1'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** Stands for bytes that are no text in their encoding: half a surrogate pair, which no decoded text has. */
const NO_TEXT = '\udcff'
const LINE_FEED = 10

/** False for texts with half a surrogate pair. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed() // ES2024; Node 20 has it
}

/** Bytes in pieces to text; pieces may end inside a character. */
export interface TextReader {
  /** Not well-formed in each line that holds bytes which are no text; a byte order mark stays. */
  write(bytes: Buffer): string
  /** What the last piece left open. */
  end(): string
  /** Lines, or parts of them, with bytes that are no text. */
  readonly faulty: number
  /** Lines without such bytes that are more than ASCII, or pieces of many of them: at least 1 where there is one. */
  readonly beyondAscii: number
}

export function textReader(encoding: Encoding): TextReader {
  return encoding === 'utf-8' ? new Utf8Reader() : new OtherReader(encoding)
}

/** What a byte order mark at the beginning says; null where there is none. */
export function markedEncoding(bytes: Uint8Array): Encoding | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null
}

/** One whole text without its byte order mark; null where the bytes are no text in that encoding. */
export function wholeText(bytes: Buffer, encoding: Encoding): string | null {
  const reader = textReader(encoding)
  const text = reader.write(bytes) + reader.end()
  if (!isWellFormed(text)) return null
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

abstract class Reader implements TextReader {
  faulty = 0
  beyondAscii = 0

  abstract write(bytes: Buffer): string
  abstract end(): string

  protected count(line: string): void {
    if (!isWellFormed(line)) this.faulty += 1
    else if (BEYOND_ASCII.test(line)) this.beyondAscii += 1
  }
}

const BEYOND_ASCII = /[\u0080-\uffff]/

class Utf8Reader extends Reader {
  #rest: Buffer = Buffer.alloc(0)

  override write(bytes: Buffer): string {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const end = wholeCharacters(all)
    this.#rest = Buffer.from(all.subarray(end))
    const whole = all.subarray(0, end)
    if (!isUtf8(whole)) return this.#lineByLine(whole)
    const text = whole.toString()
    if (text.length < whole.length) this.beyondAscii += 1
    return text
  }

  override end(): string {
    if (this.#rest.length === 0) return ''
    this.faulty += 1
    return NO_TEXT
  }

  #lineByLine(bytes: Buffer): string {
    let text = ''
    for (let at = 0; at < bytes.length; ) {
      const feed = bytes.indexOf(LINE_FEED, at)
      const end = feed < 0 ? bytes.length : feed + 1
      const piece = bytes.subarray(at, end)
      const line = isUtf8(piece) ? piece.toString() : piece.toString().replaceAll('\ufffd', NO_TEXT)
      this.count(line)
      text += line
      at = end
    }
    return text
  }
}

/** What comes before a character that is not whole yet. */
function wholeCharacters(bytes: Buffer): number {
  const { length } = bytes
  for (let back = 1; back <= Math.min(3, length); back++) {
    const byte = bytes[length - back]
    if (byte < 0x80) return length
    if (byte < 0xc0) continue
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return size > back ? length - back : length
  }
  return length
}

/** Its decoder makes U+FFFD of faulty bytes. In UTF-16 that may be in the text too, and is refused with them. */
class OtherReader extends Reader {
  readonly #decoder: TextDecoder

  constructor(encoding: Encoding) {
    super()
    // Node's gbk makes private characters of 0xff; its gb18030 holds all of gbk and does not
    this.#decoder = new TextDecoder(encoding === 'gbk' ? 'gb18030' : encoding, { ignoreBOM: true })
  }

  override write(bytes: Buffer): string {
    return this.#marked(this.#decoder.decode(bytes, { stream: true }), bytes.length)
  }

  override end(): string {
    return this.#marked(this.#decoder.decode(), 0)
  }

  #marked(text: string, sizeBytes: number): string {
    if (!text.includes('\ufffd')) {
      if (text.length < sizeBytes) this.beyondAscii += 1
      return text
    }
    const marked = text.replaceAll('\ufffd', NO_TEXT)
    for (const line of marked.split('\n')) this.count(line)
    return marked
  }
}
